"""Signals of voxels that move with the head: raw volumes are sampled where the voxels are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates, spline_filter
from scipy.sparse import csr_array, diags_array

from bids_eeg2fmri.bold.realign import are_inside
from bids_eeg2fmri.bold.rigid import move
from bids_eeg2fmri.formats.nifti import iterate_volumes
from bids_eeg2fmri.records import Floats


def each_volume(path: Path) -> Iterator[NDArray[np.float32]]:
    """Yield the volumes (n_x, n_y, n_z) of a 4D image in order, 0 where a voxel is not a number."""
    for block in iterate_volumes(path):
        for volume in np.moveaxis(block, 3, 0):
            yield np.nan_to_num(volume, posinf=0.0, neginf=0.0)


def sample_means(path: Path, weights: csr_array, shape: tuple[int, ...], to_volumes: Floats) -> Floats:
    """Return weighted means over moving voxels, (n_volumes, n_means), by cubic splines.

    Parameters
    ----------
    path : Path
        The raw 4D image; it is read once.
    weights : sparse array, shape (n_means, n_voxels)
        Of the voxels of a grid in C order.
    shape : tuple of int
        Of that grid.
    to_volumes : array, shape (n_volumes, 4, 4)
        Voxels of the grid to voxels of each volume.
    """
    used = np.unique(weights.indices)
    average = weights[:, used].astype(np.float64)
    average = diags_array(1 / average.sum(axis=1)) @ average
    voxels = np.stack(np.unravel_index(used, shape)).astype(np.float64)
    means = np.empty((len(to_volumes), weights.shape[0]))
    for k, volume in enumerate(each_volume(path)):
        values = map_coordinates(
            spline_filter(volume, order=3, output=np.float32),
            move(to_volumes[k], voxels),
            order=3,
            mode="nearest",
            prefilter=False,
        )
        means[k] = average @ values.astype(np.float64)
    return means


def find_covered(mask: NDArray[np.bool_], to_volumes: Floats, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return the voxels of a mask that stay in the field of view (``shape``) in every volume."""
    covered = mask.copy()
    voxels = np.argwhere(mask).T.astype(np.float64)
    stays = np.ones(voxels.shape[1], dtype=bool)
    for matrix in to_volumes:
        stays &= are_inside(move(matrix, voxels), shape)
    covered[mask] = stays
    return covered
