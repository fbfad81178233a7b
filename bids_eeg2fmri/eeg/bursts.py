"""Bursts of movement and muscle: clipped rather than cut out, and what they cost told per sample."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.eeg.spread import robust_spread

Float32s = NDArray[np.float32]


def clip_bursts(data: Float32s, limit: float) -> tuple[Float32s, Float32s, float]:
    """Limit each channel to a number of its robust standard deviations.

    The weight of a sample is Huber's: the limit over the amplitude where that is larger, averaged over the
    channels.

    Parameters
    ----------
    data : array, shape (n_channels, n_times)
        Microvolts, centred.
    limit : float
        Robust standard deviations (from the quartiles); 0: nothing is clipped.

    Returns
    -------
    clipped : array of float32, shape (n_channels, n_times)
    weights : array of float32, shape (n_times,)
        Above 0, 1 where nothing was clipped.
    share : float
        Share of all values that were clipped.
    """
    if limit == 0:
        return data, np.ones(data.shape[1], dtype=np.float32), 0.0
    most = np.maximum(limit * robust_spread(data), 1e-6).astype(np.float32)[:, None]
    clipped: Float32s = np.clip(data, -most, most)
    is_clipped = clipped != data
    weights = np.ones(data.shape[1], dtype=np.float32)
    hit = np.flatnonzero(is_clipped.any(axis=0))
    weights[hit] = np.mean(np.minimum(most / np.maximum(np.abs(data[:, hit]), most), 1), axis=0)
    return clipped, weights, float(is_clipped.mean())
