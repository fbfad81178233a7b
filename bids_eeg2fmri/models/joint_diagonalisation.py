"""Blind separation of sources whose power changes over time, by approximate joint diagonalisation.

Sources that wax and wane independently of each other, and have spectra of their own, are told apart by the
matrix that makes the covariances of all stretches of time and of all bands as diagonal as possible (Pham &
Cardoso 2001, doi 10.1109/78.942614). The algorithm is UWEDGE with uniform weights (Tichavsky & Yeredor 2009,
doi 10.1109/TSP.2008.2009271). No target is looked at.
"""

from __future__ import annotations

import numpy as np

from bids_eeg2fmri.records import Floats

MAX_ITERATIONS = 40
#: The separation is found when no entry of the correction exceeds this.
TOLERANCE = 1e-4
#: Directions with less than this share of the strongest one's variance are those of dead channels and of the
#: average reference.
MIN_VARIANCE = 1e-6


def whitening_filters(covariance: Floats, *, n_components: int) -> Floats:
    """Return the filters (n_kept, n_channels) of the strongest principal components, each of unit variance.

    Fewer than ``n_components`` where the covariance (n_channels, n_channels) has a lower rank; at least one.
    """
    values, vectors = np.linalg.eigh(covariance)
    order = np.argsort(-values)[:n_components]
    kept = order[values[order] > MIN_VARIANCE * max(values[order[0]], 1e-30)]
    kept = kept if len(kept) else order[:1]
    filters: Floats = (vectors[:, kept] / np.sqrt(np.maximum(values[kept], 1e-12))).T
    return filters


def diagonalise_jointly(matrices: Floats) -> Floats:
    """Return the filters (n, n) that make matrices (n_matrices, n, n) as diagonal as possible.

    Each filter has unit mean power over the matrices, and its largest weight is positive.
    """
    filters = np.eye(matrices.shape[1])
    for _ in range(MAX_ITERATIONS):
        rotated = filters @ matrices @ filters.T
        size = np.sqrt(np.maximum(np.einsum("kii->i", rotated) / len(rotated), 1e-12))
        filters = filters / size[:, None]
        rotated = rotated / np.outer(size, size)
        correction = _least_squares_mixing(rotated)
        filters = np.linalg.solve(np.eye(len(filters)) + correction, filters)
        if np.abs(correction).max(initial=0.0) < TOLERANCE:
            break
    powers = np.einsum("in,knm,im->i", filters, matrices, filters, optimize=True) / len(matrices)
    filters = filters / np.sqrt(np.maximum(powers, 1e-12))[:, None]
    largest = np.take_along_axis(filters, np.abs(filters).argmax(axis=1)[:, None], axis=1)
    return np.asarray(filters * np.where(largest < 0, -1.0, 1.0))


def _least_squares_mixing(matrices: Floats) -> Floats:
    """Return E (n, n), zero on the diagonal, for which (I + E) D (I + E)' fits the matrices to first order.

    For every pair the matrices' entry (i, j) is E_ij d_j + E_ji d_i, with the diagonals d of the matrices.
    """
    diagonals = np.einsum("kii->ki", matrices)
    products = diagonals.T @ diagonals
    cross = np.einsum("kj,kij->ij", diagonals, matrices)
    squares = np.diag(products)
    # The two powers may change alike: then the pair cannot be told apart, and is left alone.
    determinant = np.outer(squares, squares) - products**2
    alike = determinant <= 1e-9 * np.outer(squares, squares)
    mixing = (squares[:, None] * cross - products * cross.T) / np.where(alike, np.inf, determinant)
    # First order only: a step that is too large would overshoot.
    mixing = np.clip(mixing, -0.5, 0.5)
    np.fill_diagonal(mixing, 0.0)
    return np.asarray(mixing)
