"""Marker series that can be the volumes of a scan, and the choice among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.records import Floats
from bids_eeg2fmri.sync.markers import MARKER_ADVICE, OFFSET_ADVICE, is_volume_name, short_name
from bids_eeg2fmri.sync.placement import MOST_MISSING, Dummies, Placement, place_volumes
from bids_eeg2fmri.sync.series import Series, find_series, typical_interval

#: Multiband sequences excite up to this many slices at once; fewer markers per volume are not slices.
_MOST_AT_ONCE = 8
#: Without the number of slices: fewer than this could be stimuli at a fixed rate.
_FEWEST_SLICES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A regular series of one marker, ``per_volume`` of them in a TR."""

    name: str
    per_volume: int
    series: Series


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A candidate whose number of markers fits, and where the volumes lie on it."""

    candidate: Candidate
    placement: Placement

    @property
    def name(self) -> str:
        """The description of the markers."""
        return self.candidate.name

    @property
    def series(self) -> Series:
        """The markers."""
        return self.candidate.series

    @property
    def first_onset(self) -> float:
        """Onset of the first stored volume, s."""
        return self.series.line.start + self.placement.first_position * self.series.line.interval

    @property
    def preference(self) -> tuple[int, int, bool, bool]:
        """The less, the better: fit of the number first, the name last."""
        kind = ("exact", "dummies", "lost").index(self.placement.kind)
        return kind, abs(self.placement.surplus), self.candidate.per_volume > 1, not is_volume_name(self.name)


def find_candidates(
    groups: Mapping[str, Floats], *, n_volumes: int, tr: float, n_slices: int | None
) -> tuple[Candidate, ...]:
    """Return every regular series whose interval is the TR or a slice of it.

    Parameters
    ----------
    groups : mapping
        Onsets (n_markers,) s of the markers of each description.
    tr : float
        Seconds.
    n_slices : int or None
        Slices per volume; their excitations (any divisor, for multiband) may be marked.
    """
    return tuple(
        Candidate(name=name, per_volume=per_volume, series=series)
        for name, onsets in groups.items()
        for per_volume, series in _regular_series(onsets, n_volumes=n_volumes, tr=tr, n_slices=n_slices)
    )


def place_candidates(
    candidates: Sequence[Candidate], *, n_volumes: int, duration: float, dummies: Dummies
) -> tuple[Placed, ...]:
    """Return the candidates whose number of markers fits ``n_volumes``, with the volumes' places."""
    placements = [
        place_volumes(
            c.series, n_volumes=n_volumes, per_volume=c.per_volume, duration=duration, dummies=dummies
        )
        for c in candidates
    ]
    return tuple(
        Placed(candidate=candidate, placement=placement)
        for candidate, placement in zip(candidates, placements, strict=True)
        if placement is not None
    )


def choose(fitting: Sequence[Placed]) -> Placed:
    """Return the best of the candidates that fit.

    Raises
    ------
    BadDataError
        If another part of the recording, or another marker at other times, fits as well.
    """
    chosen = min(fitting, key=lambda placed: (placed.preference, placed.series.line.jitter))
    name = short_name(chosen.name)
    for other in fitting:
        if other.name == chosen.name and _are_rivals(chosen, other):
            first, second = sorted(placed.series.first for placed in (chosen, other))
            raise BadDataError(
                f"Two series of markers '{name}' fit the number of volumes, from {first:.3f} s and from "
                f"{second:.3f} s; only one can be this scan: {OFFSET_ADVICE}."
            )
        apart = abs(other.first_onset - chosen.first_onset)
        if other.preference == chosen.preference and apart > 0.1 * chosen.series.line.interval:
            raise BadDataError(
                f"The markers '{name}' and '{short_name(other.name)}' both fit the volumes, but the first "
                f"volume lies {apart:.3f} s apart in the two: {MARKER_ADVICE}."
            )
    return chosen


def _are_rivals(chosen: Placed, other: Placed) -> bool:
    """Whether another stretch of the recording explains the volumes as well as the chosen one."""
    before, after = sorted((chosen, other), key=lambda placed: placed.series.first)
    is_apart = before.series.last < after.series.first
    # An exact number is better evidence than a number with dummies or lost volumes; those do not compare.
    is_exact = chosen.placement.kind == "exact", other.placement.kind == "exact"
    return is_apart and is_exact in {(True, True), (False, False)}


def _regular_series(
    onsets: Floats, *, n_volumes: int, tr: float, n_slices: int | None
) -> list[tuple[int, Series]]:
    """Return the series among markers (n_markers,) s that come once per volume or once per excitation."""
    per_volume = 1
    interval = typical_interval(onsets, tr)
    if interval is None:
        per_volume = _excitations(onsets, tr, n_slices)
        interval = typical_interval(onsets, tr / per_volume) if per_volume > 1 else None
    if interval is None:
        return []
    # A gap as long as all that may be missing; beyond 60 the search would only cost time.
    longest_gap = min(60, max(10, round(MOST_MISSING * n_volumes * per_volume)))
    return [(per_volume, series) for series in find_series(onsets, interval, longest_gap=longest_gap)]


def _excitations(onsets: Floats, tr: float, n_slices: int | None) -> int:
    """Return how many markers (n_markers,) s come per TR if that can be a number of slices, else 1."""
    if len(onsets) < 2 * _FEWEST_SLICES:
        return 1
    intervals = np.diff(onsets)
    median = np.median(intervals)
    per_volume = round(tr / float(np.mean(intervals[np.abs(intervals - median) <= 0.5 * median])))
    if n_slices is None:
        return per_volume if per_volume >= _FEWEST_SLICES else 1
    allowed = per_volume > 1 and n_slices % per_volume == 0 and per_volume * _MOST_AT_ONCE >= n_slices
    return per_volume if allowed else 1
