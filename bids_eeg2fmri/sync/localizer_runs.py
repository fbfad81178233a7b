"""The runs of a localiser task: BOLD with events, with or without EEG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bids_eeg2fmri.bids.dataset import index_files
from bids_eeg2fmri.bids.derivatives import PreprocessedBold, index_derivatives
from bids_eeg2fmri.bids.pairing import find_recordings
from bids_eeg2fmri.bids.sidecars import find_table
from bids_eeg2fmri.errors import BadDataError, MissingInputError
from bids_eeg2fmri.records import BoldRun, Floats, VolumeClock
from bids_eeg2fmri.settings import Selection, Settings, split_localizer
from bids_eeg2fmri.sync.bold_source import describe_bold_run, find_bold_source, is_minimal, take_raw_bold
from bids_eeg2fmri.sync.design import task_design
from bids_eeg2fmri.sync.recordings import read_bold_side
from bids_eeg2fmri.sync.task import read_task_events


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LocalizerRun:
    """One run of a localiser task: its files, and its task (n_volumes, n_conditions) with the names."""

    run: BoldRun
    design: Floats
    design_names: tuple[str, ...]


def find_localizer_runs(
    bids_dir: Path,
    derivatives: Sequence[Path],
    participant: str,
    *,
    selection: Selection,
    settings: Settings,
) -> tuple[LocalizerRun, ...]:
    """Return the runs of the localiser's task; none where it is made from the training runs.

    Sessions are selected as those of the other runs are.

    Raises
    ------
    MissingInputError
        If there is no such run, or one has no preprocessed image or no events.
    BadDataError
        If one cannot be read.
    """
    task = split_localizer(settings.bold.localizer)[0] if settings.bold.localizer else ""
    if not task:
        return ()
    files = index_files(bids_dir, [participant])
    _, recordings = find_recordings(files, Selection(tasks=(task,), sessions=selection.sessions))
    if not recordings:
        raise MissingInputError(
            f"sub-{participant} has no BOLD of the task {task} to localise with. Check --localizer, or leave "
            "the participant out."
        )
    from_raw = is_minimal(settings.bold, derivatives)
    preprocessed = () if from_raw else index_derivatives(derivatives, [participant])
    found = []
    for raw in recordings:
        bold = read_bold_side(raw, bids_dir)
        source: PreprocessedBold | None
        if from_raw:
            source, problems = take_raw_bold(raw, files, bids_dir)
        else:
            source, problems = find_bold_source(raw, bold, preprocessed, settings.bold)
        problems = [*bold.problems, *problems]
        if problems or source is None:
            raise problems[0]
        events_path = find_table(raw.path, bids_dir, "events")
        if events_path is None:
            raise MissingInputError(
                f"{raw.path.name} has no events table, which the localiser needs. Add it."
            )
        run, _ = describe_bold_run(raw, bold, source, events_path, settings.bold)
        onsets: Floats = np.arange(run.n_volumes, dtype=np.float64) * run.tr
        clock = VolumeClock(onsets=onsets, source="TR", jitter=0.0, drift=0.0)
        events, _ = read_task_events(events_path, clock, (), source="bold")
        design, names = task_design(events, clock.onsets + run.start_time)
        if not names:
            raise BadDataError(f"{events_path} has no event within the run that a localiser could use.")
        found.append(LocalizerRun(run=run, design=design, design_names=names))
    return tuple(found)
