"""What changes from volume to volume in the same few ways: an optimal basis set, fitted to each channel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: The most components that "auto" takes, and the least share of a channel's power that one must have to be
#: artefact: the EEG of a hundred volumes spreads over a hundred components.
_MOST, _LEAST_SHARE = 8, 0.1


def residual_basis_fit(
    volumes: NDArray[np.float32], components: int | str
) -> tuple[NDArray[np.float32], float]:
    """Return what an optimal basis set explains of the volumes, and the mean number of its components.

    The principal components over volumes of what average artefact subtraction left, channel by channel
    (Niazy 2005, 10.1016/j.neuroimage.2005.06.067). No target is known here, and nothing of other runs.

    Parameters
    ----------
    volumes : array of float32, shape (n_volumes, n_bins, n_channels)
        After average artefact subtraction.
    components : int or "auto"
        How many; "auto" takes those that hold a tenth of a channel's power each, up to eight.
    """
    explained = np.zeros_like(volumes)
    n_taken = 0
    for channel in range(volumes.shape[2]):
        one = volumes[:, :, channel]
        one = one - one.mean(axis=1, keepdims=True)
        values, vectors = np.linalg.eigh((one @ one.T).astype(np.float64))
        values, vectors = values[::-1], vectors[:, ::-1]
        if isinstance(components, int):
            n = min(components, len(values) - 1)
        else:
            n = int(np.sum(values[:_MOST] > _LEAST_SHARE * values.sum()))
        courses = vectors[:, :n].astype(np.float32)
        explained[:, :, channel] = courses @ (courses.T @ one)
        n_taken += n
    return explained, n_taken / volumes.shape[2]
