"""The smallest dataset and the quickest call of the command, for tests that start many."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bids_eeg2fmri import cli
from bids_eeg2fmri.simulate.dataset import simulate_dataset
from bids_eeg2fmri.simulate.options import SimulationOptions


def make_dataset(folder: Path, *, participants: int = 2) -> Path:
    """Simulate two runs of 40 volumes and 8 channels each; a table of two regions lies beside."""
    options = SimulationOptions(participants=participants, runs=2, volumes=40, channels=8, seed=3)
    simulate_dataset(folder / "bids", options)
    (folder / "regions.tsv").write_text("name\tx\ty\tz\nM1_L\t-37\t-21\t58\nM1_R\t37\t-21\t58\n")
    return folder / "bids"


def arguments(data: Path, out: Path, *more: object) -> list[str]:
    """Return the arguments of a quick call of the participant level."""
    regions = data.parent / "regions.tsv"
    args = [data, out, "participant", "--regions", regions, "--model", "ridge", "--n-nulls", 20, *more]
    return [str(arg) for arg in args]


def run_here(args: list[str]) -> int:
    """Run the command in this process and return its exit status."""
    try:
        cli.main(args)
    except SystemExit as stop:
        return int(stop.code or 0)
    raise AssertionError("the command did not exit")


def start(args: list[str], **options: Any) -> subprocess.Popen[str]:
    """Start the command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "bids_eeg2fmri", *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        **options,
    )


def contents_of_first(root: Path) -> dict[str, str]:
    """Return the digest of every file but those of the second participant."""
    return {name: digest for name, digest in contents(root).items() if "sub-02" not in name}


def kill(job: subprocess.Popen[str]) -> int:
    """Kill a job as ``kill -9`` does and return how it ended."""
    job.kill()
    job.communicate()
    return job.returncode


def contents(root: Path) -> dict[str, str]:
    """Return the digest of every file."""
    return {
        p.relative_to(root).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(root.rglob("*"))
        if p.is_file()
    }


def wait_until(what: Callable[[], Any], *, seconds: float = 120) -> Any:
    """Wait until something is true and return it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.02)
    raise AssertionError("waited in vain")


def holder(lock: Path) -> int:
    """Return the process that holds a lock file, 0 for none."""
    try:
        return int(json.loads(lock.read_text())["pid"])
    except (OSError, ValueError):
        return 0
