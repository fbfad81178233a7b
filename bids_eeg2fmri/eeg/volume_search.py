"""Which volumes the gradient artefact is in: those of the clock, dummies before them, what came after."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.eeg.volume_grid import VolumeGrid
from bids_eeg2fmri.records import Floats, VolumeClock

#: Share of the artefact that a quarter of a volume holds: from the first number on it is there, below the
#: second it is not.
_PRESENT, _ABSENT = 0.5, 0.15
#: How far the TR may be from what the clock says, samples of the lower rate per volume; and pairs of volumes
#: so far apart tell it.
_LAG_RANGE, _DISTANCES = 0.5, (1, 4, 16, 64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FoundVolumes:
    """The volumes of the artefact.

    Attributes
    ----------
    grid : VolumeGrid
        Whole volumes within the recording.
    partial : array, shape (n_partial,)
        Onsets of volumes that the artefact is in only in part, or that the recording holds only in part, s.
    n_extra : int
        Whole volumes that the clock does not have.
    n_absent : int
        Volumes of the clock without any artefact.
    """

    grid: VolumeGrid
    partial: Floats
    n_extra: int
    n_absent: int


def volumes_of_clock(clock: VolumeClock, *, tr: float, sfreq: float, n_times: int) -> VolumeGrid | None:
    """Return the clock's volumes that lie within a recording as a whole; None for fewer than two."""
    steps = np.diff(clock.onsets)
    usual = steps[np.abs(steps - tr) < 0.01 * tr]
    period = float(usual.mean()) if len(usual) else tr
    inside = (clock.onsets >= 0) & (clock.onsets + period <= (n_times - 1) / sfreq)
    if inside.sum() < 2:
        return None
    return VolumeGrid(onsets=clock.onsets[inside], period=period, sfreq=sfreq)


def refine_period(data: NDArray[np.float32], grid: VolumeGrid) -> VolumeGrid:
    """Return the volumes with the TR that the artefact itself has on the EEG's clock.

    Clocks that rest on the TR of the header, or on a few markers, are off by tens of parts per million, which
    smears templates. The phases of ever more distant volumes against each other tell the TR to a microsecond.

    Parameters
    ----------
    data : array of float32, shape (n_times, n_channels)
        Some channels, at the grid's rate.
    """
    for distance in _DISTANCES:
        if 2 * distance >= len(grid.onsets):
            break
        slope = np.diff(grid.cut(data), axis=1, append=0)
        spectra = np.fft.rfft(slope, axis=1)
        product = np.einsum("vkc,vkc->k", spectra[distance:], spectra[:-distance].conj())
        lags = np.linspace(-_LAG_RANGE, _LAG_RANGE, 2001)
        phases = np.exp(2j * np.pi * np.arange(len(product))[:, None] / grid.n_bins * lags)
        lag = float(lags[np.argmax((product @ phases).real)])
        stretch = 1 + lag / distance / grid.n_bins
        onsets = grid.onsets[0] + (grid.onsets - grid.onsets[0]) * stretch
        grid = replace(grid, onsets=onsets, period=grid.period * stretch)
    return grid


def find_volumes(data: NDArray[np.float32], grid: VolumeGrid) -> FoundVolumes:
    """Return the volumes that hold the artefact, of the clock and beyond it.

    Parameters
    ----------
    data : array of float32, shape (n_times, n_channels)
        Some channels, at the grid's rate.
    grid : VolumeGrid
        The volumes of the clock.
    """
    template = np.median(np.diff(grid.cut(data), axis=1), axis=0)
    n_before = int(np.ceil(grid.onsets[0] / grid.period))
    end = len(data) / grid.sfreq
    n_after = int(np.ceil((end - grid.onsets[-1]) / grid.period)) - 1
    before = grid.onsets[0] - grid.period * np.arange(n_before, 0, -1)
    after = grid.onsets[-1] + grid.period * np.arange(1, n_after + 1)
    onsets = np.concatenate([before, grid.onsets, after])
    shares = _shares(data, template, replace(grid, onsets=onsets))
    is_inside = (onsets >= 0) & (onsets + grid.period <= (len(data) - 1) / grid.sfreq)
    is_whole = np.all(shares >= _PRESENT, axis=1) & is_inside
    is_partial = np.any(shares >= _ABSENT, axis=1) & ~is_whole
    is_clock = np.zeros(len(onsets), dtype=bool)
    is_clock[n_before : n_before + len(grid.onsets)] = True
    return FoundVolumes(
        grid=replace(grid, onsets=onsets[is_whole]),
        partial=onsets[is_partial],
        n_extra=int((is_whole & ~is_clock).sum()),
        n_absent=int((is_clock & ~is_whole & ~is_partial).sum()),
    )


def _shares(data: NDArray[np.float32], template: NDArray[np.float32], grid: VolumeGrid) -> Floats:
    """Return how much of the template (n_bins - 1, n_channels) each quarter of each volume holds, (n, 4)."""
    padding = grid.n_bins + 32
    padded = np.pad(data, ((padding, padding), (0, 0)), mode="edge")
    moved = replace(grid, onsets=grid.onsets + padding / grid.sfreq)
    slope = np.diff(moved.cut(padded), axis=1)
    quarters = np.array_split(np.arange(len(template)), 4)
    shares = [
        np.einsum("vbc,bc->v", slope[:, part], template[part]) / max(float(np.sum(template[part] ** 2)), 1e-6)
        for part in quarters
    ]
    return np.stack(shares, axis=1).astype(np.float64)
