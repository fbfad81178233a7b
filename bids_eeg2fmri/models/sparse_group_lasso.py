"""The sparse group lasso for many regions at once, by accelerated proximal gradients along a path.

The objective of one region, for n rows and groups g of p features each, is (Simon et al. 2013, doi
10.1080/10618600.2012.681250)

    |y - X w|^2 / (2 n) + penalty * (sparsity * |w|_1 + (1 - sparsity) * sqrt(p) * sum_g |w_g|_2).

The solver is FISTA (Beck & Teboulle 2009, doi 10.1137/080716542) with restarts (O'Donoghue & Candes 2015, doi
10.1007/s10208-013-9150-3).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bids_eeg2fmri.records import Floats

MAX_ITERATIONS = 150
#: The solution of one penalty is found when no weight changes by more than this share of the largest.
TOLERANCE = 1e-3


def solve_path(x: Floats, y: Floats, *, n_groups: int, sparsity: float, shares: Floats) -> Iterator[Floats]:
    """Yield the solutions for falling penalties, each started from the one before.

    Parameters
    ----------
    x : array, shape (n_rows, n_features)
        Centred; the features of a group lie next to each other, and groups are of equal size.
    y : array, shape (n_rows, n_regions)
        Centred.
    n_groups : int
    sparsity : float
        From 0 (groups alone) to 1 (single features alone).
    shares : array, shape (n_penalties,)
        Penalties in units of the smallest one at which the weights of the region are all 0.

    Yields
    ------
    weights : array, shape (n_features, n_regions)
    """
    n_rows, n_features = x.shape
    gram, cross = x.T @ x / n_rows, x.T @ y / n_rows
    smaller = gram if n_features <= n_rows else x @ x.T / n_rows
    step = 1.0 / max(float(np.linalg.eigvalsh(smaller)[-1]), 1e-12)
    largest = largest_penalty(cross, n_groups=n_groups, sparsity=sparsity)
    weights = np.zeros_like(cross)
    for share in shares:
        weights = _descend(gram, cross, weights, step, share * largest, n_groups, sparsity)
        yield weights


def largest_penalty(cross: Floats, *, n_groups: int, sparsity: float) -> Floats:
    """Return the smallest penalty (n_regions,) at which all weights are 0, by bisection.

    ``cross`` is x' y / n_rows, (n_features, n_regions).
    """
    low, high = np.zeros(cross.shape[1]), np.abs(cross).max(axis=0) * np.sqrt(len(cross)) * 2.0
    if sparsity > 0:
        high = np.minimum(high, np.abs(cross).max(axis=0) / sparsity)
    for _ in range(40):
        middle = (low + high) / 2
        empty = ~np.any(shrink(cross, middle, n_groups=n_groups, sparsity=sparsity), axis=0)
        low, high = np.where(empty, low, middle), np.where(empty, middle, high)
    return np.asarray(high)


def shrink(weights: Floats, threshold: Floats, *, n_groups: int, sparsity: float) -> Floats:
    """Return the proximal map: single weights, then whole groups, are drawn to 0.

    ``weights`` is (n_features, n_regions), ``threshold`` (n_regions,).
    """
    single = np.sign(weights) * np.maximum(np.abs(weights) - sparsity * threshold, 0.0)
    groups = single.reshape(n_groups, -1, weights.shape[1])
    norms = np.sqrt(np.square(groups).sum(axis=1, keepdims=True))
    excess = np.maximum(norms - (1.0 - sparsity) * np.sqrt(groups.shape[1]) * threshold, 0.0)
    factor = np.divide(excess, norms, out=np.zeros_like(norms), where=norms > 0)
    return np.asarray((groups * factor).reshape(weights.shape))


def _descend(
    gram: Floats,
    cross: Floats,
    start: Floats,
    step: float,
    penalty: Floats,
    n_groups: int,
    sparsity: float,
) -> Floats:
    """Return the weights (n_features, n_regions) for one penalty per region."""
    weights, ahead, momentum = start, start, 1.0
    for _ in range(MAX_ITERATIONS):
        used = np.any(ahead != 0, axis=1)  # few: the rest of the matrix is not multiplied with zeros
        downhill = ahead - step * (gram[used].T @ ahead[used] - cross)
        new = shrink(downhill, step * penalty, n_groups=n_groups, sparsity=sparsity)
        change = new - weights
        if np.abs(change).max() <= TOLERANCE * np.abs(new).max():
            return new
        if np.vdot(ahead - new, change) > 0:  # the momentum points uphill
            momentum = 1.0
        faster = (1.0 + np.sqrt(1.0 + 4.0 * momentum**2)) / 2.0
        ahead = new + (momentum - 1.0) / faster * change
        weights, momentum = new, faster
    return weights
