"""The spread of each channel that bursts, blinks and spikes do not move."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.records import Floats

#: Samples that are looked at: the quartiles are then right within 2 per cent.
_N_SAMPLES = 6000
_GOLDEN = 0.618033988749895
#: Quartile range of a normal distribution in standard deviations.
_QUARTILES = 1.349


def pick_samples(n_times: int) -> NDArray[np.int64]:
    """Return some 6000 samples of a run, at no fixed distance that a rhythm could be in step with."""
    if n_times <= _N_SAMPLES:
        return np.arange(n_times)
    picked: NDArray[np.int64] = np.unique((np.arange(_N_SAMPLES) * _GOLDEN % 1 * n_times).astype(np.int64))
    return picked


def robust_spread(data: NDArray[np.float32]) -> Floats:
    """Return the standard deviation (n_channels,) of (n_channels, n_times) by the quartiles, in its unit."""
    low, high = np.percentile(data[:, pick_samples(data.shape[1])], (25, 75), axis=1)
    spread: Floats = np.asarray((high - low) / _QUARTILES, dtype=np.float64)
    return spread
