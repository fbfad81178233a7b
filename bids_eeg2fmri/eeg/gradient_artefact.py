"""Average artefact subtraction: the mean volume at the full rate, what changes over volumes at the lower.

The template is averaged over all volumes at the amplifier's rate and subtracted where each volume begins to a
sixteenth of a sample. The low-pass that follows is linear, so it is the low-passed template that is taken off
the low-passed recording: one pass over the data does both. What is then left of the artefact, a few per cent
that change with the head and the coils' temperature, is averaged over windows of volumes at the lower rate.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.eeg.decimation import Decimator
from bids_eeg2fmri.records import Floats

#: Volumes begin anywhere between samples; the template is shifted in steps of this share of one.
_SHIFTS = 16


class MeanVolume:
    """The mean of all volumes at the full rate, gathered while the recording is read.

    Parameters
    ----------
    onsets : array, shape (n_volumes,)
        In samples of the full rate, fractions included; of volumes that are in the mean.
    n_samples : int
        Samples of a volume.
    n_channels : int
    """

    def __init__(self, onsets: Floats, n_samples: int, n_channels: int) -> None:
        """Begin with nothing gathered."""
        self._begins = np.round(onsets).astype(np.int64)
        #: Mean distance from the nearest sample: what the mean is shifted by.
        self.shift = float(np.mean(onsets - self._begins)) if len(onsets) else 0.0
        self._total = np.zeros((n_samples, n_channels), np.float32)

    def add(self, first: int, block: NDArray[np.float32]) -> None:
        """Add what a block (n, n_channels) that begins at sample ``first`` holds of the volumes."""
        n_samples = len(self._total)
        last = first + len(block)
        for begin in self._begins[(self._begins < last) & (self._begins + n_samples > first)]:
            start, stop = max(begin, first), min(begin + n_samples, last)
            self._total[start - begin : stop - begin] += block[start - first : stop - first]

    def mean(self) -> NDArray[np.float32]:
        """Return the mean volume (n_samples, n_channels), its own mean 0."""
        mean = self._total / max(len(self._begins), 1)
        centred: NDArray[np.float32] = mean - mean.mean(axis=0)
        return centred


def subtract_mean_volume(
    data: NDArray[np.float32],
    template: NDArray[np.float32],
    onsets: Floats,
    decimator: Decimator,
    *,
    shift: float,
) -> None:
    """Take the low-passed mean volume off a low-passed recording, in place.

    Parameters
    ----------
    data : array, shape (n_times, n_channels)
        At the lower rate.
    template : array, shape (n_samples, n_channels)
        At the full rate.
    onsets : array, shape (n_volumes,)
        In samples of the full rate; the first and the last volume may lie in the recording in part.
    shift : float
        Where the template begins, samples after its first one.
    """
    n_samples, factor, reach = len(template), decimator.factor, decimator.reach
    spectrum = np.fft.rfft(template, axis=0).astype(np.complex64)
    lengths = _lengths(onsets, n_samples)
    made: dict[tuple[int, int, int], NDArray[np.float32]] = {}
    for onset, length in zip(onsets, lengths, strict=True):
        begin = round(float(onset))
        step = round((onset - begin - shift) * _SHIFTS)
        # The first sample of the lower rate that the filter spreads this volume to.
        first = -((reach - begin) // factor)
        key = (step, begin - first * factor, length)
        if key not in made:
            made[key] = _low_passed(spectrum, n_samples, key, decimator)
        low = made[key]
        start, stop = max(first, 0), min(first + len(low), len(data))
        data[start:stop] -= low[start - first : stop - first]


def _lengths(onsets: Floats, n_samples: int) -> list[int]:
    """Return how long each volume is, samples: to the next one, where they follow each other at once."""
    begins = np.round(onsets).astype(np.int64)
    gaps = np.append(np.diff(begins), n_samples)
    return [int(gap) if abs(gap - n_samples) <= 2 else n_samples for gap in gaps]


def _low_passed(
    spectrum: NDArray[np.complex64], n_samples: int, key: tuple[int, int, int], decimator: Decimator
) -> NDArray[np.float32]:
    """Return the template at the lower rate, (n, n_channels), for one place between the samples."""
    step, offset, length = key
    reach, factor = decimator.reach, decimator.factor
    phase = np.exp(-2j * np.pi * np.arange(len(spectrum)) / n_samples * step / _SHIFTS)
    if n_samples % 2 == 0:
        phase[-1] = phase[-1].real
    shifted = np.fft.irfft(spectrum * phase[:, None], n_samples, axis=0).astype(np.float32)
    shifted = np.take(shifted, np.arange(length), axis=0, mode="wrap")
    n_out = -(-(offset + length + reach) // factor)
    padded = np.zeros((offset + reach + length + 2 * reach + factor, shifted.shape[1]), np.float32)
    padded[reach + offset : reach + offset + length] = shifted
    return decimator.apply(padded, n_out)
