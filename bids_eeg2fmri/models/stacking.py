"""Stacked regression: how much each of several predictors counts, from what they said of held-out data."""

from __future__ import annotations

import numpy as np
from scipy.optimize import nnls

from bids_eeg2fmri.records import Floats


def stacking_weights(predicted: Floats, measured: Floats, *, sharing: float) -> Floats:
    """Return how much each view counts for each region, none negative, (n_views, n_regions).

    Breiman 1996, doi 10.1007/BF00117832. Weights are those of least squares without sign changes, drawn
    towards those of all regions together. As held-out errors are minimised, they also bring the amplitude
    to scale: where nothing can be predicted they are near 0.

    Parameters
    ----------
    predicted : array, shape (n_volumes, n_views, n_regions)
        Held-out predictions, centred within each held-out part.
    measured : array, shape (n_volumes, n_regions)
        Centred likewise.
    sharing : float
        How strongly: in units of the mean square of the predictions of the region.
    """
    n_views, n_regions = predicted.shape[1:]
    scale = np.sqrt(np.maximum(np.square(measured).mean(axis=0), 1e-30))
    x, y = predicted / scale, measured / scale
    grams = np.einsum("nvr,nwr->rvw", x, x, optimize=True)
    crosses = np.einsum("nvr,nr->rv", x, y, optimize=True)
    common = _solve(grams.sum(axis=0), crosses.sum(axis=0))
    weights = np.empty((n_views, n_regions))
    for region, (gram, cross) in enumerate(zip(grams, crosses, strict=True)):
        pull = sharing * np.trace(gram) / n_views
        weights[:, region] = _solve(gram + pull * np.eye(n_views), cross + pull * common)
    return weights


def _solve(gram: Floats, cross: Floats) -> Floats:
    """Return the non-negative w (n_views,) that minimises w' gram w - 2 cross' w."""
    size = float(np.trace(gram)) / len(gram)
    if size < 1e-20:  # nothing was predicted at all
        return np.zeros(len(gram))
    # Views that say the same leave the matrix singular: a millionth of its size is added.
    root = np.linalg.cholesky(gram + 1e-6 * size * np.eye(len(gram)))
    solution: Floats = nnls(root.T, np.linalg.solve(root, cross))[0]
    return solution
