"""What can be said of the Dockerfile without building it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bids_eeg2fmri import __version__

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "Dockerfile").read_text()


def find_tool(name: str) -> str:
    beside = shutil.which(name, path=str(Path(sys.executable).parent))
    found = beside or shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed")
    return found


def test_hadolint_finds_nothing() -> None:
    done = subprocess.run(
        [find_tool("hadolint"), "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_version_is_that_of_the_package() -> None:
    assert re.findall(r"^ARG VERSION=(.*)$", TEXT, re.MULTILINE) == [__version__] * 2


def test_command_is_run_directly_and_by_nobody_in_particular() -> None:
    assert 'ENTRYPOINT ["/opt/venv/bin/bids_eeg2fmri"]' in TEXT
    assert not re.search(r"^USER", TEXT, re.MULTILINE)


def test_all_that_is_copied_is_sent_to_the_builder() -> None:
    sources = set()
    for line in re.findall(r"^COPY (?!--from)(.*)$", TEXT, re.MULTILINE):
        sources |= set(line.split()[:-1])
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert sources == kept
    assert all((ROOT / name).exists() for name in kept)
