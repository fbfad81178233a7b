"""The task events of a run: from the BOLD's table, checked against the EEG's markers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.formats.text_table import read_text_table
from bids_eeg2fmri.records import Marker, TaskEvent, VolumeClock
from bids_eeg2fmri.sync.events import (
    EventSource,
    choose_events,
    task_events_from_markers,
    task_events_from_table,
)

#: Each has regressors of its own; a name for every single trial leaves nothing to explain.
_MOST_CONDITIONS = 1000


def read_task_events(
    table_path: Path | None, clock: VolumeClock, markers: Sequence[Marker], *, source: EventSource = "auto"
) -> tuple[tuple[TaskEvent, ...], str]:
    """Return the events of a run on the EEG's clock, and in words where they come from.

    Parameters
    ----------
    table_path : Path or None
        The events table of the BOLD run.
    clock : VolumeClock
    markers : sequence of Marker
        Those of the EEG.
    source : "auto", "eeg" or "bold"

    Raises
    ------
    BadDataError
        If the table of events cannot be read.
    MissingInputError
        If its content is not here, or events were asked for from a source that has none.
    """
    table: tuple[TaskEvent, ...] = ()
    if table_path is not None:
        rows = read_text_table(table_path)
        onsets = rows.numbers("onset")
        durations = rows.numbers("duration") if "duration" in rows else np.zeros(len(rows))
        conditions = (
            [text or "n/a" for text in rows.texts("trial_type")]
            if "trial_type" in rows
            else ["task"] * len(rows)
        )
        if len(set(conditions)) > _MOST_CONDITIONS:
            raise BadDataError(
                f"{table_path} has {len(set(conditions))} conditions in 'trial_type'; at most "
                f"{_MOST_CONDITIONS} can be told apart. Give trials of one kind one name."
            )
        table = task_events_from_table(onsets, durations, conditions, float(clock.onsets[0]))
    recorded = task_events_from_markers(markers, exclude=[clock.marker])
    return choose_events(table, recorded, source=source)
