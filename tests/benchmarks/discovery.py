"""How long finding the runs of a large dataset takes, and how much memory; run by hand.

    python tests/benchmarks/discovery.py [FOLDER]

Makes a dataset of 200 participants with 75 files each in FOLDER (else in a temporary folder), once as a
DataLad user has it before ``datalad get`` (links to nowhere for EEG and BOLD) and once with small recordings
and a derivative, so that every header and marker file is read. Each measurement is a process of its own;
memory is its largest resident set minus that of an interpreter that does nothing.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nibabel as nib
import numpy as np

N_PARTICIPANTS, N_FILES, N_RUNS, N_VOLUMES, TR = 200, 75, 3, 150, 2.0
SFREQ, N_CHANNELS = 250, 4
#: Seconds and megabytes that must not be passed.
LIMITS = {"one": (1.0, 150.0), "all": (20.0, None)}

HEADER = """Brain Vision Data Exchange Header File Version 1.0
[Common Infos]
DataFile={stem}.eeg
MarkerFile={stem}.vmrk
DataFormat=BINARY
DataOrientation=MULTIPLEXED
NumberOfChannels={n_channels}
SamplingInterval=4000
[Binary Infos]
BinaryFormat=INT_16
[Channel Infos]
{channels}
"""

#: The largest resident set of this process alone: that of getrusage also counts what it was forked from.
PEAK = """
def largest_megabytes():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
"""
MEASURED = """
import json, sys, time
from pathlib import Path
start = time.perf_counter()
from bids_eeg2fmri.settings import Selection, Settings
from bids_eeg2fmri.bids.derivatives import find_derivatives
from bids_eeg2fmri.sync.discovery import discover_runs
import bids_eeg2fmri.bids.name_patterns
imported = time.perf_counter()
root, labels, database = Path(sys.argv[1]), sys.argv[2].split(","), sys.argv[3]
statuses = {}
for label in labels:
    found = discover_runs(root, find_derivatives(root), label, selection=Selection(), settings=Settings(),
                          database_dir=Path(database) if database else None)
    for run in found.found:
        statuses[run.status] = statuses.get(run.status, 0) + 1
done = time.perf_counter()
print(json.dumps([imported - start, done - imported,
                  largest_megabytes(), statuses]))
