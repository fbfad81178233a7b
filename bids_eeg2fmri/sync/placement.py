"""Which points of a marker series are the stored volumes, told from their number and the ends of the EEG."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from bids_eeg2fmri.sync.series import Series

#: Which end of the markers is left out where there are more of them than volumes.
Dummies = Literal["auto", "start", "end"]

#: More missing markers than this share and the series is not believed.
MOST_MISSING = 0.2
#: Markers that may be lost at the end although the EEG ran on: triggers of the last volume are known to fail.
MOST_LOST = 2
#: Longer runs of surplus volumes say that the markers belong to another scan: the larger of the two holds.
_MOST_DUMMIES, _MOST_DUMMY_SECONDS = 10, 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where the stored volumes lie on a marker series.

    Attributes
    ----------
    first_position : int
        The grid position of the first stored volume; negative where it precedes the first marker.
    kind : "exact", "dummies" or "lost"
        Whether there are as many volumes as markers, fewer or more.
    surplus : int
        Volumes by the markers minus stored volumes.
    n_dummies : int
        Volumes before the first stored one.
    note : str
        What was concluded, in words; empty if there was nothing to conclude.
    """

    first_position: int
    kind: Literal["exact", "dummies", "lost"]
    surplus: int
    n_dummies: int = 0
    note: str = ""


def most_dummies(tr: float) -> int:
    """Return how many surplus volumes of ``tr`` s are believed without being told."""
    return max(_MOST_DUMMIES, round(_MOST_DUMMY_SECONDS / tr))


def place_volumes(
    series: Series, *, n_volumes: int, per_volume: int, duration: float, dummies: Dummies
) -> Placement | None:
    """Return where ``n_volumes`` stored volumes lie on a series; None where the numbers do not allow it.

    As many volumes as markers: they are the same. More markers: BIDS time 0 is the first *stored* volume, so
    the surplus comes first, unless the markers at the end lie behind the end of the EEG or ``dummies`` says
    "end". Fewer markers: an EEG that stopped during the scan misses the last ones, one that started during
    the scan (its first marker less than one interval after its first sample) the first ones; where the EEG
    ran on on both sides, at most two markers are taken for lost, at the end. An EEG that could have missed
    either end, or that holds less than half of the volumes, is not placed.

    Parameters
    ----------
    series : Series
    per_volume : int
        Markers per volume: 1, or the number of slice excitations.
    duration : float
        Length of the EEG, s.
    dummies : "auto", "start" or "end"
    """
    if series.n_missing > MOST_MISSING * series.n_positions:
        return None
    starts_inside = series.first < series.line.interval
    ends_inside = series.last + series.line.interval > duration
    first, n_marked, note = _whole_volumes(series, per_volume, count_from_end=starts_inside)
    surplus = n_marked - n_volumes
    if surplus == 0:
        return Placement(first_position=first, kind="exact", surplus=0, note=note)
    if surplus > 0:
        if dummies == "auto" and surplus > most_dummies(series.line.interval * per_volume):
            return None
        n_dummies, said = _dummies(series, surplus, duration, dummies)
        return Placement(
            first_position=first + n_dummies * per_volume,
            kind="dummies",
            surplus=surplus,
            n_dummies=n_dummies,
            note=_join(note, said),
        )
    n_before, said = _lost(-surplus, n_volumes, starts_inside, ends_inside)
    if n_before is None:
        return None
    return Placement(
        first_position=first - n_before * per_volume, kind="lost", surplus=surplus, note=_join(note, said)
    )


def _whole_volumes(series: Series, per_volume: int, *, count_from_end: bool) -> tuple[int, int, str]:
    """Return the position of the first volume, the number of volumes marked, and a remark."""
    n_whole, n_rest = divmod(series.n_positions, per_volume)
    if n_rest == 0:
        return 0, n_whole, ""
    if count_from_end:  # the EEG started within a volume, so that the last marker is the last slice
        n_volumes = n_whole + 1
        return series.n_positions - n_volumes * per_volume, n_volumes, "counted from the last slice marker"
    if per_volume - n_rest <= max(2, 0.1 * per_volume):
        return 0, n_whole + 1, f"the last {per_volume - n_rest} slice markers are missing"
    return 0, n_whole, f"the {n_rest} slice markers of an aborted last volume are left out"


def _dummies(series: Series, surplus: int, duration: float, dummies: Dummies) -> tuple[int, str]:
    """Return how many of the surplus volumes come first, and a remark."""
    n_behind = surplus if dummies == "end" else 0
    if dummies == "auto":
        n_behind = min(surplus, max(0, int(np.ceil((series.last - duration) / series.line.interval))))
    n_dummies = surplus - n_behind
    texts = []
    if n_dummies:
        texts.append(f"the first {n_dummies} taken for dummy volumes, which precede the first stored one")
    if n_behind:
        why = "as sync.dummies asks" if dummies == "end" else "behind the end of the EEG"
        texts.append(f"the last {n_behind} left out, {why}")
    return n_dummies, "; ".join(texts)


def _lost(n_lost: int, n_volumes: int, starts_inside: bool, ends_inside: bool) -> tuple[int | None, str]:
    """Return how many of the lost volumes precede the first marker (None: cannot be told), and a remark."""
    if n_lost > n_volumes / 2 or (starts_inside and ends_inside):
        return None, ""
    if ends_inside:
        return 0, f"the EEG stopped during the scan, the last {n_lost} volumes lie behind its end"
    if starts_inside:
        # One or two could as well be lost at the end of an EEG that was cropped at the first volume.
        if n_lost <= MOST_LOST:
            return None, ""
        note = f"the EEG started during the scan, after the first {n_lost} volumes (if there were no dummies)"
        return n_lost, note
    if n_lost <= MOST_LOST:
        return 0, f"the marker of the last {n_lost} volumes taken for lost"
    return None, ""


def _join(*texts: str) -> str:
    return "; ".join(text for text in texts if text)
