"""Participants on the workers of an existing Dask cluster, which may be on other machines."""

from __future__ import annotations

import importlib
import logging
import pkgutil
import socket
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError, Future, as_completed
from contextlib import contextmanager
from typing import Any

from bids_eeg2fmri import __version__
from bids_eeg2fmri.errors import MissingInputError, UsageError
from bids_eeg2fmri.scheduling.attempt import Outcome, attempt, failed, prepare_process
from bids_eeg2fmri.settings import Job

_logger = logging.getLogger(__name__)

#: A scheduler that does not answer for so long is taken not to be there, s.
_TIMEOUT = 15


@contextmanager
def connect_to_cluster(job: Job) -> Iterator[Any]:
    """Yield a client (``distributed.Client``) of the job's scheduler, its workers checked.

    Raises
    ------
    UsageError
        If nobody answers at the address, or a worker has another version of this app or several threads.
    """
    # Other libraries' threads, logs and settings, for those who ask for a cluster only.
    distributed = importlib.import_module("distributed")
    address = job.running.dask_scheduler
    # What its clients log of lost connections is said below in this app's words.
    level = logging.WARNING if job.running.verbose > 1 else logging.CRITICAL
    for name in ("distributed", "tornado", "distributed.client", "distributed.core"):
        logging.getLogger(name).setLevel(level)
    try:
        client = distributed.Client(address, timeout=_TIMEOUT, set_as_default=False, name="bids_eeg2fmri")
    except (OSError, ValueError) as error:
        raise UsageError(
            f"--dask-scheduler {address}: no Dask scheduler answers there within {_TIMEOUT} s "
            f"({_first(error)}). Start one with 'dask scheduler' and give the address it prints, for example "
            "tcp://10.0.0.5:8786."
        ) from None
    try:
        _check_workers(client, address)
        yield client
    finally:
        client.close(timeout=_TIMEOUT)


def work_on_cluster(client: Any, job: Job, participants: Sequence[str]) -> Iterator[Outcome]:
    """Yield outcomes as they come from a cluster's workers.

    The participant of a worker that dies goes to another one; after as many deaths as the scheduler allows
    (``distributed.scheduler.allowed-failures``, 3) it counts as failed.
    """
    # Not pure: the same call again is work again.
    executor = client.get_executor(pure=False)
    futures = {executor.submit(attempt_on_worker, job, one, __version__): one for one in participants}
    for future in as_completed(futures):
        outcome = _result(future, futures[future], job.running.dask_scheduler)
        yield outcome
        if outcome.status == "failed" and job.running.stop_on_first_crash:
            for other in futures:
                other.cancel()
            return


def attempt_on_worker(job: Job, participant: str, version: str) -> Outcome:
    """Work on one participant in a worker, which may have come to the cluster later than the job.

    Raises
    ------
    UsageError, MissingInputError
        If the worker cannot do what the job's own machine would.
    """
    distributed = importlib.import_module("distributed")
    where = f"the Dask worker on {socket.gethostname()}"
    n_threads = distributed.get_worker().state.nthreads
    if (wrong := _wrong_worker(version=__version__, n_threads=n_threads, expected=version)) is not None:
        raise UsageError(f"{where} {wrong}")
    for folder in (job.bids_dir, job.output_dir / "logs"):
        if not folder.is_dir():
            raise MissingInputError(
                f"{where} does not see {folder}. Input and output must lie on a file system that all workers "
                "share."
            )
    prepare_process(job)
    return attempt(job, participant)


def _check_workers(client: Any, address: str) -> None:
    """Refuse a cluster whose workers cannot do the work."""
    n_threads: dict[str, int] = client.nthreads()
    if not n_threads:
        _logger.warning("The Dask cluster at %s has no workers yet; waiting for the first.", address)
    # A function of Python's own: a worker without this app could not be asked by one of the app's.
    versions = client.run(pkgutil.resolve_name, "bids_eeg2fmri:__version__", on_error="return")
    for worker, version in versions.items():
        said = str(version) if isinstance(version, str) else ""
        wrong = _wrong_worker(version=said, n_threads=n_threads.get(worker, 1), expected=__version__)
        if wrong is not None:
            raise UsageError(f"--dask-scheduler {address}: its worker {worker} {wrong}")


def _wrong_worker(*, version: str, n_threads: int, expected: str) -> str | None:
    """Return why a worker cannot be used, and what to do; None if it can."""
    if version != expected:
        has = f"has bids_eeg2fmri {version}" if version else "has no bids_eeg2fmri"
        return f"{has}, this machine {expected}. Start the workers from the same installation."
    if n_threads > 1:
        return (
            f"has {n_threads} threads; participants need a process each. Start it with "
            f"'dask worker --nthreads 1 --nworkers {n_threads}'."
        )
    return None


def _result(future: Future[Outcome], participant: str, address: str) -> Outcome:
    """Return a worker's outcome, also where workers died or the cluster is gone."""
    try:
        return future.result()
    except CancelledError:
        return failed(
            participant,
            f"the connection to the Dask scheduler at {address} was lost. Start it again and run again: "
            "what is finished is skipped.",
        )
    except Exception as error:  # of any kind: what a worker raises that cannot even begin
        if type(error).__name__ == "KilledWorker":
            return failed(
                participant,
                "every Dask worker that worked on it died, most often for lack of memory (--memory-limit of "
                "'dask worker'). The workers' logs say more.",
            )
        return failed(participant, _first(error))


def _first(error: BaseException) -> str:
    """Return the first line of an error's text, or its kind."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
