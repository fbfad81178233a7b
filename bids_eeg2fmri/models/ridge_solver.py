"""Ridge regression for many regions and penalties from one eigendecomposition per fold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Masks = Sequence[NDArray[np.bool_]]


def solve_ridge(
    features: Sequence[Floats],
    targets: Sequence[Floats],
    masks: Masks,
    *,
    folds: Sequence[tuple[Masks, Masks]],
    penalties: Floats,
) -> tuple[Floats, Floats]:
    """Fit ridge regression on several runs, with the penalty of each region chosen by cross-validation.

    Features and targets are centred within each run, so that offsets between runs are not learned; errors on
    held-out parts are measured after the same centring.

    Parameters
    ----------
    features : sequence of array, shape (n_volumes, n_features)
        One per run, already scaled.
    targets : sequence of array, shape (n_volumes, n_regions)
    masks : sequence of array of bool, shape (n_volumes,)
        The volumes to learn from.
    folds : sequence of (train, validation)
        Each one mask per run.
    penalties : array, shape (n_penalties,)
        In units of the mean eigenvalue of the Gram matrix of the features.

    Returns
    -------
    weights : array, shape (n_features, n_regions)
    chosen : array, shape (n_regions,)
        The penalty of each region.
    """
    errors = np.zeros((len(penalties), targets[0].shape[1]))
    for train, validation in folds:
        x, y = _stack_centred(features, train), _stack_centred(targets, train)
        x_held, y_held = _stack_centred(features, validation), _stack_centred(targets, validation)
        values, vectors = _decompose(x)
        cross, rotated = x_held @ (x.T @ vectors), vectors.T @ y
        for k, penalty in enumerate(penalties * values.mean()):
            estimate = cross @ (rotated / (values + penalty)[:, None])
            errors[k] += np.square(y_held - estimate).sum(axis=0)
    chosen = penalties[np.argmin(errors, axis=0)]

    x, y = _stack_centred(features, masks), _stack_centred(targets, masks)
    values, vectors = _decompose(x)
    dual = vectors @ ((vectors.T @ y) / (values[:, None] + chosen * values.mean()))
    return x.T @ dual, chosen


def _stack_centred(arrays: Sequence[Floats], masks: Masks) -> Floats:
    """Return the rows that are kept, (n_kept, n_columns), each run's less their mean."""
    kept = [array[mask] for array, mask in zip(arrays, masks, strict=True) if mask.any()]
    return np.concatenate([rows - rows.mean(axis=0) for rows in kept])


def _decompose(x: Floats) -> tuple[Floats, Floats]:
    """Return the eigenvalues (n,) and eigenvectors (n, n) of the Gram matrix of the rows.

    Eigenvalues are kept above rounding, so that features that are all 0 lead to weights of 0, not to 0 / 0.
    """
    values, vectors = np.linalg.eigh(x @ x.T)
    return np.maximum(values, 1e-12 * max(values[-1], 1.0)), vectors
