"""Participants side by side, in processes and on a Dask cluster, some of which die."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from pkgutil import resolve_name
from types import SimpleNamespace
from typing import Any

import pytest
from tiny_job import arguments, contents, holder, run_here, start, wait_until

from bids_eeg2fmri import __version__, options
from bids_eeg2fmri.errors import UsageError
from bids_eeg2fmri.scheduling import dask_cluster, local_workers
from bids_eeg2fmri.scheduling.attempt import Outcome
from bids_eeg2fmri.scheduling.local_workers import Load, _fits, work_locally


def copy_unfinished(tiny_results: Path, out: Path) -> None:
    """Copy results, of which those of the first participant are not finished."""
    shutil.copytree(tiny_results, out)
    (out / "logs" / "sub-01_done.json").unlink()


def test_a_dead_process_costs_its_participant_a_retry_and_nobody_else_anything(
    tiny_dataset: Path, tiny_results: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    copy_unfinished(tiny_results, out)
    job = start(arguments(tiny_dataset, out, "--nprocs", 2))
    os.kill(wait_until(lambda: holder(out / "logs" / "sub-01.lock")), signal.SIGKILL)
    said, _ = job.communicate()
    assert job.returncode == 0, said
    assert "sub-01: its worker process died; it is tried once more, alone." in said
    assert "[1/2] sub-02: up to date" in said
    assert "[2/2] sub-01: done" in said
    assert contents(out) == contents(tiny_results)


@pytest.mark.slow
def test_a_participant_whose_process_dies_twice_has_failed(
    tiny_dataset: Path, tiny_results: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    copy_unfinished(tiny_results, out)
    lock = out / "logs" / "sub-01.lock"
    job = start(arguments(tiny_dataset, out, "--nprocs", 2))
    first = wait_until(lambda: holder(lock))
    os.kill(first, signal.SIGKILL)
    os.kill(wait_until(lambda: holder(lock) not in (0, first) and holder(lock)), signal.SIGKILL)
    said, _ = job.communicate()
    assert job.returncode == 1, said
    assert "sub-02: up to date" in said
    assert "sub-01: failed (0 s): its worker process died twice, most often for lack of memory" in said
    assert "Traceback" not in said


def die(*_: object) -> None:
    os._exit(9)


def test_nothing_of_a_dead_worker_is_left_to_race_with_the_end_of_python(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(local_workers, "attempt", die)
    monkeypatch.setattr(local_workers, "_start_worker", repr)
    job: Any = SimpleNamespace(running=SimpleNamespace(stop_on_first_crash=False))
    before = set(threading.enumerate())
    ends = list(work_locally(job, [Load(participant="01")], n_workers=1, memory=1))
    assert [(end.participant, end.status) for end in ends] == [("01", "failed")]
    assert set(threading.enumerate()) == before


@pytest.mark.slow
def test_workers_end_with_the_first_process(tiny_dataset: Path, tiny_results: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    copy_unfinished(tiny_results, out)
    job = start(arguments(tiny_dataset, out, "--nprocs", 2))
    worker = wait_until(lambda: holder(out / "logs" / "sub-01.lock"))
    job.kill()
    job.communicate()
    wait_until(lambda: not Path(f"/proc/{worker}").exists(), seconds=20)


def test_what_fits_into_memory_is_worked_on_at_once() -> None:
    small, large = Load(participant="1", memory=4), Load(participant="2", memory=11)
    assert _fits(small, [small], 8)
    assert not _fits(small, [small, small], 8)
    assert _fits(large, [], 8), "alone, though it is expected not to fit"
    assert not _fits(large, [small], 8)
    retry = Load(participant="3", memory=1, is_retry=True)
    assert _fits(retry, [], 8)
    assert not _fits(retry, [small], 8)
    assert not _fits(small, [retry], 8)


# Dask.


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[str]:
    """A Dask scheduler on this machine alone."""
    pytest.importorskip("distributed")
    address = f"tcp://127.0.0.1:{(port := free_port())}"
    command = ["-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port)]
    process = launch([*command, "--no-dashboard"], tmp_path / "scheduler.log")
    wait_until(lambda: "Scheduler at" in (tmp_path / "scheduler.log").read_text())
    yield address
    process.terminate()
    process.wait()


def launch(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    """Start a part of Dask, which writes into a file."""
    with log.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, *command],
            stdout=file,
            stderr=subprocess.STDOUT,
            cwd=log.parent,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )


def launch_worker(address: str, folder: Path, *options: str) -> subprocess.Popen[bytes]:
    command = ["-m", "distributed.cli.dask_worker", address, "--host", "127.0.0.1", "--no-dashboard"]
    command += [*options, "--no-nanny", "--local-directory", str(folder)]
    n_logs = len(list(folder.glob("worker*.log")))
    return launch(command, folder / f"worker{n_logs}.log")


def test_a_dead_worker_of_a_cluster_costs_its_participant_a_retry(
    tiny_dataset: Path, tiny_results: Path, scheduler: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    copy_unfinished(tiny_results, out)
    workers = [launch_worker(scheduler, tmp_path, "--nthreads", "1") for _ in range(2)]
    try:
        job = start(arguments(tiny_dataset, out, "--dask-scheduler", scheduler))
        victim = wait_until(lambda: holder(out / "logs" / "sub-01.lock"))
        assert victim in [worker.pid for worker in workers], "no participant in the client's process"
        os.kill(victim, signal.SIGKILL)
        said, _ = job.communicate()
        assert job.returncode == 0, said
        assert "sub-01: done" in said
        assert "2 participants: 1 done, 1 up to date." in said
        assert contents(out) == contents(tiny_results)
    finally:
        for worker in workers:
            worker.terminate()
            worker.wait()


class Cluster:
    """A client's answers about the versions and threads of its workers."""

    def __init__(self, *workers: tuple[object, int]) -> None:
        self.workers = {f"tcp://10.0.0.{k}:1": worker for k, worker in enumerate(workers, start=1)}

    def nthreads(self) -> dict[str, int]:
        return {address: n_threads for address, (_, n_threads) in self.workers.items()}

    def run(self, function: object, name: str, *, on_error: str) -> dict[str, object]:
        assert (function, name, on_error) == (resolve_name, "bids_eeg2fmri:__version__", "return")
        return {address: version for address, (version, _) in self.workers.items()}


