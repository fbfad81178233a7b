"""Task events on the EEG's clock: from the table of the BOLD or from the EEG's own markers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bids_eeg2fmri.errors import MissingInputError
from bids_eeg2fmri.records import Floats, Marker, TaskEvent
from bids_eeg2fmri.sync.markers import is_never_a_volume, is_volume_name, short_name

EventSource = Literal["eeg", "bold", "auto"]

#: A marker further (s) than this from an event is not that event's.
_LARGEST_LAG = 10.0
#: Events of one condition may scatter by this much (s) about the common lag, or drift away from it.
_SCATTER = 1.0
#: A smaller disagreement (s) of table and markers is not worth a word: BOLD does not resolve it.
_WORTH_SAYING = 0.5
#: A condition belongs to a marker if more than this share of the more numerous of the two find a partner.
_LEAST_MATCHED = 0.5
#: Pairs of events within the largest lag; more are no trials, and would take for ever to match.
_MOST_DIFFERENCES = 1_000_000


def task_events_from_table(
    onsets: ArrayLike, durations: ArrayLike, trial_types: Iterable[object], first_volume_onset: float
) -> tuple[TaskEvent, ...]:
    """Return the rows of an events table on the EEG's clock, in order of time.

    Parameters
    ----------
    onsets, durations : array-like, shape (n_events,)
        Seconds after the first stored volume; rows whose onset is not a number are left out, a duration that
        is not one counts as 0.
    trial_types : iterable of n_events
        The conditions.
    first_volume_onset : float
        Onset of the first stored volume, s after the first EEG sample; 0 for a table of the EEG itself.
    """
    rows = zip(
        np.asarray(onsets, dtype=np.float64).tolist(),
        np.nan_to_num(np.asarray(durations, dtype=np.float64)).tolist(),
        map(str, trial_types),
        strict=True,
    )
    events = [
        TaskEvent(onset=onset + float(first_volume_onset), duration=duration, condition=condition)
        for onset, duration, condition in rows
        if np.isfinite(onset)
    ]
    return tuple(sorted(events, key=lambda event: event.onset))


def task_events_from_markers(
    markers: Iterable[Marker], *, exclude: Iterable[str] = ()
) -> tuple[TaskEvent, ...]:
    """Return the markers that may be task events, with a duration of 0, in order of time.

    Left out are volume markers and hardware markers by name, and the names in ``exclude`` (the marker that
    the volume clock used).
    """
    excluded = {name.strip().casefold() for name in exclude}
    events = [
        TaskEvent(onset=marker.onset, duration=0.0, condition=short_name(marker.description))
        for marker in markers
        if short_name(marker.description)
        and short_name(marker.description).casefold() not in excluded
        and not is_never_a_volume(marker.description)
        and not is_volume_name(marker.description)
    ]
    return tuple(sorted(events, key=lambda event: event.onset))


@dataclass(frozen=True, slots=True, kw_only=True)
class EventComparison:
    """How the events of the EEG lie to those of the BOLD's table.

    Attributes
    ----------
    disagreement : float
        Median over matched events of EEG minus table, s; NaN if none match.
    n_matched, n_bold, n_eeg : int
        Matched events, events of the table, events of the EEG.
    names : tuple of (str, str)
        Condition of the table and the EEG's name for it.
    pairs : tuple of (int, int)
        Indices of matched events, in the table and in the EEG, in the order of the table.
    lags : tuple of float
        EEG minus table of each pair, s: stimulation that runs slower than planned drifts away.
    """

    disagreement: float
    n_matched: int
    n_bold: int
    n_eeg: int
    names: tuple[tuple[str, str], ...]
    pairs: tuple[tuple[int, int], ...]
    lags: tuple[float, ...]


def compare_events(bold: Sequence[TaskEvent], eeg: Sequence[TaskEvent]) -> EventComparison:
    """Match the events of the BOLD's table one-to-one with those of the EEG, whatever their names.

    Each condition is paired with the EEG name whose events follow it at the most constant lag (at most 10 s,
    each event within 1 s of it); a pair of equal names goes first, then the one that matches the largest
    share, then the one with the smaller lag.

    Parameters
    ----------
    bold, eeg : sequence of TaskEvent
        Both on the EEG's clock.
    """
    candidates = []
    for condition in sorted({event.condition for event in bold}):
        rows = [i for i, event in enumerate(bold) if event.condition == condition]
        for name in sorted({event.condition for event in eeg}):
            columns = [j for j, event in enumerate(eeg) if event.condition == name]
            if min(len(rows), len(columns)) <= _LEAST_MATCHED * max(len(rows), len(columns)):
                continue  # too few could find a partner
            lag, pairs = _match(_onsets(bold, rows), _onsets(eeg, columns))
            share = len(pairs) / max(len(rows), len(columns))
            if share > _LEAST_MATCHED:
                indices = [(rows[i], columns[j]) for i, j in pairs]
                differ = _plain(condition) != _plain(name)
                candidates.append((differ, -share, abs(lag), condition, name, indices))
    names: list[tuple[str, str]] = []
    matched: list[tuple[int, int]] = []
    for _, _, _, condition, name, indices in sorted(candidates):
        if not any(condition == taken[0] or name == taken[1] for taken in names):
            names.append((condition, name))
            matched += indices
    lags = tuple(float(eeg[j].onset - bold[i].onset) for i, j in sorted(matched))
    return EventComparison(
        disagreement=float(np.median(lags)) if lags else float("nan"),
        n_matched=len(matched),
        n_bold=len(bold),
        n_eeg=len(eeg),
        names=tuple(names),
        pairs=tuple(sorted(matched)),
        lags=lags,
    )


def _onsets(events: Sequence[TaskEvent], indices: Sequence[int]) -> Floats:
    return np.asarray([events[i].onset for i in indices], dtype=np.float64)


def _match(bold: Floats, eeg: Floats) -> tuple[float, list[tuple[int, int]]]:
    """Return the lag (s) that matches most of bold (n,) s with eeg (m,) s, and the pairs it matches."""
    best: list[tuple[int, int]] = []
    first = np.searchsorted(eeg, bold - _LARGEST_LAG)
    last = np.searchsorted(eeg, bold + _LARGEST_LAG, side="right")
    if np.sum(last - first) > _MOST_DIFFERENCES:
        return 0.0, []
    near = [eeg[a:b] - onset for a, b, onset in zip(first, last, bold, strict=True)]
    # Tenths of a second are enough to find the pairs; their median is the lag.
    lags = np.unique(np.round(np.concatenate([np.empty(0), *near]), 1))
    for lag in sorted(lags.tolist(), key=abs):
        pairs: list[tuple[int, int]] = []
        for i, j in enumerate(_nearest(eeg, bold + lag).tolist()):
            onset = bold[i] + lag
            # Both ascend, so that an event is taken at most once if it is not the last one taken.
            if abs(eeg[j] - onset) <= _SCATTER and (not pairs or j > pairs[-1][1]):
                pairs.append((i, j))
        best = max(best, pairs, key=len)
    return float(np.median([eeg[j] - bold[i] for i, j in best])) if best else 0.0, best


def _nearest(eeg: Floats, wanted: Floats) -> NDArray[np.int64]:
    """Return the index (n,) of the first event (m,) s nearest to each wanted time (n,) s."""
    right = np.clip(np.searchsorted(eeg, wanted), 0, len(eeg) - 1)
    left = np.maximum(right - 1, 0)
    nearest = np.where(np.abs(eeg[left] - wanted) <= np.abs(eeg[right] - wanted), left, right)
    return np.searchsorted(eeg, eeg[nearest]).astype(np.int64)


def choose_events(
    bold: Sequence[TaskEvent], eeg: Sequence[TaskEvent], *, source: EventSource = "auto"
) -> tuple[tuple[TaskEvent, ...], str]:
    """Return the task events to use, and in words which were taken and by how much the two disagree.

    ``auto`` takes the table of the BOLD, because its conditions and durations are what the experimenter
    wrote down; only if the EEG has the same conditions by name are its own onsets better, for they were
    recorded on the clock that is used. ``eeg`` takes the EEG's onsets: events of the table keep their
    condition and duration, and those without a partner move as their neighbours; without a table the EEG's
    events are taken as they are. ``bold`` takes the table.

    Parameters
    ----------
    bold, eeg : sequence of TaskEvent
        Both on the EEG's clock.

    Raises
    ------
    MissingInputError
        If ``eeg`` or ``bold`` is asked for and has no events.
    """
    if (source == "eeg" and not eeg) or (source == "bold" and not bold):
        other = "bold" if source == "eeg" else "eeg"
        raise MissingInputError(
            f"--events {source} was asked for but there are no task events of the {source.upper()}; "
            f"allowed are eeg, bold and auto: add the events, or take --events {other} or auto."
        )
    if not bold:
        # Without a table nobody has said which of the EEG's markers are the task.
        taken = tuple(eeg) if source == "eeg" else ()
        return taken, "events of the EEG, no table of the BOLD" if taken else "no task events"
    comparison = compare_events(bold, eeg)
    has_same_names = _names(bold) == _names(eeg) and comparison.n_matched > 0
    takes_eeg = source == "eeg" or (source == "auto" and has_same_names)
    if takes_eeg and comparison.n_matched == 0:
        return tuple(eeg), "events of the EEG; none of them match the table of the BOLD"
    events = _with_eeg_onsets(bold, comparison) if takes_eeg else tuple(bold)
    return events, _describe(comparison, "EEG markers" if takes_eeg else "table of the BOLD")


def _names(events: Sequence[TaskEvent]) -> set[str]:
    return {_plain(event.condition) for event in events}


def _plain(name: str) -> str:
    return "".join(name.casefold().split())


def _with_eeg_onsets(bold: Sequence[TaskEvent], comparison: EventComparison) -> tuple[TaskEvent, ...]:
    """Return the table's events at the times of the EEG's; those without move as their neighbours."""
    matched = [bold[i].onset for i, _ in comparison.pairs]
    lags = np.interp([event.onset for event in bold], matched, comparison.lags).tolist()
    events = [
        TaskEvent(onset=event.onset + lag, duration=event.duration, condition=event.condition)
        for event, lag in zip(bold, lags, strict=True)
    ]
    return tuple(sorted(events, key=lambda event: event.onset))


def _describe(comparison: EventComparison, taken: str) -> str:
    if comparison.n_matched == 0:
        return f"events of the {taken}"
    text = (
        f"events of the {taken}; {comparison.n_matched} of {comparison.n_bold} events of the table match "
        f"markers of the EEG"
    )
    if abs(comparison.disagreement) > _WORTH_SAYING:
        text += (
            f", which are {comparison.disagreement:+.2f} s from it ({comparison.lags[0]:+.2f} s at the "
            f"first, {comparison.lags[-1]:+.2f} s at the last); --events eeg or bold chooses"
        )
    return text
