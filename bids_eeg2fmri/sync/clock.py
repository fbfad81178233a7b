"""From the markers of the EEG to the onset of every stored BOLD volume on the EEG's clock."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.records import Marker, VolumeClock
from bids_eeg2fmri.sync.candidates import Placed, choose, find_candidates, place_candidates
from bids_eeg2fmri.sync.complaints import explain_misfit
from bids_eeg2fmri.sync.markers import (
    group_markers,
    is_never_a_volume,
    is_volume_name,
    select_volume_marker,
    short_name,
)
from bids_eeg2fmri.sync.placement import Dummies
from bids_eeg2fmri.sync.series import Series

_logger = logging.getLogger(__name__)

#: Markers that scatter more than this (s) are kept as they are: no sampling rate in use explains it.
_REGULAR_JITTER = 0.005


def find_volume_clock(
    markers: Sequence[Marker],
    *,
    n_volumes: int,
    tr: float,
    duration: float,
    n_slices: int | None = None,
    volume_marker: str | None = None,
    eeg_offset: float | None = None,
    dummies: Dummies = "auto",
) -> VolumeClock:
    """Return the onset of every stored volume, from the markers that are the volumes by their statistics.

    A marker is the volume (or the slice) if its median interval is the TR (or the TR over the number of
    excitations) within 1 %, if it lies on a regular grid, and if its number fits the number of volumes. Names
    break ties. A robust line through the grid fills missing markers and drops spurious ones.

    Parameters
    ----------
    markers : sequence of Marker
    n_volumes : int
        Volumes stored in the BOLD image.
    tr : float
        Seconds from volume to volume, from the BOLD header.
    duration : float
        Length of the EEG, s.
    n_slices : int, optional
        Slices per volume; slice markers come once per excitation, which any divisor of it may be.
    volume_marker : str, optional
        Look at this marker only, with or without its type.
    eeg_offset : float, optional
        Onset of the first stored volume, s after the first EEG sample: no marker is looked at.
    dummies : "auto", "start" or "end"
        Where surplus markers lie; see :func:`bids_eeg2fmri.sync.placement.place_volumes`.

    Raises
    ------
    MissingInputError
        If no marker can be the volume.
    BadDataError
        If the markers contradict the TR or the number of volumes, or fit in more than one way.
    UsageError
        If ``volume_marker`` names the clock box.
    """
    if eeg_offset is not None:
        return _clock_of_offset(eeg_offset, n_volumes=n_volumes, tr=tr, duration=duration)
    groups = group_markers(markers)
    if volume_marker:
        eligible = select_volume_marker(groups, volume_marker)
    else:
        eligible = {name: onsets for name, onsets in groups.items() if not is_never_a_volume(name)}
    candidates = find_candidates(eligible, n_volumes=n_volumes, tr=tr, n_slices=n_slices)
    fitting = place_candidates(candidates, n_volumes=n_volumes, duration=duration, dummies=dummies)
    if not fitting:
        meant = {name for name in eligible if volume_marker or is_volume_name(name)}
        raise explain_misfit(candidates, groups, n_volumes=n_volumes, tr=tr, meant=meant)
    clock = _clock_of_series(choose(fitting), n_volumes=n_volumes, tr=tr)
    _logger.info("Volume clock: %s", clock.source)
    return clock


def _clock_of_offset(offset: float, *, n_volumes: int, tr: float, duration: float) -> VolumeClock:
    onsets = offset + tr * np.arange(n_volumes, dtype=np.float64)
    n_inside = int(((onsets >= 0) & (onsets < duration)).sum())
    if n_inside < n_volumes / 2:
        raise BadDataError(
            f"With the first volume {offset:.3f} s after the start of the EEG (sync.eeg_offset), {n_inside} "
            f"of {n_volumes} volumes lie within the EEG of {duration:.1f} s; at least half must. Check the "
            "offset."
        )
    return VolumeClock(
        onsets=onsets,
        source=f"offset of the first volume as given, {offset:.3f} s, and the TR of {tr:g} s; no marker used",
        jitter=0.0,
        drift=0.0,
    )


def _clock_of_series(placed: Placed, *, n_volumes: int, tr: float) -> VolumeClock:
    """Return the clock that the volumes' places on a series give."""
    series, placement, per_volume = placed.series, placed.placement, placed.candidate.per_volume
    positions = placement.first_position + per_volume * np.arange(n_volumes, dtype=np.int64)
    onsets = series.line.at(positions)
    _, volumes, marked = np.intersect1d(positions, series.positions, return_indices=True)
    residuals = np.full(n_volumes, np.nan)
    residuals[volumes] = series.line.residuals[marked]
    jitter = series.line.jitter
    # Too irregular for a grid: the markers themselves, with the residuals between them for missing ones.
    is_regular = jitter <= _REGULAR_JITTER or len(volumes) == 0
    if not is_regular:
        onsets = onsets + np.interp(positions, positions[volumes], residuals[volumes])
    n_filled = n_volumes - len(volumes)
    name = short_name(placed.name)
    what = "one per volume" if per_volume == 1 else f"{per_volume} slice excitations per volume"
    texts = [
        f"{len(series.onsets)} markers '{name}', {what}",
        "straight line through them" if is_regular else "markers as measured, too irregular for a line",
        f"{n_filled} missing filled" if n_filled else "",
        f"{series.n_dropped} spurious dropped" if series.n_dropped else "",
        placement.note,
    ]
    return VolumeClock(
        onsets=onsets,
        source="; ".join(text for text in texts if text),
        jitter=jitter,
        drift=1e6 * (tr / (series.line.interval * per_volume) - 1),
        uncertainty=_standard_error(series, positions) if is_regular else jitter,
        marker=name,
        n_dummies=placement.n_dummies,
        n_filled=n_filled,
        n_dropped=series.n_dropped,
        residuals=residuals,
    )


def _standard_error(series: Series, positions: NDArray[np.int64]) -> float:
    """Return the largest standard error (s) of the line at positions (n_volumes,)."""
    n_markers = len(series.positions)
    centred = series.positions - series.positions.mean()
    distance = (positions - series.positions.mean()) ** 2 / np.sum(centred**2)
    variance = series.line.jitter**2 * n_markers / max(n_markers - 2, 1)
    return float(np.sqrt(variance * (1 / n_markers + distance.max())))