@pytest.mark.parametrize(
    ("worker", "words"),
    [
        (("0.0.9", 1), r"tcp://10.0.0.2:1 has bids_eeg2fmri 0.0.9, this machine"),
        ((ModuleNotFoundError("x"), 1), r"tcp://10.0.0.2:1 has no bids_eeg2fmri, this machine"),
        ((__version__, 4), r"has 4 threads; participants need a process each.*--nthreads 1 --nworkers 4"),
    ],
)
def test_workers_that_cannot_do_the_work_are_refused(worker: tuple[object, int], words: str) -> None:
    good = (__version__, 1)
    dask_cluster._check_workers(Cluster(good, good), "tcp://10.0.0.9:8786")
    with pytest.raises(UsageError, match=words):
        dask_cluster._check_workers(Cluster(good, worker), "tcp://10.0.0.9:8786")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (None, "the connection to the Dask scheduler at tcp://10.0.0.9:8786 was lost"),
        (type("KilledWorker", (Exception,), {})(), "every Dask worker that worked on it died"),
        (
            ModuleNotFoundError("No module named 'bids_eeg2fmri'\nTraceback"),
            "No module named 'bids_eeg2fmri'",
        ),
    ],
)
def test_what_a_cluster_cannot_tell_is_a_failure_of_the_participant(
    error: Exception | None, words: str
) -> None:
    future: Future[Outcome] = Future()
    if error is None:
        future.cancel()
    else:
        future.set_exception(error)
    outcome = dask_cluster._result(future, "01", "tcp://10.0.0.9:8786")
    assert outcome.participant == "01"
    assert (outcome.status, outcome.exit_status) == ("failed", 1)
    assert outcome.message.startswith(words)
    assert "Traceback" not in outcome.message


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            ("--dask-scheduler", "tcp://127.0.0.1:1", "--nprocs", 2),
            "--nprocs is of processes on this machine",
        ),
        (("--dask-scheduler", "tcp://127.0.0.1:1", "--mem", "8GB"), "--mem is of processes on this machine"),
        (("--dask-scheduler", "nonsense:"), "'nonsense:' is no address"),
        (("--mem", "8"), "8 MB: at least 500 MB is needed. A number alone is megabytes."),
        (("--mem", "lots"), "expected an amount with its unit"),
    ],
)
def test_options_that_cannot_be_had(
    tiny_dataset: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: tuple[object, ...],
    words: str,
) -> None:
    assert run_here(arguments(tiny_dataset, tmp_path / "out", *options)) == 64
    assert words in capsys.readouterr().err


def test_a_missing_package_is_named(
    tiny_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(options, "find_spec", lambda name: None if name == "distributed" else name)
    assert run_here(arguments(tiny_dataset, tmp_path / "out", "--dask-scheduler", "tcp://127.0.0.1:1")) == 64
    assert "pip install 'bids_eeg2fmri[dask]'" in capsys.readouterr().err


def test_a_scheduler_that_does_not_answer_is_one_line(
    tiny_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(dask_cluster, "_TIMEOUT", 1)
    address = f"tcp://127.0.0.1:{free_port()}"
    assert run_here(arguments(tiny_dataset, tmp_path / "out", "--dask-scheduler", address)) == 64
    said = capsys.readouterr()
    assert f"--dask-scheduler {address}: no Dask scheduler answers there within 1 s" in said.err
    assert len((said.out + said.err).splitlines()) == 1
    assert not (tmp_path / "out").exists()
