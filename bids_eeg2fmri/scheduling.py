"""Work through the participants, one by one or side by side; what fails stays with its participant."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from threadpoolctl import threadpool_limits

from bids_eeg2fmri import __version__
from bids_eeg2fmri.application import apply_to_participant
from bids_eeg2fmri.bids.dataset import list_participants
from bids_eeg2fmri.bids.derivatives import describe_sources
from bids_eeg2fmri.bids.model_files import list_model_names
from bids_eeg2fmri.bids.outputs import Outputs
from bids_eeg2fmri.bids.selection import select_participants
from bids_eeg2fmri.errors import Eeg2FmriError, NothingSelectedError
from bids_eeg2fmri.evaluation.baselines import BASELINES
from bids_eeg2fmri.formats.atomic import write_text
from bids_eeg2fmri.formats.derivative import prepare_output, write_dataset_files
from bids_eeg2fmri.participant import run_participant
from bids_eeg2fmri.registry import Predictor, load_model, model_names
from bids_eeg2fmri.report.methods import write_citations
from bids_eeg2fmri.settings import Job
from bids_eeg2fmri.training.classifiers import Described, build_models
from bids_eeg2fmri.training.predictors import resolve_device

Say = Callable[[str], None]
Show = Callable[[Iterator["Outcome"], int], Iterable["Outcome"]]

#: Labels of desc- that are no model's name.
_DESCRIPTIONS = {
    "clean": "EEG, resampled, filtered and referenced to its average",
    "regions": "measured BOLD of regions, confounds removed; the label image of the regions",
    "minimal": "of raw BOLD that this app preprocessed minimally: confounds, mean image and brain mask",
    "scores": "how well each model predicts the BOLD of each region on data it was not trained on",
    "nulls": "every correlation over all runs against every null",
    "lags": "correlation of predicted and measured BOLD over delays",
    "specificity": "predictions for one region beside the measured BOLD of another",
    "levels": "levels of the BOLD of regions, and how well they are told from the EEG",
    "condition": "how well conditions are told from the EEG",
    "classes": "precision, recall and support of every class",
    "confusions": "how often each class was taken for each",
    "controls": "negative controls: what the models find where they should find nothing",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How the work on one participant ended."""

    participant: str
    status: Literal["done", "up to date", "nothing to do", "failed"]
    message: str
    seconds: float
    exit_status: int = 0


def run_participant_level(job: Job, *, say: Say, show: Show) -> int:
    """Work through the selected participants and return the exit status.

    Parameters
    ----------
    say : callable
        Is given each line for the user.
    show : callable
        Is given the outcomes as they come and their number, and returns them; may draw a progress bar.

    Raises
    ------
    Eeg2FmriError
        For what stops the work before any participant.
    """
    participants = select_participants(list_participants(job.bids_dir), job.selection)
    _start_process(job)
    if job.application is None:
        predictors: Sequence[Described | type[Predictor]] = build_models(job.settings)
        resolve_device(job.running.device)
    else:
        names = list_model_names(job.application.path)
        predictors = [load_model(name) for name in names if name in model_names()]
    prepare_output(job.output_dir)
    _write_dataset(job, predictors)
    outcomes: list[Outcome] = []
    for outcome in show(_outcomes(job, participants), len(participants)):
        outcomes.append(outcome)
        say(_line(outcome, len(outcomes), len(participants)))
    return _recap(job, outcomes, say)


def run_group_level(job: Job, *, say: Say) -> int:
    """Aggregate the results of the participants and return the exit status."""
    known = list_participants(job.bids_dir)
    participants = select_participants(known, job.selection)
    from bids_eeg2fmri.group import run_group  # noqa: PLC0415  (a second of plotting, for this level only)

    _start_process(job)
    prepare_output(job.output_dir)
    for line in run_group(job, participants):
        say(line)
    return 0


def attempt(job: Job, participant: str) -> Outcome:
    """Work on one participant; an error becomes a crash file and an outcome, never an exception."""
    start = time.monotonic()
    try:
        with threadpool_limits(limits=job.running.omp_nthreads):
            work = run_participant if job.application is None else apply_to_participant
            status, message = work(job, participant)
        return Outcome(
            participant=participant, status=status, message=message, seconds=time.monotonic() - start
        )
    except Exception as error:  # whatever it is, the other participants go on
        known = isinstance(error, Eeg2FmriError)
        text = str(error) if known else f"{type(error).__name__}: {error}"
        crash = _write_crash(job, participant, error)
        return Outcome(
            participant=participant,
            status="failed",
            message=f"{text}{crash}",
            seconds=time.monotonic() - start,
            exit_status=error.exit_status if isinstance(error, Eeg2FmriError) else 1,
        )


