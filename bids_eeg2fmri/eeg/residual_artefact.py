"""What changes from volume to volume in the same few ways: an optimal basis set, fitted to each channel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: The courses over volumes are taken from above this frequency (Hz), where there is little EEG.
_LOWEST = 45.0
#: The most components that "auto" takes, and the least share of a channel's power above that frequency that
#: one must have to be artefact: the noise of a hundred volumes spreads over a hundred components.
_MOST, _LEAST_SHARE = 8, 0.1
#: A course whose fourth powers sum to more is of a few volumes: a burst of muscle, no artefact of all.
_FEW_VOLUMES = 0.2


def residual_basis_fit(
    volumes: NDArray[np.float32], components: int | str, *, period: float
) -> tuple[NDArray[np.float32], float]:
    """Return what an optimal basis set explains of the volumes, and the mean number of its components.

    The principal components over volumes of what average artefact subtraction left above 45 Hz, channel by
    channel, fitted at all frequencies (after Niazy 2005, 10.1016/j.neuroimage.2005.06.067). Each takes one
    part in the number of volumes of the EEG's power with it. No target is known here, nor other runs.

    Parameters
    ----------
    volumes : array of float32, shape (n_volumes, n_bins, n_channels)
        After average artefact subtraction.
    components : int or "auto"
        How many; "auto" takes those that hold a tenth of a channel's power above 45 Hz each, up to eight.
    period : float
        Length of a volume, s.
    """
    first = int(np.ceil(_LOWEST * period))
    explained = np.zeros_like(volumes)
    n_taken = 0
    for channel in range(volumes.shape[2]):
        one = volumes[:, :, channel]
        one = one - one.mean(axis=1, keepdims=True)
        high = np.fft.rfft(one, axis=1)[:, first:]
        values, vectors = np.linalg.eigh((high @ high.conj().T).real)
        values, vectors = values[::-1], vectors[:, ::-1]
        is_wide = np.sum(vectors**4, axis=0) < _FEW_VOLUMES
        if isinstance(components, int):
            taken = np.flatnonzero(is_wide)[:components]
        else:
            taken = np.flatnonzero(is_wide[:_MOST] & (values[:_MOST] > _LEAST_SHARE * values.sum()))
        courses = vectors[:, taken].astype(np.float32)
        explained[:, :, channel] = courses @ (courses.T @ one)
        n_taken += len(taken)
    return explained, n_taken / volumes.shape[2]
