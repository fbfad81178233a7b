"""The task events of a run: from the BOLD's table, checked against the EEG's markers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bids_eeg2fmri.formats.table import numbers, read_table
from bids_eeg2fmri.records import Marker, SimultaneousRun, TaskEvent, VolumeClock
from bids_eeg2fmri.sync.events import (
    EventSource,
    choose_events,
    task_events_from_markers,
    task_events_from_table,
)


def read_task_events(
    run: SimultaneousRun, clock: VolumeClock, markers: Sequence[Marker], *, source: EventSource = "auto"
) -> tuple[tuple[TaskEvent, ...], str]:
    """Return the events of a run on the EEG's clock, and in words where they come from.

    Raises
    ------
    BadDataError
        If the table of events cannot be read.
    MissingInputError
        If events were asked for from a source that has none.
    """
    table: tuple[TaskEvent, ...] = ()
    if run.events_path is not None:
        rows = read_table(run.events_path)
        onsets = numbers(rows, "onset", run.events_path)
        durations = numbers(rows, "duration", run.events_path) if "duration" in rows else np.zeros(len(rows))
        conditions = rows["trial_type"] if "trial_type" in rows else ["task"] * len(rows)
        table = task_events_from_table(onsets, durations, conditions, float(clock.onsets[0]))
    recorded = task_events_from_markers(markers, exclude=[clock.marker])
    return choose_events(table, recorded, source=source)
