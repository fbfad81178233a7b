"""The first principal component of a region's voxels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array


def learn_components(runs: Sequence[NDArray[np.float32]], membership: csr_array) -> csr_array:
    """Return the loadings of each region's first principal component, (n_regions, n_units).

    Learned over all the runs given, so that the same weights hold in every run. The sign is the one in which
    the component goes with the region's mean; loadings are scaled to absolute values that sum to 1, so that
    the component is in percent as the mean is.

    Parameters
    ----------
    runs : sequence of array, shape (n_volumes, n_units)
        Percent signal change without confounds, only the volumes to learn from.
    membership : sparse array, shape (n_regions, n_units)
        Units of weight 0 are no part of a region; weights scale them.
    """
    centred = np.concatenate([run - run.mean(axis=0) for run in runs])
    loadings = membership.copy().astype(np.float64)
    for region in range(membership.shape[0]):
        part = slice(membership.indptr[region], membership.indptr[region + 1])
        voxels = centred[:, membership.indices[part]] * membership.data[part]
        _, _, components = np.linalg.svd(voxels, full_matrices=False)
        first = components[0]
        sign = 1.0 if (voxels @ first) @ voxels.mean(axis=1) >= 0 else -1.0
        weights = sign * first * membership.data[part]
        loadings.data[part] = weights / np.abs(weights).sum()
    return loadings
