"""What there is to do for a participant, without doing it: found from names, headers and markers alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bids_eeg2fmri.bids.dataset import list_participants
from bids_eeg2fmri.bids.model_files import find_model_files
from bids_eeg2fmri.bids.selection import select_participants
from bids_eeg2fmri.errors import Eeg2FmriError, NothingSelectedError
from bids_eeg2fmri.formats.model_file import read_model
from bids_eeg2fmri.formats.run_listing import list_recordings
from bids_eeg2fmri.settings import Job
from bids_eeg2fmri.sync.discovery import Discovery, discover_runs
from bids_eeg2fmri.sync.eeg_discovery import EegDiscovery, discover_eeg
from bids_eeg2fmri.training.predictors import build_predictors, check_model_names


def discover_participant(job: Job, participant: str) -> Discovery:
    """Find the runs of one participant that the job asks for."""
    return discover_runs(
        job.bids_dir,
        tuple(job.derivatives.values()),
        participant,
        selection=job.selection,
        settings=job.settings,
        database_dir=job.running.bids_database_dir,
    )


def discover_participant_eeg(job: Job, participant: str) -> EegDiscovery:
    """Find the EEG recordings of one participant that the job asks for, whether there is BOLD or not."""
    return discover_eeg(
        job.bids_dir,
        tuple(job.derivatives.values()),
        participant,
        selection=job.selection,
        database_dir=job.running.bids_database_dir,
    )


def dataset_roots(job: Job) -> tuple[Path, ...]:
    """Return the datasets that file names are told relative to."""
    return (*job.derivatives.values(), job.bids_dir)


def show_plan(job: Job, level: str, say: Callable[[str], None]) -> int:
    """Say what a level would do and return the exit status; nothing is written, and no library for it loaded.

    Raises
    ------
    Eeg2FmriError
        For what would stop the work before any participant.
    """
    participants = select_participants(list_participants(job.bids_dir), job.selection)
    if level == "group":
        say(f"Would read the scores of {len(participants)} participants in {job.output_dir}.")
        return 0
    if job.settings.models:
        build_predictors(job.settings)
    check_model_names(job.settings)
    plan = plan_participant if job.application is None else plan_application
    has_work = False
    for participant in participants:
        text, is_work = plan(job, participant)
        has_work |= is_work
        say(text)
    if not has_work:
        what = "run with both EEG and BOLD" if job.application is None else "EEG recording"
        raise NothingSelectedError(f"No {what} is left; see the reasons above.")
    return 0


def plan_participant(job: Job, participant: str) -> tuple[str, bool]:
    """Return what is there for one participant and what would be done, and whether there is anything."""
    try:
        discovery = discover_participant(job, participant)
    except (Eeg2FmriError, OSError) as error:  # the others are listed all the same
        return f"sub-{participant}: cannot be looked at: {error}", True
    lines = [f"sub-{participant}: {len(discovery.found)} recordings, {len(discovery.timed)} usable runs"]
    lines += list_recordings(discovery.found, dataset_roots(job))
    if discovery.unusable:
        lines.append("  would fail: a pair is unusable; leave it out or repair it")
    elif not discovery.timed:
        lines.append("  nothing to do: no EEG and BOLD recorded together")
    else:
        lines.append(f"  would train {', '.join(job.settings.model)} and test on held-out data")
    return "\n".join(lines), bool(discovery.timed or discovery.unusable)


def plan_application(job: Job, participant: str) -> tuple[str, bool]:
    """Return to which recordings of a participant which models would be applied, and whether to any."""
    assert job.application is not None
    try:
        discovery = discover_participant_eeg(job, participant)
    except (Eeg2FmriError, OSError) as error:  # the others are listed all the same
        return f"sub-{participant}: cannot be looked at: {error}", True
    lines = [f"sub-{participant}: {len(discovery.runs)} EEG recordings to predict BOLD for"]
    lines += list_recordings(discovery.found, dataset_roots(job))
    if discovery.unusable:
        lines.append("  would fail: a recording is unusable; leave it out or repair it")
    elif not discovery.runs:
        lines.append("  nothing to do: no EEG recording")
    else:
        try:
            files = find_model_files(job.application.path, participant, job.application.models)
            for file in files:
                saved = read_model(file)
                whose = f"trained on {len(saved.trained_on)} runs of sub-{saved.subject}"
                lines.append(f"  would apply {saved.model}, {whose}: {file}")
        except Eeg2FmriError as error:
            lines.append(f"  would fail: {error}")
    return "\n".join(lines), bool(discovery.found)
