"""The sparse group lasso for many regions at once, by accelerated proximal gradients along a path.

The objective of one region, for n rows and groups g of p features each, is (Simon et al. 2013, doi
10.1080/10618600.2012.681250)

    |y - X w|^2 / (2 n) + penalty * (sparsity * |w|_1 + (1 - sparsity) * sqrt(p) * sum_g |w_g|_2).

The solver is FISTA (Beck & Teboulle 2009, doi 10.1137/080716542) with restarts (O'Donoghue & Candes 2015, doi
10.1007/s10208-013-9150-3), on the groups that any region uses: others are taken in where the solution without
them says so (an active set, Tibshirani et al. 2012, doi 10.1111/j.1467-9868.2011.01004.x).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.records import Floats

MAX_ITERATIONS = 150
#: The solution of one penalty is found when no weight changes by more than this share of the largest.
TOLERANCE = 1e-3
#: Of numbers: far finer than the tolerance, and half the memory to read of double precision.
PRECISION = np.float32
#: Groups are taken in, and left out, at this much less or more than the penalty.
SLACK = 0.01


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
    n_rows = len(x)
    x, y = x.astype(PRECISION), y.astype(PRECISION)
    cross = x.T @ y / n_rows
    largest = largest_penalty(cross, n_groups=n_groups, sparsity=sparsity)
    weights, uphill = np.zeros_like(cross), cross
    for share in shares:
        penalty = (share * largest).astype(PRECISION)
        used = np.zeros(n_groups, dtype=bool)
        while True:
            # Only groups that some region may use: the others are looked at again afterwards.
            wanted = _nonzero_groups(uphill, penalty * (1 - SLACK), n_groups, sparsity)
            grown = used | wanted | np.any(weights.reshape(n_groups, -1), axis=1)
            if np.array_equal(grown, used):
                break
            used = grown
            columns = np.repeat(used, len(cross) // n_groups)
            part = x[:, columns]
            weights[columns] = _descend(
                part, cross[columns], weights[columns], penalty, n_groups=int(used.sum()), sparsity=sparsity
            )
            uphill = cross - x.T @ (part @ weights[columns]) / n_rows
            if not np.any(_nonzero_groups(uphill, penalty * (1 + SLACK), n_groups, sparsity) & ~used):
                break
        yield weights.copy()


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


def _nonzero_groups(weights: Floats, threshold: Floats, n_groups: int, sparsity: float) -> NDArray[np.bool_]:
    """Return which groups (n_groups,) the proximal map leaves to any region."""
    left = shrink(weights, threshold, n_groups=n_groups, sparsity=sparsity)
    return np.asarray(np.any(left.reshape(n_groups, -1), axis=1))


def _descend(
    x: Floats, cross: Floats, start: Floats, penalty: Floats, *, n_groups: int, sparsity: float
) -> Floats:
    """Return the weights (n_features, n_regions) for one penalty per region; ``cross`` is x' y / n_rows."""
    n_rows, n_features = x.shape
    smaller = x.T @ x if n_features <= n_rows else x @ x.T
    step = n_rows / max(float(np.linalg.eigvalsh(smaller)[-1]), 1e-12)
    gram = smaller / n_rows if n_features <= n_rows else None
    weights, ahead, momentum = start, start, 1.0
    for _ in range(MAX_ITERATIONS):
        fitted = gram @ ahead if gram is not None else x.T @ (x @ ahead) / n_rows
        new = shrink(ahead - step * (fitted - cross), step * penalty, n_groups=n_groups, sparsity=sparsity)
        change = new - weights
        if np.abs(change).max() <= TOLERANCE * np.abs(new).max():
            return new
        if np.vdot(ahead - new, change) > 0:  # the momentum points uphill
            momentum = 1.0
        faster = (1.0 + math.sqrt(1.0 + 4.0 * momentum**2)) / 2.0
        ahead = new + (momentum - 1.0) / faster * change
        weights, momentum = new, faster
    return weights
