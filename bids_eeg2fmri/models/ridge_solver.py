"""Ridge regression for many regions and penalties from one eigendecomposition per fold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.records import Floats

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
    errors = cross_validated_errors(features, targets, folds=folds, penalties=penalties)
    chosen = penalties[np.argmin(errors, axis=0)]
    return fit_ridge(features, targets, masks, penalties=chosen), chosen


def cross_validated_errors(
    features: Sequence[Floats],
    targets: Sequence[Floats],
    *,
    folds: Sequence[tuple[Masks, Masks]],
    penalties: Floats,
) -> Floats:
    """Return the summed squared error on the held-out parts, (n_penalties, n_regions); as in solve_ridge."""
    errors = np.zeros((len(penalties), targets[0].shape[1]))
    for train, validation in folds:
        held_out, y_held = stack_centred(features, validation), stack_centred(targets, validation)
        values, projection, rotated, unit = _decompose(
            stack_centred(features, train), stack_centred(targets, train)
        )
        cross = held_out @ projection
        for k, penalty in enumerate(penalties * unit):
            errors[k] += np.square(y_held - cross @ (rotated / (values + penalty)[:, None])).sum(axis=0)
    return errors


def fit_ridge(
    features: Sequence[Floats], targets: Sequence[Floats], masks: Masks, *, penalties: Floats
) -> Floats:
    """Return the weights (n_features, n_regions) for one penalty per region; as in solve_ridge."""
    values, projection, rotated, unit = _decompose(
        stack_centred(features, masks), stack_centred(targets, masks)
    )
    return projection @ (rotated / (values[:, None] + penalties * unit))


def stack_centred(arrays: Sequence[Floats], masks: Masks) -> Floats:
    """Return the rows that are kept, (n_kept, n_columns), each run's less their mean."""
    kept = [array[mask] for array, mask in zip(arrays, masks, strict=True) if mask.any()]
    return np.concatenate([rows - rows.mean(axis=0) for rows in kept])


def _decompose(x: Floats, y: Floats) -> tuple[Floats, Floats, Floats, float]:
    """Return all that the solution for any penalty p is made of.

    It is ``projection @ (rotated / (values + p)[:, None])``; the smaller of the Gram matrices of rows and of
    columns is decomposed. Eigenvalues are kept above rounding, so that features that are all 0 lead to
    weights of 0, not to 0 / 0. Last comes the unit of penalties, the mean eigenvalue of the rows' matrix.
    """
    by_rows = len(x) <= x.shape[1]
    values, vectors = np.linalg.eigh(x @ x.T if by_rows else x.T @ x)
    values = np.maximum(values, 1e-12 * max(values[-1], 1.0))
    unit = max(float(np.square(x).sum()) / len(x), 1e-12)
    if by_rows:
        return values, x.T @ vectors, vectors.T @ y, unit
    return values, vectors, vectors.T @ (x.T @ y), unit
