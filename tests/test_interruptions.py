"""What killed jobs, full disks and second jobs leave behind: what a job that nobody disturbed would."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import resource
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from tiny_job import (
    arguments,
    contents,
    contents_of_first,
    holder,
    kill,
    make_dataset,
    run_here,
    start,
    wait_until,
)

from bids_eeg2fmri.errors import OutputError
from bids_eeg2fmri.formats.atomic import part_of, whole_file

FIRST = ("--participant-label", "01")


def leave_parts(out: Path, label: str) -> list[Path]:
    """Make what a job of a participant leaves if it is killed while it writes."""
    folder = out / f"sub-{label}" / "eeg"
    folder.mkdir(parents=True, exist_ok=True)
    parts = [part_of(out / f"sub-{label}.html"), part_of(out / "logs" / f"sub-{label}_done.json")]
    parts += [part_of(folder / "x_eeg.vhdr"), part_of(folder / "x_eeg.json")]
    (out / "logs").mkdir(exist_ok=True)
    parts[2].mkdir()
    (parts[2] / "x_eeg.eeg").write_bytes(b"half")
    for path in (parts[0], parts[1], parts[3]):
        path.write_text("half")
    return parts


def test_a_job_killed_twice_ends_in_the_bytes_of_an_undisturbed_one(
    tiny_dataset: Path, tiny_results: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    for sign in ("sub-01/eeg/*_eeg.vhdr", "sub-01/figures/*.svg"):
        for old in out.glob(sign):
            old.unlink()  # of the job killed before
        job = start(arguments(tiny_dataset, out, *FIRST))
        wait_until(lambda sign=sign: list(out.glob(sign)))
        assert kill(job) == -signal.SIGKILL
        assert not (out / "sub-01.html").exists()
    leave_parts(out, "01")
    assert (out / "logs" / "sub-01.lock").exists()
    assert run_here(arguments(tiny_dataset, out, *FIRST)) == 0
    assert contents(out) == contents_of_first(tiny_results)


def test_only_the_parts_of_ones_own_participant_are_removed(
    tiny_dataset: Path, tiny_results: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(tiny_results, out)
    own, others = leave_parts(out, "01"), leave_parts(out, "011")
    assert run_here(arguments(tiny_dataset, out)) == 0
    assert not any(path.exists() for path in own)
    assert all(path.exists() for path in others)


def test_what_an_unfinished_job_of_other_settings_wrote_goes_and_what_is_not_ours_stays(
    tiny_dataset: Path, tiny_results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop_here(*args: object, **options: object) -> None:
        raise KeyboardInterrupt

    out = tmp_path / "out"
    shutil.copytree(tiny_results, out)
    note = out / "sub-01" / "my_notes.txt"
    note.write_text("not the app's")
    with monkeypatch.context() as patch:
        patch.setattr("bids_eeg2fmri.participant.write_mark", stop_here)
        assert run_here(arguments(tiny_dataset, out, *FIRST, "--model", "smr")) == 130
    assert list(out.glob("sub-01/**/*smr*"))
    assert run_here(arguments(tiny_dataset, out, *FIRST)) == 0
    assert note.read_text() == "not the app's"
    note.unlink()
    assert contents(out) == contents(tiny_results)


def test_a_second_job_waits_for_the_first_and_says_who_that_is(
    tiny_dataset: Path, tiny_results: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(tiny_results, out)
    lock = out / "logs" / "sub-01.lock"
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT)
    os.write(descriptor, b'{"host": "node7", "pid": 4711, "since": "2026-01-01 00:00:00 UTC"}')
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    job = start(arguments(tiny_dataset, out, *FIRST))
    assert job.stdout is not None
    line = job.stdout.readline()
    assert "sub-01 in" in line
    assert "is being worked on by process 4711 on node7 since 2026-01-01 00:00:00 UTC; waiting" in line
    assert job.poll() is None
    os.close(descriptor)
    said, _ = job.communicate()
    assert job.returncode == 0, said
    assert "up to date" in said
    assert contents(out) == contents(tiny_results)


def test_a_full_disk_is_73_and_leaves_only_whole_files(
    tiny_dataset: Path, tiny_results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    size = sum(path.stat().st_size for path in (tiny_results / "sub-01").rglob("*") if path.is_file())
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size // 2}", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mount is not allowed here")
    try:
        assert run_here(arguments(tiny_dataset, disk / "out", *FIRST)) == 73
        said = capsys.readouterr().out
        assert re.search(
            "cannot be written: (No space left|the signal does not fit)[^.]+. Check.* space", said
        )
        assert said.count("sub-01: failed") == 1
        left = contents(disk / "out")
        whole = contents(tiny_results)
        own = {name: digest for name, digest in left.items() if not name.endswith("_crash.txt")}
        del own["logs/sub-01_done.json"]  # says that the results are not whole
        assert own.items() <= whole.items()
        assert "sub-01.html" not in own
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        assert run_here(arguments(tiny_dataset, disk / "out", *FIRST)) == 73
        assert "Read-only file system" in capsys.readouterr().err
        assert contents(disk / "out") == left
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_file_that_may_not_grow_is_73(
    tiny_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, before[1]))
    try:
        assert run_here(arguments(tiny_dataset, tmp_path / "out", *FIRST)) == 73
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    said = capsys.readouterr().out
    assert "cannot be written" in said
    assert "Traceback" not in said
    left = contents(tmp_path / "out")
    assert any(name.endswith("_crash.txt") for name in left)
    assert not [name for name in left if ".part." in name or name.endswith((".eeg", ".lock"))]


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.EDQUOT, "quota exceeded"), (errno.ENOSPC, "No space left"), (errno.EROFS, "Read-only")],
)
def test_errors_of_the_disk_leave_no_file(tmp_path: Path, number: int, words: str) -> None:
    path = tmp_path / "x.tsv"
    path.write_text("before")

    def write() -> None:
        with whole_file(path) as part:
            part.write_text("half")
            raise OSError(number, os.strerror(number))

    with pytest.raises(OutputError, match=words):
        write()
    assert [p.name for p in tmp_path.iterdir()] == ["x.tsv"]
    assert path.read_text() == "before"


def test_an_unwritable_work_folder_is_refused_at_once(
    tiny_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    out = tmp_path / "out"
    assert run_here(arguments(tiny_dataset, out, "-w", tmp_path / "file" / "work")) == 73
    said = capsys.readouterr()
    assert "The work folder" in said.err
    assert "cannot be made or written: Not a directory" in said.err
    assert "sub-01" not in said.out
    assert not list(out.glob("sub-*"))


def test_clean_workdir_removes_what_the_app_kept_and_nothing_else(
    tiny_dataset: Path, tiny_results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, work = tmp_path / "out", tmp_path / "work"
    shutil.copytree(tiny_results, out)
    shutil.copytree(tiny_dataset.parent / "work", work)
    before = contents(work)
    assert len(before) == 8
    kept = [work / "sub-01_notes.safetensors", work / "mine" / "sub-01_eeg_0123456789abcdef.safetensors"]
    (work / "mine").mkdir()
    for path in kept:
        path.write_text("precious")
    old, young = part_of(work / "sub-01_eeg.safetensors"), part_of(work / "sub-01_eeg.safetensors")
    for path, age in ((old, 4000), (young, 10)):
        path.write_text("half")
        os.utime(path, (time.time() - age,) * 2)
    assert run_here(arguments(tiny_dataset, out, "-w", work, "--clean-workdir")) == 0
    assert f"8 files of earlier runs removed from {work}" in capsys.readouterr().out
    assert not set(before) & set(contents(work)), "they were not needed again"
    assert all(path.read_text() == "precious" for path in kept)
    assert not old.exists()
    assert young.exists(), "it may be a living job's"


def test_clean_workdir_needs_the_folder(
    tiny_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_here(arguments(tiny_dataset, tmp_path / "out", "--clean-workdir")) == 64
    assert "give --work-dir too" in capsys.readouterr().err


def seconds_of(group: int) -> float:
    """Return the CPU time of the living processes of a group: what else is running has no part in it."""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            ticks += (int(fields[11]) + int(fields[12])) * (int(fields[2]) == group and fields[0] != "Z")
    return ticks / os.sysconf("SC_CLK_TCK")


@pytest.fixture(scope="module")
def undisturbed(tiny_dataset: Path) -> tuple[float, float]:
    """CPU time of one participant by itself, and of two by two workers, s."""
    spent = []
    for more in (FIRST, ("--nprocs", 2)):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        job = start(arguments(tiny_dataset, tiny_dataset.parent / f"by_{len(spent) + 1}", *more))
        said, _ = job.communicate()
        assert job.returncode == 0, said
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return spent[0], spent[1]


@pytest.mark.exhaustive
@pytest.mark.parametrize("moment", range(20))
def test_killed_at_a_random_moment(
    tiny_dataset: Path, tiny_results: Path, undisturbed: tuple[float, float], tmp_path: Path, moment: int
) -> None:
    """By SIGKILL to the first process; every fourth has two workers, every other a work folder."""
    out, has_workers = tmp_path / "out", moment % 4 == 3
    args = arguments(tiny_dataset, out, *(("--nprocs", 2) if has_workers else FIRST))
    args += ["-w", str(tmp_path / "work")] if moment % 2 else []
    # Importing the libraries is the first third of the work.
    share = float(np.random.default_rng([20, moment]).uniform(0.2, 1.0))
    job = start(args, start_new_session=True)
    while job.poll() is None and seconds_of(job.pid) < share * undisturbed[has_workers]:
        time.sleep(0.02)
    ended = ", it had ended" if job.poll() is not None else ""
    kill(job)
    wait_until(lambda: seconds_of(job.pid) == 0)  # its workers too
    n_files, n_parts = len(contents(out)), len(list(out.rglob(".*.part.*")))
    again = start(args)
    said, _ = again.communicate()
    assert again.returncode == 0, said
    told = f"kill -9 at {share:.0%} of the CPU time{', two workers' if has_workers else ''}{ended}"
    print(f"{told}: {n_files} files, {n_parts} parts; rerun: {said.count(': done')} done,", end=" ")
    whole = contents(tiny_results) if has_workers else contents_of_first(tiny_results)
    assert contents(out) == whole
    assert not list(out.rglob(".*.part.*"))
    print(f"{said.count(': up to date')} up to date, all {len(whole)} files the same bytes")


@pytest.mark.exhaustive
def test_four_jobs_at_once_write_the_bytes_of_one_after_the_other(tmp_path: Path) -> None:
    root = make_dataset(tmp_path, participants=4)
    finished, out = tmp_path / "finished", tmp_path / "out"
    assert run_here(arguments(root, finished)) == 0
    jobs = [start(arguments(root, out, "--participant-label", f"0{k}")) for k in (1, 2, 3, 4)]
    for job in jobs:
        said, _ = job.communicate()
        assert job.returncode == 0, said
    assert contents(out) == contents(finished)


@pytest.mark.slow
def test_two_jobs_of_one_participant_do_not_mix(
    tiny_dataset: Path, tiny_results: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    first = start(arguments(tiny_dataset, out, *FIRST))
    pid = wait_until(lambda: holder(out / "logs" / "sub-01.lock"))
    os.kill(pid, signal.SIGSTOP)  # in the middle, until the second has come
    second = start(arguments(tiny_dataset, out, *FIRST))
    assert second.stdout is not None
    line = second.stdout.readline()
    os.kill(pid, signal.SIGCONT)
    said = [job.communicate()[0] for job in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], said
    assert "up to date" not in said[0]
    assert f"is being worked on by process {pid} on " in line
    assert "up to date" in said[1]
    assert contents(out) == contents_of_first(tiny_results)
