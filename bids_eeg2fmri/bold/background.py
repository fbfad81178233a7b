"""The background: a slab of the brain away from the regions, whose mean stands for what all the brain shares.

Neurofeedback studies show their participants a region minus such a slab, so that breath, motion and drift of
the scanner do not pass for activity of the region.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from bids_eeg2fmri.bold.grid import Grid
from bids_eeg2fmri.errors import BadDataError

#: Voxels nearer to a region than this are left out, mm: far more than BOLD spreads.
_DISTANCE = 20.0


def place_background(
    is_region: NDArray[np.bool_], grid: Grid, heights: tuple[float, float]
) -> tuple[NDArray[np.bool_], str]:
    """Return the voxels of the background (n_x, n_y, n_z), and in words what it is.

    Brain voxels from one height to another along the z axis of the space, 20 mm and more from every region.

    Parameters
    ----------
    is_region : array of bool, shape (n_x, n_y, n_z)
    heights : tuple of float
        From and to, mm.

    Raises
    ------
    BadDataError
        If there is no such voxel.
    """
    low, high = heights
    voxels = np.moveaxis(np.indices(grid.shape), 0, -1)
    height = voxels @ grid.affine[2, :3] + grid.affine[2, 3]
    sides = np.linalg.norm(grid.affine[:3, :3], axis=0)
    distance = distance_transform_edt(~is_region, sampling=sides)
    background = grid.mask & (height >= low) & (height <= high) & (distance >= _DISTANCE)
    if not background.any():
        raise BadDataError(
            f"No voxel of the brain lies between z = {low:g} and {high:g} mm and {_DISTANCE:g} mm from every "
            "region. Choose other heights (bold.background = [from, to])."
        )
    return background, (
        f"background: {background.sum()} brain voxels from z = {low:g} to {high:g} mm, at least "
        f"{_DISTANCE:g} mm from every region"
    )
