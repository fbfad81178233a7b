"""The recording cut into volumes on the scanner's clock, whatever the clock of the amplifier does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from bids_eeg2fmri.records import Floats

#: Samples around a moment that its value is interpolated from, and the Kaiser window over them.
_TAPS, _BETA = 24, 6.0
#: Places between two samples are rounded to this part of one: 0.2 per cent of a wave of 100 Hz.
_PHASES = 1024
#: Volumes that begin within this share of a sample of the grid are not interpolated.
_ON_GRID = 0.01
#: An onset by this share before a sample is on it.
_HAIR = 2 * _ON_GRID


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VolumeGrid:
    """Volumes and their bins: ``n_bins`` moments, equally spaced, in each.

    Where the clocks are locked and a volume holds a whole number of samples, bins are samples. Else they are
    interpolated (windowed sinc), and what is subtracted is interpolated back.

    Attributes
    ----------
    onsets : array, shape (n_volumes,)
        Seconds after the first sample; volumes lie within the recording as a whole.
    period : float
        Length of a volume on the EEG's clock, s.
    sfreq : float
        Hz.
    """

    onsets: Floats
    period: float
    sfreq: float

    @property
    def n_bins(self) -> int:
        """Bins of a volume."""
        return round(self.period * self.sfreq)

    def _places(self) -> Floats:
        """Return where each bin lies, in samples, shape (n_volumes, n_bins)."""
        within = np.arange(self.n_bins) * (self.period * self.sfreq / self.n_bins)
        places: Floats = (self.onsets * self.sfreq)[:, None] + within
        return places

    def _samples(self) -> NDArray[np.int64] | None:
        """Return the sample of each bin where bins are samples, (n_volumes, n_bins); else None."""
        places = self._places()
        # Grids that begin at other volumes must take the same sample, however the TR was rounded.
        places -= places[0, 0] - np.floor(places[0, 0] + _HAIR)
        samples = np.round(places).astype(np.int64)
        return samples if np.abs(places - samples).max() <= _ON_GRID else None

    def cut(self, data: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the volumes (n_volumes, n_bins, n_channels) of a recording (n_times, n_channels)."""
        samples = self._samples()
        if samples is not None:
            return data[np.clip(samples, 0, len(data) - 1)]
        places = self._places().ravel()
        rows, columns, weights = _kernel(places)
        matrix = csr_array(
            (weights, (rows, np.clip(columns, 0, len(data) - 1))), shape=(len(places), len(data))
        )
        cut: NDArray[np.float32] = (matrix @ data).reshape(len(self.onsets), self.n_bins, -1)
        return cut

    def subtract(self, data: NDArray[np.float32], volumes: NDArray[np.float32]) -> None:
        """Take volumes (n_volumes, n_bins, n_channels) off a recording (n_times, n_channels), in place."""
        samples = self._samples()
        if samples is not None:
            inside = (samples >= 0) & (samples < len(data))
            data[samples[inside]] -= volumes[inside]
            return
        moments, volume = self.members(len(data))
        since = (moments / self.sfreq - self.onsets[volume]) * self.n_bins / self.period
        rows, columns, weights = _kernel(since)
        columns = columns % self.n_bins + self.n_bins * volume[rows]
        matrix = csr_array((weights, (rows, columns)), shape=(len(moments), volumes.shape[0] * self.n_bins))
        data[moments] -= matrix @ volumes.reshape(-1, volumes.shape[2])

    def members(self, n_times: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the samples that lie within a volume, and the volume of each."""
        moments = np.arange(n_times)
        times = moments / self.sfreq
        volume = np.searchsorted(self.onsets, times, side="right") - 1
        inside = (volume >= 0) & (times < self.onsets[np.maximum(volume, 0)] + self.period)
        return moments[inside], volume[inside]


def _kernel(
    places: Floats,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Return row, column and weight of what interpolates at places (n,) between whole numbers."""
    nearest = np.floor(places).astype(np.int64)
    offsets = np.arange(_TAPS) - _TAPS // 2 + 1
    weights = _kernel_table()[np.round((places - nearest) * _PHASES).astype(np.int64)]
    rows = np.repeat(np.arange(len(places)), _TAPS)
    return rows, (nearest[:, None] + offsets).ravel(), weights.ravel()


def _kernel_table() -> NDArray[np.float32]:
    """Return the weights for each place between two samples, (_PHASES + 1, _TAPS)."""
    distance = (np.arange(_PHASES + 1) / _PHASES)[:, None] - np.arange(_TAPS) + _TAPS // 2 - 1
    window = np.i0(_BETA * np.sqrt(np.clip(1 - (2 * distance / _TAPS) ** 2, 0, None))) / np.i0(_BETA)
    weights = np.sinc(distance) * window
    table: NDArray[np.float32] = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return table
