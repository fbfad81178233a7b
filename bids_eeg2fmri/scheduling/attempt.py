"""The work on one participant, whatever happens: an outcome comes of it, never an exception."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from threadpoolctl import threadpool_limits

from bids_eeg2fmri import __version__
from bids_eeg2fmri.application import apply_to_participant
from bids_eeg2fmri.bids.outputs import Outputs
from bids_eeg2fmri.errors import Eeg2FmriError
from bids_eeg2fmri.formats.atomic import remove_parts, write_text
from bids_eeg2fmri.formats.lock import hold_lock
from bids_eeg2fmri.participant import run_participant
from bids_eeg2fmri.remaking import remake_report
from bids_eeg2fmri.settings import Job

#: What is logged at each verbosity: the stages of each participant always, with -v everything that is done,
#: with -vv also what other libraries warn of.
_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)
_ALWAYS_TOLD = ("participant", "preparation", "application")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How the work on one participant ended."""

    participant: str
    status: Literal["done", "up to date", "nothing to do", "failed"]
    message: str
    seconds: float
    exit_status: int = 0


def attempt(job: Job, participant: str) -> Outcome:
    """Work on one participant; an error becomes a crash file and an outcome, never an exception."""
    start = time.monotonic()
    outputs = Outputs(root=job.output_dir)
    try:
        outputs.check_inside(participant)
        with (
            threadpool_limits(limits=job.running.omp_nthreads),
            hold_lock(outputs.lock(participant), f"sub-{participant} in {job.output_dir}") as is_alone,
        ):
            if is_alone:
                _remove_unfinished(outputs, participant)
            status, message = _choose_work(job)(job, participant)
        return Outcome(
            participant=participant, status=status, message=message, seconds=time.monotonic() - start
        )
    except Exception as error:  # whatever it is, the other participants go on
        known = isinstance(error, Eeg2FmriError)
        text = str(error) if known else f"{type(error).__name__}: {error}"
        return Outcome(
            participant=participant,
            status="failed",
            message=f"{text}{_write_crash(job, participant, error)}",
            seconds=time.monotonic() - start,
            exit_status=error.exit_status if isinstance(error, Eeg2FmriError) else 1,
        )


def failed(participant: str, message: str) -> Outcome:
    """Return the outcome of a participant whose worker could not tell any."""
    return Outcome(participant=participant, status="failed", message=message, seconds=0.0, exit_status=1)


def prepare_process(job: Job) -> None:
    """Prepare a process, the first or a worker: log and threads as told."""
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s", datefmt="%H:%M:%S"
    )
    app = logging.getLogger("bids_eeg2fmri")
    app.setLevel(_LEVELS[min(job.running.verbose, 2)])
    for name in _ALWAYS_TOLD:
        app.getChild(name).setLevel(logging.NOTSET if job.running.verbose else logging.INFO)
    if multiprocessing.parent_process() is not None and not job.running.dask_scheduler:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process ends the workers
    logging.captureWarnings(capture=True)
    logging.getLogger("py.warnings").setLevel(logging.WARNING if job.running.verbose > 1 else logging.ERROR)
    # For libraries that are loaded later, and for worker processes.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(job.running.omp_nthreads)


def _choose_work(
    job: Job,
) -> Callable[[Job, str], tuple[Literal["done", "up to date", "nothing to do"], str]]:
    """Return what is to be done with each participant."""
    if job.running.reports_only:
        return remake_report
    return run_participant if job.application is None else apply_to_participant


def _remove_unfinished(outputs: Outputs, participant: str) -> None:
    """Remove what a killed job of this participant has left; only to be called by the holder of its lock."""
    own = (f"sub-{participant}_", f"sub-{participant}.")
    for folder in (outputs.root, outputs.logs):
        remove_parts(folder, own)
    inside = outputs.folder(participant)
    for folder in (inside, *(path for path in inside.rglob("*") if path.is_dir())):
        remove_parts(folder)


def _write_crash(job: Job, participant: str, error: Exception) -> str:
    """Write the traceback and return where it is, in words; that it cannot be written hides nothing."""
    stamp = datetime.now(tz=UTC).strftime("%Y%m%dT%H%M%S")
    path = Outputs(root=job.output_dir).crash(participant, stamp)
    details = "".join(traceback.format_exception(error))
    try:
        write_text(path, f"bids_eeg2fmri {__version__}\n\n{details}\n{job.settings.as_toml()}\n")
    except Eeg2FmriError:
        return " (no crash file: it cannot be written either)"
    return f" (crash file: {path})"
