"""The levels from the first participant to the last: prepare, work through them, say how it went."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from bids_eeg2fmri import __version__
from bids_eeg2fmri.bids.dataset import list_participants
from bids_eeg2fmri.bids.derivatives import describe_sources
from bids_eeg2fmri.bids.model_files import list_model_names
from bids_eeg2fmri.bids.selection import select_participants
from bids_eeg2fmri.errors import MissingInputError, NothingSelectedError
from bids_eeg2fmri.evaluation.baselines import BASELINES
from bids_eeg2fmri.formats.derivative import prepare_output, write_dataset_files
from bids_eeg2fmri.formats.lock import hold_lock
from bids_eeg2fmri.formats.work_folder import clean_work_dir, prepare_work_dir
from bids_eeg2fmri.registry import Predictor, load_model, model_names
from bids_eeg2fmri.report.methods import write_citations
from bids_eeg2fmri.resources.limits import allowed_cpus, allowed_memory, describe_memory
from bids_eeg2fmri.scheduling.attempt import Outcome, attempt, prepare_process
from bids_eeg2fmri.scheduling.dask_cluster import connect_to_cluster, work_on_cluster
from bids_eeg2fmri.scheduling.local_workers import Load, work_locally
from bids_eeg2fmri.scheduling.memory_need import estimate_memory
from bids_eeg2fmri.settings import Job
from bids_eeg2fmri.training.classifiers import Described, build_models
from bids_eeg2fmri.training.predictors import resolve_device

Say = Callable[[str], None]
Show = Callable[[Iterator[Outcome], int], Iterable[Outcome]]

_logger = logging.getLogger(__name__)

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
    prepare_process(job)
    predictors = _choose_predictors(job)
    with _open_workers(job, participants) as work:
        _prepare_folders(job, predictors, say)
        outcomes: list[Outcome] = []
        for outcome in show(work(), len(participants)):
            outcomes.append(outcome)
            say(_line(outcome, len(outcomes), len(participants)))
    return _recap(job, outcomes, say)


def run_group_level(job: Job, *, say: Say) -> int:
    """Aggregate the results of the participants and return the exit status."""
    known = list_participants(job.bids_dir)
    participants = select_participants(known, job.selection)
    from bids_eeg2fmri.group import run_group  # noqa: PLC0415  (a second of plotting, for this level only)

    prepare_process(job)
    prepare_output(job.output_dir)
    with hold_lock(job.output_dir / "logs" / "group.lock", f"The group level in {job.output_dir}"):
        for line in run_group(job, participants):
            say(line)
    return 0


@contextmanager
def _open_workers(job: Job, participants: Sequence[str]) -> Iterator[Callable[[], Iterator[Outcome]]]:
    """Yield what works through the participants: a Dask cluster, processes side by side, or this process."""
    if job.running.dask_scheduler:
        with connect_to_cluster(job) as client:
            yield lambda: work_on_cluster(client, job, participants)
        return
    n_workers = min(_count_workers(job), len(participants))
    if n_workers == 1 and job.running.memory is None:
        yield lambda: _work_here(job, participants)
        return
    memory = job.running.memory or allowed_memory().value
    loads = [Load(participant=one, memory=estimate_memory(job, one)) for one in participants]
    _tell_memory(loads, memory, n_workers)
    if n_workers == 1:
        yield lambda: _work_here(job, participants)
    else:
        yield lambda: work_locally(job, loads, n_workers=n_workers, memory=memory)


def _work_here(job: Job, participants: Sequence[str]) -> Iterator[Outcome]:
    """Yield the outcomes of participants that are worked on one after the other in this process."""
    for participant in participants:
        outcome = attempt(job, participant)
        yield outcome
        if outcome.status == "failed" and job.running.stop_on_first_crash:
            return


def _count_workers(job: Job) -> int:
    """Return how many participants are worked on at a time: as told, but no more than there are CPUs for."""
    asked, threads = job.running.nprocs, job.running.omp_nthreads
    cpus = allowed_cpus()
    if asked * threads <= cpus.value:
        return asked
    n_workers = max(1, min(asked, cpus.value // threads))
    _logger.warning(
        "%d participants at a time with %d threads each were asked for, but %s allows %d CPUs: %d at a time.",
        asked,
        threads,
        cpus.source,
        cpus.value,
        n_workers,
    )
    return n_workers


def _tell_memory(loads: Sequence[Load], memory: int, n_workers: int) -> None:
    """Warn where the expected memory limits how many participants are worked on at once."""
    allowed = allowed_memory()
    if memory > allowed.value:
        _logger.warning(
            "--mem is %s, but %s is %s.",
            describe_memory(memory),
            allowed.source,
            describe_memory(allowed.value),
        )
    largest = max(loads, key=lambda load: load.memory)
    need = f"sub-{largest.participant} is expected to need {describe_memory(largest.memory)}"
    if largest.memory > memory:
        _logger.warning(
            "%s, more than there is (%s). It is worked on all the same, alone.", need, describe_memory(memory)
        )
    elif largest.memory * n_workers > memory:
        _logger.warning(
            "%s: not all of %d participants at a time fit into %s.", need, n_workers, describe_memory(memory)
        )
    _logger.info("%s; there is %s.", need, describe_memory(memory))


def _choose_predictors(job: Job) -> Sequence[Described | type[Predictor]]:
    """Return what is trained or applied; what cannot be is refused."""
    if job.running.reports_only:
        if not (job.output_dir / "logs").is_dir():
            raise MissingInputError(
                f"There are no results in {job.output_dir}, so no reports can be made again. Run without "
                "--reports-only first."
            )
        return ()
    if job.application is not None:
        names = list_model_names(job.application.path)
        return [load_model(name) for name in names if name in model_names()]
    resolve_device(job.running.device)
    return build_models(job.settings)


def _prepare_folders(job: Job, predictors: Sequence[Described | type[Predictor]], say: Say) -> None:
    """Make the output and the work folder, and write what belongs to no participant."""
    prepare_output(job.output_dir)
    if job.running.work_dir is not None:
        if job.running.clean_work_dir:
            n_records = clean_work_dir(job.running.work_dir)
            say(f"{n_records} files of earlier runs removed from {job.running.work_dir}.")
        prepare_work_dir(job.running.work_dir)
    if job.running.reports_only:
        return  # settings.toml stays that of the results
    with hold_lock(job.output_dir / "logs" / "dataset.lock", f"The dataset in {job.output_dir}"):
        _write_dataset(job, predictors)


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
        raise NothingSelectedError(
            f"No {_what(job)} is left: {outcomes[0].message}. --dry-run lists every recording."
        )
    say(f"Reports: {job.output_dir}/sub-*.html")
    return 0


def _what(job: Job) -> str:
    """Return what a participant must have to be worked on."""
    if job.running.reports_only:
        return "participant with results"
    return "run with both EEG and BOLD" if job.application is None else "EEG recording"
