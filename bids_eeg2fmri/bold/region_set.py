"""Named regions: spheres in template space, cut to the grid, the brain and the grey matter of the data."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
from nilearn.datasets import load_mni152_gm_mask
from nilearn.image import resample_img
from numpy.typing import NDArray

from bids_eeg2fmri.errors import BadDataError, MissingInputError, UsageError, did_you_mean
from bids_eeg2fmri.formats.nifti import read_image_header, read_volume
from bids_eeg2fmri.formats.table import numbers, read_table
from bids_eeg2fmri.records import SimultaneousRun
from bids_eeg2fmri.registry import REGION_SETS
from bids_eeg2fmri.settings import BoldSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Spheres:
    """Regions by their centres: names, and coordinates (n_regions, 3) in mm of template space."""

    names: tuple[str, ...]
    centres: NDArray[np.float64]


def load_regions(regions: str) -> Spheres:
    """Return a region set by its name, or from a table with the columns name, x, y and z.

    Raises
    ------
    UsageError
        If there is no set of this name and no such file.
    BadDataError
        If the table does not hold regions.
    """
    if regions in REGION_SETS:
        with as_file(files("bids_eeg2fmri.bold").joinpath("regions", REGION_SETS[regions])) as path:
            return _read_spheres(path)
    table = Path(regions)
    if not table.is_file():
        raise UsageError(
            f"There are no regions '{regions}': neither a set ({', '.join(REGION_SETS)}) nor a file."
            f"{did_you_mean(regions, REGION_SETS)} A table is a TSV with the columns name, x, y, z (mm)."
        )
    return _read_spheres(table)


def _read_spheres(path: Path) -> Spheres:
    """Read a table of regions."""
    try:
        table = read_table(path)
    except MissingInputError as error:
        raise UsageError(str(error)) from error
    if "name" not in table or table.empty:
        raise BadDataError(f"{path} is no table of regions: it needs rows and the columns name, x, y and z.")
    names = tuple(str(name) for name in table["name"])
    if len(set(names)) < len(names):
        raise BadDataError(f"{path} names a region twice. Give every region a name of its own.")
    centres = np.stack([numbers(table, axis, path) for axis in "xyz"], axis=1)
    if not np.all(np.isfinite(centres)):
        raise BadDataError(f"{path} lacks coordinates. Give x, y and z (mm) for every region.")
    return Spheres(names=names, centres=centres)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RegionLabels:
    """Regions on a grid: names, label image (n_x, n_y, n_z) of 1 to n_regions, affine (4, 4) to mm."""

    names: tuple[str, ...]
    labels: NDArray[np.int32]
    affine: NDArray[np.float64]

    @property
    def digest(self) -> str:
        """SHA-256 of names, labels and affine."""
        content = repr(self.names).encode() + self.labels.tobytes() + self.affine.tobytes()
        return hashlib.sha256(content).hexdigest()


def label_regions(runs: Sequence[SimultaneousRun], settings: BoldSettings) -> RegionLabels:
    """Return the regions on the grid of a participant's images: the same voxels for every run.

    A voxel counts only if it lies in the brain mask of every run.

    Raises
    ------
    BadDataError
        If the runs have different grids, a mask does not fit its image, or a region has no voxel.
    """
    headers = [read_image_header(run.bold_path) for run in runs]
    first = headers[0]
    for run, header in zip(runs, headers, strict=True):
        if header.shape[:3] != first.shape[:3] or not np.allclose(header.affine, first.affine, atol=1e-3):
            raise BadDataError(
                f"{run.bold_path.name} has another grid ({header.shape[:3]} voxels) than "
                f"{runs[0].bold_path.name} ({first.shape[:3]}). Resample them alike, or select runs."
            )
    mask = np.logical_and.reduce([_brain(run, first.shape) for run in runs])
    spheres = load_regions(settings.regions)
    labels = paint_spheres(spheres, radius=settings.radius, shape=first.shape, affine=first.affine, mask=mask)
    return RegionLabels(names=spheres.names, labels=labels, affine=first.affine)


def _brain(run: SimultaneousRun, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return a run's brain mask, or everything where there is none."""
    if run.mask_path is None:
        return np.ones(shape[:3], dtype=bool)
    mask = read_volume(run.mask_path)
    if mask.shape != shape[:3]:
        raise BadDataError(
            f"{run.mask_path} has {mask.shape} voxels but {run.bold_path.name} has {shape[:3]}. "
            "Mask and image must be of the same run, space and resolution."
        )
    return mask > 0


def paint_spheres(
    spheres: Spheres,
    *,
    radius: float,
    shape: tuple[int, ...],
    affine: NDArray[np.float64],
    mask: NDArray[np.bool_],
) -> NDArray[np.int32]:
    """Return the label image (n_x, n_y, n_z): the voxels of region k hold k + 1.

    A voxel belongs to the nearest centre within ``radius`` (mm), if it lies in the brain ``mask`` and in the
    grey matter of the MNI152 template; where a sphere holds no grey matter the brain mask alone decides.

    Raises
    ------
    BadDataError
        If a region has no voxel in the data.
    """
    grid = np.indices(shape[:3]).reshape(3, -1)
    millimetres = affine[:3, :3] @ grid + affine[:3, 3:]
    distance = np.linalg.norm(millimetres[None] - spheres.centres[:, :, None], axis=1)
    nearest = distance.argmin(axis=0)
    inside = (distance.min(axis=0) <= radius) & mask.ravel()
    grey = _grey_matter(shape, affine).ravel()
    labels = np.zeros(mask.size, dtype=np.int32)
    for index, name in enumerate(spheres.names):
        voxels = inside & (nearest == index)
        if not voxels.any():
            x, y, z = spheres.centres[index]
            raise BadDataError(
                f"Region {name} at ({x:g}, {y:g}, {z:g}) mm has no voxel inside the brain mask of the data. "
                "Check that the regions and the BOLD are in the same space, or enlarge bold.radius."
            )
        labels[voxels & grey if np.any(voxels & grey) else voxels] = index + 1
    return labels.reshape(shape[:3])


def _grey_matter(shape: tuple[int, ...], affine: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return the template's grey-matter mask on the grid of the data."""
    template = load_mni152_gm_mask(resolution=2)
    resampled = resample_img(
        template,
        target_affine=affine,
        target_shape=shape[:3],
        interpolation="nearest",
        copy_header=True,
        force_resample=True,
    )
    return np.asarray(resampled.dataobj) > 0
