"""Where the amplifier was saturated."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.formats.eeg_samples import EegSamples

#: Samples read at a time: bounds the memory.
_STRETCH = 100_000


class Saturation:
    """Counts samples at the limits of the amplifier while a recording is read.

    Parameters
    ----------
    limits : array, shape (n_channels,)
        Microvolts; infinite where not known.
    origin : array, shape (n_channels,)
        What was subtracted from the samples that are watched, microvolts.
    factor : int
        Samples of the full rate for each that is kept.
    """

    def __init__(self, limits: NDArray[np.float32], origin: NDArray[np.float32], factor: int) -> None:
        """Begin with nothing counted."""
        # Half a step below the largest integer: float32 does not hold it exactly.
        self._high = limits * (1 - 1e-5) - origin
        self._low = -limits * (1 - 1e-5) - origin
        self._factor = factor
        self._counts = np.zeros(len(limits), np.int64)
        self._moments: list[NDArray[np.int64]] = []
        self._channels: list[NDArray[np.int64]] = []

    def watch(self, first: int, block: NDArray[np.float32]) -> None:
        """Count in a block (n, n_channels) that begins at sample ``first``."""
        if not np.any(np.isfinite(self._high)):
            return
        # The extremes are found faster than all samples are compared.
        if not (np.any(block.max(axis=0) >= self._high) or np.any(block.min(axis=0) <= self._low)):
            return
        moments, channels = np.nonzero((block >= self._high) | (block <= self._low))
        self._counts += np.bincount(channels, minlength=len(self._counts))
        self._moments.append((moments + first) // self._factor)
        self._channels.append(channels)

    def shares(self, n_times: int) -> NDArray[np.float32]:
        """Return the share of samples at a limit, (n_channels,)."""
        return (self._counts / n_times).astype(np.float32)

    def is_lost(self, n_kept: int, is_eeg: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return the samples of the lower rate (n_kept,) at which half of the EEG channels are saturated."""
        lost = np.zeros((n_kept, len(is_eeg)), bool)
        for moments, channels in zip(self._moments, self._channels, strict=True):
            lost[np.minimum(moments, n_kept - 1), channels] = True
        is_lost: NDArray[np.bool_] = lost[:, is_eeg].mean(axis=1) >= 0.5
        return is_lost


def shares_at_extremes(samples: EegSamples) -> NDArray[np.float32]:
    """Return the share of samples (n_channels,) at which a channel stays at its largest or smallest value.

    For formats that do not tell where the amplifier saturates: a signal meets its extremes for a sample at a
    time, an amplifier at its limit stays there.
    """
    starts = range(0, samples.n_times, _STRETCH)
    extremes = [
        (block.min(axis=0), block.max(axis=0))
        for block in (samples.read(s, min(s + _STRETCH, samples.n_times)) for s in starts)
    ]
    low, high = np.min([e[0] for e in extremes], axis=0), np.max([e[1] for e in extremes], axis=0)
    stays = np.zeros(len(low))
    for start in starts:
        block = samples.read(start, min(start + _STRETCH, samples.n_times))
        for limit in (low, high):
            at = block == limit
            stays += np.sum(at[1:] & at[:-1], axis=0)
    # A channel that is flat everywhere is not saturated but dead, which is found elsewhere.
    return np.where(high == low, 0.0, stays / samples.n_times).astype(np.float32)
