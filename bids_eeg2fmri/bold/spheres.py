"""Regions as spheres in template space, cut to the brain and the grey matter of the data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from nilearn.datasets import load_mni152_gm_mask
from nilearn.image import resample_img
from numpy.typing import NDArray

from bids_eeg2fmri.bold.grid import Grid, GridRegions, weigh_labels
from bids_eeg2fmri.errors import BadDataError, MissingInputError, UsageError, printable
from bids_eeg2fmri.formats.model_limits import MOST_REGIONS
from bids_eeg2fmri.formats.table import numbers, read_table


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spheres:
    """Regions by their centres.

    Attributes
    ----------
    names : tuple of str
    centres : array, shape (n_regions, 3)
        mm of template space.
    radii : array, shape (n_regions,), or None
        mm, where the set has its own.
    """

    names: tuple[str, ...]
    centres: NDArray[np.float64]
    radii: NDArray[np.float64] | None = None


def read_spheres(path: Path) -> Spheres:
    """Read a table of regions with the columns name, x, y, z and, if it likes, radius (all mm).

    Raises
    ------
    UsageError
        If there is no such file.
    BadDataError
        If the table does not hold regions.
    """
    try:
        table = read_table(path)
    except MissingInputError as error:
        raise UsageError(str(error)) from error
    if "name" not in table or table.empty:
        raise BadDataError(f"{path} is no table of regions: it needs rows and the columns name, x, y and z.")
    names = tuple(printable(str(name)) for name in table["name"])
    if len(names) > MOST_REGIONS:
        raise BadDataError(f"{path} has {len(names)} regions; at most {MOST_REGIONS} are taken. Give fewer.")
    if len(set(names)) < len(names):
        raise BadDataError(f"{path} names a region twice. Give every region a name of its own.")
    centres = np.stack([numbers(table, axis, path) for axis in "xyz"], axis=1)
    if not np.all(np.isfinite(centres)):
        raise BadDataError(f"{path} lacks coordinates. Give x, y and z (mm) for every region.")
    radii = numbers(table, "radius", path) if "radius" in table else None
    if radii is not None and not np.all(np.isfinite(radii) & (radii > 0)):
        raise BadDataError(f"{path} lacks a radius. Give one above 0 (mm) to every region, or no column.")
    return Spheres(names=names, centres=centres, radii=radii)


def place_spheres(spheres: Spheres, grid: Grid, *, radius: float) -> GridRegions:
    """Return spheres on the grid of the data; ``radius`` (mm) holds where the set has none of its own."""
    labels = paint_spheres(spheres, radius=radius, grid=grid)
    radii = [f"{r:g}" for r in np.unique(radius if spheres.radii is None else spheres.radii)]
    sizes = " or ".join(radii) if len(radii) < 3 else f"{radii[0]} to {radii[-1]}"
    return GridRegions(
        names=spheres.names,
        places=tuple(
            f"{name} at ({x:g}, {y:g}, {z:g}) mm"
            for name, (x, y, z) in zip(spheres.names, spheres.centres, strict=True)
        ),
        weights=weigh_labels(labels, len(spheres.names)),
        description=f"spheres of {sizes} mm cut by brain and grey matter",
    )


def paint_spheres(spheres: Spheres, *, radius: float, grid: Grid) -> NDArray[np.int32]:
    """Return the label image (n_x, n_y, n_z): the voxels of region k hold k + 1.

    A voxel belongs to the nearest centre within its radius, if it lies in the brain mask and in the grey
    matter of the MNI152 template; where a sphere holds no grey matter the brain mask alone decides. The voxel
    that a centre lies in belongs to the sphere, however small, so that coarse grids lose no region.
    """
    nearest = np.zeros(grid.shape, dtype=np.int32)
    distance = np.full(grid.shape, np.inf)
    radii = np.full(len(spheres.names), radius) if spheres.radii is None else spheres.radii
    for index, (centre, own_radius) in enumerate(zip(spheres.centres, radii, strict=True)):
        box, far = _measure_around(centre, own_radius, grid)
        nearer = far < distance[box]
        nearest[box][nearer] = index + 1
        distance[box][nearer] = far[nearer]
    nearest[~grid.mask] = 0
    grey = _grey_matter(grid)
    has_grey = np.zeros(len(spheres.names) + 1, dtype=bool)
    has_grey[nearest[grey]] = True
    return np.where(grey | ~has_grey[nearest], nearest, 0).astype(np.int32)


def _measure_around(
    centre: NDArray[np.float64], radius: float, grid: Grid
) -> tuple[tuple[slice, ...], NDArray[np.float64]]:
    """Return a box of voxels around a centre and their distance from it (mm), infinite beyond the radius."""
    to_voxels = np.linalg.inv(grid.affine)
    middle = to_voxels[:3, :3] @ centre + to_voxels[:3, 3]
    # A sphere reaches along a voxel axis as far as the axis' row is long.
    reach = np.maximum(radius * np.linalg.norm(to_voxels[:3, :3], axis=1), 0.5)
    lowest = np.clip(np.ceil(middle - reach).astype(int), 0, grid.shape)
    beyond = np.clip(np.floor(middle + reach).astype(int) + 1, lowest, grid.shape)
    box = tuple(slice(a, b) for a, b in zip(lowest, beyond, strict=True))
    voxels = np.moveaxis(np.mgrid[box], 0, -1)
    distance = np.linalg.norm((voxels - middle) @ grid.affine[:3, :3].T, axis=-1)
    own_voxel = np.all(voxels == np.rint(middle), axis=-1)
    return box, np.where((distance <= radius) | own_voxel, distance, np.inf)


def _grey_matter(grid: Grid) -> NDArray[np.bool_]:
    """Return the template's grey-matter mask on the grid of the data."""
    resampled = resample_img(
        load_mni152_gm_mask(resolution=2),
        target_affine=grid.affine,
        target_shape=grid.shape,
        interpolation="nearest",
        copy_header=True,
        force_resample=True,
    )
    return np.asarray(resampled.dataobj) > 0
