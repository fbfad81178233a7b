"""Symmetric matrices without what stands in them twice: half the memory, and half the work for power.

The power behind weights w is w' C w, the sum over pairs of channels of w_i w_j C_ij. With every pair named
once and counted twice, it is the scalar product of two vectors, and for many matrices and weights one product
of matrices.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.records import Floats


def pack_covariances(covariances: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Return the upper triangles of symmetric matrices (..., n, n), row by row: (..., n (n + 1) / 2).

    What is beside the diagonal counts twice, so that the power behind weights is the scalar product with
    :func:`pack_products` of them.
    """
    one, other = np.triu_indices(covariances.shape[-1])
    counts = np.where(one == other, 1, 2)
    return np.asarray(covariances[..., one, other] * counts, dtype=np.float32)


def unpack_covariances(packed: NDArray[np.floating[Any]], n: int) -> Floats:
    """Return the symmetric matrices (..., n, n) that :func:`pack_covariances` has packed."""
    one, other = np.triu_indices(n)
    matrices = np.empty((*packed.shape[:-1], n, n))
    matrices[..., one, other] = packed / np.where(one == other, 1, 2)
    matrices[..., other, one] = matrices[..., one, other]
    return matrices


def pack_products(weights: Floats) -> Floats:
    """Return the products of pairs of weights (..., n), each pair once: (..., n (n + 1) / 2)."""
    one, other = np.triu_indices(weights.shape[-1])
    return np.asarray(weights[..., one] * weights[..., other])
