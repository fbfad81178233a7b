from __future__ import annotations

import errno
import fcntl
import json
import logging
import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from tiny_job import wait_until

from bids_eeg2fmri.errors import OutputError
from bids_eeg2fmri.formats.lock import hold_lock


def hold_for_ever(path: Path, events: Any) -> None:
    with hold_lock(path, "sub-01"):
        events.put("held")
        signal.pause()


def hold_and_note(path: Path, events: Any) -> None:
    with hold_lock(path, "sub-01"):
        events.put("held")
        events.put("let go")


def test_a_lock_names_its_holder_and_goes_with_it(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "sub-01.lock"
    with hold_lock(path, "sub-01") as is_held:
        assert is_held
        owner = json.loads(path.read_text())
        assert owner["pid"] == os.getpid()
        assert owner["host"]
        assert owner["since"].endswith("UTC")
    assert not path.exists()


def test_a_killed_holder_blocks_nobody(tmp_path: Path) -> None:
    path = tmp_path / "sub-01.lock"
    context = multiprocessing.get_context("spawn")
    events = context.Queue()
    holder = context.Process(target=hold_for_ever, args=(path, events))
    holder.start()
    assert events.get(timeout=60) == "held"
    second = context.Process(target=hold_and_note, args=(path, events))
    second.start()
    wait_until(lambda: f"FLOCK  ADVISORY  WRITE {second.pid}" in Path("/proc/locks").read_text(), seconds=60)
    assert events.empty()
    assert holder.pid is not None
    os.kill(holder.pid, signal.SIGKILL)
    assert events.get(timeout=60) == "held"
    assert events.get(timeout=60) == "let go"
    for process in (holder, second):
        process.join()
    assert not path.exists()


def test_a_file_without_a_living_holder_is_taken_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "sub-01.lock"
    path.write_text('{"host": "gone", "pid": 1, "since": "long ago"}')
    with hold_lock(path, "sub-01"):
        assert json.loads(path.read_text())["pid"] == os.getpid()
    assert not caplog.records


def test_without_locks_there_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*args: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with caplog.at_level(logging.WARNING), hold_lock(tmp_path / "sub-01.lock", "sub-01") as is_held:
        assert not is_held
    assert "file system without locks: see to it that no two jobs work on sub-01 at once" in caplog.text


def test_a_lock_that_cannot_be_made_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(OutputError, match=r"sub-01.lock cannot be written"),
        hold_lock(tmp_path / "file" / "sub-01.lock", "sub-01"),
    ):
        pass