def _write_dataset(job: Job, predictors: Sequence[Described | type[Predictor]]) -> None:
    """Write the files of the output dataset that belong to no participant."""
    described = {baseline.name: baseline.description for baseline in BASELINES}
    described |= {name: load_model(name).description for name in model_names()}
    described |= {model.name: model.description for model in predictors}
    if job.settings.objective == "levels":
        described |= {f"{model.name}levels": f"levels predicted by {model.name}" for model in predictors}
    derivatives, settings = dict(job.derivatives), job.settings.as_toml()
    if job.application is not None:
        derivatives["models"] = job.application.folder
        settings = (
            f"# Trained models were applied, which bring their own; only [sync] had a part.\n{settings}"
        )
    write_dataset_files(
        job.output_dir,
        version=__version__,
        bids_dir=job.bids_dir,
        derivatives=derivatives,
        generated_by=describe_sources([*job.derivatives.values(), job.bids_dir]),
        descriptions=_DESCRIPTIONS | described,
        citation=write_citations(predictors),
        settings=settings,
    )


def _outcomes(job: Job, participants: Sequence[str]) -> Iterator[Outcome]:
    """Yield outcomes as they come."""
    if job.running.nprocs == 1 or len(participants) == 1:
        for participant in participants:
            outcome = attempt(job, participant)
            yield outcome
            if outcome.status == "failed" and job.running.stop_on_first_crash:
                return
        return
    # Fresh processes: a fork of one that holds threads can hang.
    context = multiprocessing.get_context("spawn")
    n_workers = min(job.running.nprocs, len(participants))
    with ProcessPoolExecutor(
        n_workers, mp_context=context, initializer=_start_process, initargs=(job,)
    ) as pool:
        futures = {pool.submit(attempt, job, participant): participant for participant in participants}
        try:
            for future in as_completed(futures):
                if future.cancelled():
                    continue
                outcome = _result(future, futures[future])
                yield outcome
                if outcome.status == "failed" and job.running.stop_on_first_crash:
                    pool.shutdown(wait=False, cancel_futures=True)
        except KeyboardInterrupt:
            for worker in multiprocessing.active_children():
                worker.terminate()
            raise


def _result(future: Future[Outcome], participant: str) -> Outcome:
    """Return a worker's outcome, also where the worker died."""
    try:
        return future.result()
    except BrokenProcessPool:
        return Outcome(
            participant=participant,
            status="failed",
            message="a worker process died, most often for lack of memory. Use fewer --nprocs and run again.",
            seconds=0.0,
            exit_status=1,
        )


def _start_process(job: Job) -> None:
    """Prepare a process, the first or a worker: log and threads as told.

    The stages of each participant are told, with -v everything that is done, with -vv also what other
    libraries warn of.
    """
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s", datefmt="%H:%M:%S"
    )
    app = logging.getLogger("bids_eeg2fmri")
    app.setLevel((logging.WARNING, logging.INFO, logging.DEBUG)[min(job.running.verbose, 2)])
    if not job.running.verbose:
        for name in ("participant", "application"):
            app.getChild(name).setLevel(logging.INFO)
    if multiprocessing.parent_process() is not None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process ends the workers
    logging.captureWarnings(capture=True)
    logging.getLogger("py.warnings").setLevel(logging.WARNING if job.running.verbose > 1 else logging.ERROR)
    _set_threads(job)


def _set_threads(job: Job) -> None:
    """Make libraries that are loaded later, and worker processes, use as many threads as told."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(job.running.omp_nthreads)


def _write_crash(job: Job, participant: str, error: Exception) -> str:
    """Write the traceback and return where it is, in words."""
    stamp = datetime.now(tz=UTC).strftime("%Y%m%dT%H%M%S")
    path = Outputs(root=job.output_dir).crash(participant, stamp)
    details = "".join(traceback.format_exception(error))
    try:
        write_text(path, f"bids_eeg2fmri {__version__}\n\n{details}\n{job.settings.as_toml()}\n")
    except Eeg2FmriError as second:
        return f" (no crash file: {second})"
    return f" (crash file: {path})"


def _line(outcome: Outcome, n_done: int, n_all: int) -> str:
    """Return one line on an outcome."""
    head = f"[{n_done}/{n_all}] sub-{outcome.participant}: {outcome.status}"
    return f"{head} ({outcome.seconds:.0f} s){': ' + outcome.message if outcome.message else ''}"


def _recap(job: Job, outcomes: Sequence[Outcome], say: Say) -> int:
    """Say how it ended and return the exit status."""
    by_status = {
        status: [o.participant for o in outcomes if o.status == status]
        for status in ("done", "up to date", "nothing to do", "failed")
    }
    counts = [f"{len(labels)} {status}" for status, labels in by_status.items() if labels]
    say(f"{len(outcomes)} participants: {', '.join(counts)}.")
    failed = [o for o in outcomes if o.status == "failed"]
    if failed:
        say(f"Failed: {', '.join(f'sub-{o.participant}' for o in failed)}. The reasons stand above.")
        statuses = {o.exit_status for o in failed}
        return statuses.pop() if len(failed) == len(outcomes) and len(statuses) == 1 else 1
    if len(by_status["nothing to do"]) == len(outcomes):
        what = "run with both EEG and BOLD" if job.application is None else "EEG recording"
        raise NothingSelectedError(
            f"No {what} is left: {outcomes[0].message}. --dry-run lists every recording."
        )
    say(f"Reports: {job.output_dir}/sub-*.html")
    return 0
