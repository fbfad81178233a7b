"""Rigid movements: six parameters and the matrices they stand for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Matrix = NDArray[np.float64]


def rigid_matrix(parameters: NDArray[np.float64], centre: NDArray[np.float64]) -> Matrix:
    """Return the matrices (..., 4, 4), mm to mm, of movements (..., 6).

    Parameters
    ----------
    parameters : array, shape (..., 6)
        Translations along x, y, z (mm) and rotations about x, then y, then z (rad).
    centre : array, shape (3,)
        What the rotations leave in place, mm.
    """
    flat = np.atleast_2d(parameters)
    matrices = np.tile(np.eye(4), (len(flat), 1, 1))
    turns = Rotation.from_euler("xyz", flat[:, 3:]).as_matrix()
    matrices[:, :3, :3] = turns
    matrices[:, :3, 3] = flat[:, :3] + centre - turns @ centre
    return matrices.reshape(*parameters.shape[:-1], 4, 4)


def rigid_parameters(matrices: Matrix, centre: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the translations (mm) and rotations (rad), (n, 6), of matrices (n, 4, 4): the way back."""
    turns = matrices[:, :3, :3]
    shifts = matrices[:, :3, 3] - centre + turns @ centre
    return np.hstack([shifts, Rotation.from_matrix(turns).as_euler("xyz")])


def move(matrix: Matrix, points: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return where an affine matrix (4, 4) takes points (3, n)."""
    moved: NDArray[np.float64] = matrix[:3, :3] @ points + matrix[:3, 3:]
    return moved