"""


def make_dataset(root: Path, *, with_content: bool) -> Path:
    """Write the dataset."""
    root.mkdir(parents=True)
    (root / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.10.0"}')
    (root / "task-a_bold.json").write_text(json.dumps({"RepetitionTime": TR, "TaskName": "a"}))
    (root / "task-a_eeg.json").write_text(json.dumps({"SamplingFrequency": SFREQ, "TaskName": "a"}))
    shape = (2, 2, 2, N_VOLUMES)
    image = nib.Nifti1Image(np.zeros(shape, dtype=np.int16), np.eye(4))
    image.header.set_zooms((3, 3, 3, TR))
    image.header.set_xyzt_units("mm", "sec")
    bold = image.to_bytes()
    for k in range(1, N_PARTICIPANTS + 1):
        write_participant(root, f"{k:03d}", bold if with_content else None)
    if with_content:
        folder = root / "derivatives" / "fmriprep"
        description = {"Name": "x", "BIDSVersion": "1.10.0", "DatasetType": "derivative"}
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "dataset_description.json").write_text(json.dumps(description))
    return root


def write_participant(root: Path, label: str, bold: bytes | None) -> None:
    """Write the files of one participant: runs of EEG and BOLD, and anatomy, until there are enough."""
    own = root / f"sub-{label}"
    for name in ("eeg", "func", "anat", "dwi"):
        (own / name).mkdir(parents=True)
    for run in range(1, N_RUNS + 1):
        stem = f"sub-{label}_task-a_run-{run}"
        write_eeg(own / "eeg" / f"{stem}_eeg", with_content=bold is not None)
        (own / "func" / f"{stem}_bold.json").write_text("{}")
        (own / "func" / f"{stem}_events.tsv").write_text(
            "onset\tduration\ttrial_type\n10\t20\ttap\n50\t20\ttap\n"
        )
        write_content(own / "func" / f"{stem}_bold.nii", bold)
        if bold is not None:
            space = "space-MNI152NLin2009cAsym"
            folder = root / "derivatives" / "fmriprep" / f"sub-{label}" / "func"
            folder.mkdir(parents=True, exist_ok=True)
            write_content(folder / f"{stem}_{space}_desc-preproc_bold.nii", bold)
            (folder / f"{stem}_{space}_desc-preproc_bold.json").write_text('{"StartTime": 1.0}')
            (folder / f"{stem}_desc-confounds_timeseries.tsv").write_text("trans_x\n0\n")
    n_files = sum(1 for path in own.rglob("*") if not path.is_dir())
    for k in range(n_files, N_FILES):
        (own / "dwi" / f"sub-{label}_acq-{k}_dwi.nii.gz").symlink_to("nowhere")


def write_eeg(path: Path, *, with_content: bool) -> None:
    """Write a recording as four files and its tables."""
    channels = "\n".join(f"Ch{k}=C{k},,0.5,µV" for k in range(1, N_CHANNELS + 1))
    header = HEADER.format(stem=path.name, n_channels=N_CHANNELS, channels=channels).encode()
    markers = "Brain Vision Data Exchange Marker File, Version 1.0\n[Marker Infos]\n"
    samples = [round((5 + TR * k) * SFREQ) for k in range(N_VOLUMES)]
    markers += "".join(f"Mk{k}=Response,R128,{sample},1,0\n" for k, sample in enumerate(samples, start=1))
    signal = bytes(2 * N_CHANNELS * round((10 + TR * N_VOLUMES) * SFREQ))
    for suffix, content in ((".vhdr", header), (".vmrk", markers.encode()), (".eeg", signal)):
        write_content(path.with_suffix(suffix), content if with_content else None)
    path.with_suffix(".json").write_text("{}")
    path.with_name(path.name.replace("_eeg", "_channels.tsv")).write_text("name\ttype\tunits\nC1\tEEG\tuV\n")


def write_content(path: Path, content: bytes | None) -> None:
    """Write a file, or a link to nowhere in its place."""
    if content is None:
        path.symlink_to("../../.git/annex/objects/none")
    else:
        path.write_bytes(content)


def measure(
    root: Path, labels: list[str], database: Path | None = None
) -> tuple[float, float, float, object]:
    """Return seconds of import and of discovery, megabytes above the interpreter's, and what was found."""
    nothing = [sys.executable, "-c", PEAK + "print(largest_megabytes())"]
    baseline = float(subprocess.run(nothing, capture_output=True, check=True).stdout)
    command = [sys.executable, "-c", PEAK + MEASURED, str(root), ",".join(labels), str(database or "")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    imported, seconds, megabytes, statuses = json.loads(done.stdout.splitlines()[-1])
    return imported, seconds, megabytes - baseline, statuses


def main() -> None:
    """Make the datasets where they are not there, measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="keeps the datasets")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        everyone = [f"{k:03d}" for k in range(1, N_PARTICIPANTS + 1)]
        print(f"{N_PARTICIPANTS} participants x {N_FILES} files, {N_RUNS} runs each; {time.strftime('%F')}")
        print(f"{'state':9} {'participants':13} {'index':9} {'import s':>9} {'s':>7} {'MB':>6}  found")
        for state in ("links", "content"):
            root = folder / state
            if not root.exists():
                make_dataset(root, with_content=state == "content")
            kept = Path(tempfile.mkdtemp(dir=temporary))
            for who, labels, database, words in (
                ("one", ["100"], None, "none"),
                ("all", everyone, None, "none"),
                ("one", ["100"], kept, "made"),
                ("one", ["100"], kept, "kept"),
                ("all", everyone, kept, "kept"),
            ):
                imported, seconds, megabytes, statuses = measure(root, labels, database)
                limit_s, limit_mb = LIMITS[who] if words != "made" else (None, None)
                is_over = (limit_s and seconds > limit_s) or (limit_mb and megabytes > limit_mb)
                print(
                    f"{state:9} {who:13} {words:9} {imported:9.2f} {seconds:7.2f} {megabytes:6.0f}  "
                    f"{statuses}{'  OVER THE LIMIT' if is_over else ''}"
                )


if __name__ == "__main__":
    main()
