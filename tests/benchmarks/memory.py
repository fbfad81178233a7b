"""What participants need of memory, beside what ``--mem`` expects of the sizes of their files.

Each simulated participant is worked on by the command in a process of its own; the peak is the kernel's
(``ru_maxrss`` of that process). The estimate must not be below the peak.

Usage: python tests/benchmarks/memory.py [--models stack ridge] [--only small large raw long-raw]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bids_eeg2fmri.scheduling.memory_need import estimate_memory
from bids_eeg2fmri.settings import Job, Running, Selection, Settings
from bids_eeg2fmri.simulate.dataset import simulate_dataset
from bids_eeg2fmri.simulate.options import SimulationOptions

DATASETS = {
    "small": SimulationOptions(participants=1, runs=2, volumes=60, channels=16),
    "large": SimulationOptions(participants=1, runs=5, volumes=150, channels=64),
    "raw": SimulationOptions(participants=1, runs=2, volumes=60, channels=32, eeg="raw"),
    "long-raw": SimulationOptions(participants=1, runs=2, volumes=300, channels=64, eeg="raw"),
    "raw-bold": SimulationOptions(participants=1, runs=2, volumes=60, channels=16, bold="raw"),
}


def measure_peak(arguments: list[str]) -> int:
    """Run the command and return the largest memory of its process, bytes."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bids_eeg2fmri", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)} ended with {process.returncode}.")
    return usage.ru_maxrss << 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", nargs="+", default=["stack", "ridge"])
    parser.add_argument("--only", nargs="+", choices=DATASETS, default=list(DATASETS))
    options = parser.parse_args()
    print(f"{'dataset':12}{'EEG MB':>10}{'BOLD MB':>10}{'estimate MB':>14}{'peak MB':>10}{'ratio':>8}")
    for name in options.only:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder) / "bids"
            simulate_dataset(root, DATASETS[name])
            derivatives = {path.name: path for path in (root / "derivatives").glob("fmriprep")}
            job = Job(
                bids_dir=root,
                output_dir=Path(folder) / "out",
                derivatives=derivatives,
                selection=Selection(),
                running=Running(),
                settings=Settings(),
            )
            expected = estimate_memory(job, "01")
            sizes = [
                sum(path.stat().st_size for path in root.rglob(f"sub-01*_{ending}"))
                for ending in ("eeg.eeg", "bold.nii.gz")
            ]
            peak = measure_peak(
                [str(root), str(job.output_dir), "participant", "--n-nulls", "20", "--model", *options.models]
            )
            print(
                f"{name:12}{sizes[0] / 1e6:>10.0f}{sizes[1] / 1e6:>10.0f}{expected / 1e6:>14.0f}"
                f"{peak / 1e6:>10.0f}{expected / peak:>8.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
