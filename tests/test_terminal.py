"""What the command shows: bars on a terminal, plain lines elsewhere, more of them with -v."""

from __future__ import annotations

import logging
import os
import pty
import re
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from tiny_job import arguments, start

from bids_eeg2fmri.scheduling.attempt import prepare_process
from bids_eeg2fmri.settings import Job, Running, Selection, Settings


def show(args: list[str]) -> str:
    """Run the command on a terminal and return what it shows there."""
    first, second = pty.openpty()
    termios.tcsetwinsize(second, (24, 80))
    process = subprocess.Popen(
        [sys.executable, "-m", "bids_eeg2fmri", *args], stdin=second, stdout=second, stderr=second
    )
    os.close(second)
    shown = b""
    while True:
        try:
            block = os.read(first, 4096)
        except OSError:  # Linux: the other end is closed
            break
        if not block:
            break
        shown += block
    os.close(first)
    assert process.wait() == 0, shown
    return shown.decode()


def test_a_terminal_has_a_bar_and_a_file_plain_lines(tiny_dataset: Path, tiny_results: Path) -> None:
    args = arguments(tiny_dataset, tiny_results, "--participant-label", "01")
    shown = show(args)
    assert "0/1 [" in shown
    assert "participant/s]" in shown
    assert "[1/1] sub-01: up to date" in shown
    job = start(args)
    said, _ = job.communicate()
    assert job.returncode == 0
    assert re.fullmatch(r"\[1/1\] sub-01: up to date \(\d+ s\)", said.splitlines()[0])
    assert all(letter.isprintable() or letter == "\n" for letter in said), said


def test_a_full_disk_for_the_messages_stops_no_work(tiny_dataset: Path, tiny_results: Path) -> None:
    with Path("/dev/full").open("w") as full:
        process = subprocess.run(
            [sys.executable, "-m", "bids_eeg2fmri", *arguments(tiny_dataset, tiny_results)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert process.returncode == 0, process.stderr
    assert "Traceback" not in process.stderr


@pytest.mark.parametrize("verbose", [0, 1, 2, 5])
def test_verbosity(tmp_path: Path, verbose: int) -> None:
    names = (
        "bids_eeg2fmri",
        "bids_eeg2fmri.participant",
        "bids_eeg2fmri.preparation",
        "bids_eeg2fmri.application",
        "py.warnings",
    )
    before = {name: logging.getLogger(name).level for name in names}
    job = Job(
        bids_dir=tmp_path,
        output_dir=tmp_path,
        derivatives={},
        selection=Selection(),
        running=Running(verbose=verbose),
        settings=Settings(),
    )
    try:
        prepare_process(job)
        level = {
            name: logging.getLogger(name).getEffectiveLevel() for name in (*names, "bids_eeg2fmri.eeg.x")
        }
    finally:
        logging.captureWarnings(capture=False)
        for name, value in before.items():
            logging.getLogger(name).setLevel(value)
    every = [logging.WARNING, logging.INFO, logging.DEBUG][min(verbose, 2)]
    assert level["bids_eeg2fmri.eeg.x"] == every
    for name in names[1:4]:
        assert level[name] == min(every, logging.INFO), "stages are always told"
    assert level["py.warnings"] == (logging.WARNING if verbose > 1 else logging.ERROR)
