"""Named regions on the grid of a participant, whatever they are given as."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from bids_eeg2fmri.bold.atlas_image import AtlasImage, is_image, names_table, place_image, read_atlas_image
from bids_eeg2fmri.bold.background import place_background
from bids_eeg2fmri.bold.differences import BACKGROUND, difference_weights
from bids_eeg2fmri.bold.grid import Grid, drop_uncovered, paint_labels
from bids_eeg2fmri.bold.spheres import Spheres, place_spheres, read_spheres
from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.formats.nifti import read_image_header, read_volume
from bids_eeg2fmri.records import BoldRun
from bids_eeg2fmri.registry import REGION_SETS, check_region_set, load_region_set
from bids_eeg2fmri.settings import BoldSettings

#: The mean over regions in tables of scores, and a column of time series.
_TAKEN = ("mean", "weight", BACKGROUND)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RegionLabels:
    """Regions on a grid.

    Attributes
    ----------
    names : tuple of str
    labels : array, shape (n_x, n_y, n_z)
        The label image to paint results on: 1 to n_regions, 0 outside. Where regions overlap it holds the one
        that gives the voxel most weight.
    affine : array, shape (4, 4)
        Voxel to mm.
    weights : sparse array, shape (n_regions, n_voxels)
        What each voxel (the grid in C order) counts in the mean of each region.
    steps : tuple of str
        What the regions are and which were dropped, in words.
    background : array of bool, shape (n_x, n_y, n_z), or None
        The slab of the brain that regions are compared with, where a contrast asks for it.
    """

    names: tuple[str, ...]
    labels: NDArray[np.int32]
    affine: NDArray[np.float64]
    weights: csr_array
    steps: tuple[str, ...]
    background: NDArray[np.bool_] | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of all of it."""
        content = hashlib.sha256(repr((self.names, self.steps)).encode())
        for array in (self.labels, self.affine, self.weights.indptr, self.weights.indices, self.weights.data):
            content.update(np.ascontiguousarray(array).tobytes())
        content.update(b"" if self.background is None else self.background.tobytes())
        return content.hexdigest()


def load_regions(regions: str) -> Spheres | AtlasImage:
    """Return a region set by its name, from a table of coordinates, or from an image.

    Raises
    ------
    UsageError
        If there is no set of this name and no such file.
    MissingInputError
        If the set is not on this machine and cannot be fetched.
    BadDataError
        If the file does not hold regions.
    """
    check_region_set(regions)
    loaded: Spheres | AtlasImage | None = load_region_set(regions)
    if loaded is not None:
        return loaded
    path = Path(regions)
    return read_atlas_image(path) if is_image(path) else read_spheres(path)


def region_files(regions: str) -> tuple[Path, ...]:
    """Return the user's files that a result depends on: a table or an image, and its table of names."""
    path = Path(regions)
    if regions in REGION_SETS or not path.is_file():
        return ()
    names = names_table(path)
    return (path, names) if is_image(path) and names.is_file() else (path,)


def label_regions(runs: Sequence[BoldRun], settings: BoldSettings, grid: Grid | None = None) -> RegionLabels:
    """Return the regions on the grid of a participant's images: the same voxels for every run.

    A voxel counts only if it lies in the brain mask of every run. Regions of fewer than ``min_voxels`` voxels
    are dropped with a warning; one without any is an error that names it, but is dropped too from sets of
    more than 50 regions.

    Parameters
    ----------
    grid : Grid or None
        The grid in template space where it is not that of the runs' images: raw ones are in no template.

    Raises
    ------
    BadDataError
        If the runs have different grids, a mask does not fit its image, a region of a small set has no voxel,
        no region is left, or the background has no voxel.
    UsageError
        If a contrast names no regions.
    """
    grid = _common_grid(runs) if grid is None else grid
    regions = load_regions(settings.regions)
    if isinstance(regions, Spheres):
        placed = place_spheres(regions, grid, radius=settings.radius)
    else:
        placed = place_image(regions, grid)
    _check_names(placed.names, settings.regions)
    kept, notes = drop_uncovered(placed, min_voxels=settings.min_voxels)
    labels = paint_labels(kept.weights, grid.shape)
    background = None
    if any(BACKGROUND in text for text in settings.contrasts.values()):
        background, note = place_background(labels > 0, grid, settings.background)
        notes = (*notes, note)
    # Early, before any image is read: a contrast that names no regions.
    difference_weights(settings.contrasts, kept.names, has_background=background is not None)
    return RegionLabels(
        names=kept.names,
        labels=labels,
        affine=grid.affine,
        weights=kept.weights,
        steps=(kept.description, *notes),
        background=background,
    )


def _common_grid(runs: Sequence[BoldRun]) -> Grid:
    """Return the grid that the runs' images share, with the voxels that lie in the brain of every run."""
    if any(run.preprocessing == "minimal" for run in runs):
        raise BadDataError(
            f"{runs[0].bold_path.name} is a raw image, in no template space: where regions lie in it is not "
            "known. Give the grid that preprocess_minimally returns, or fMRIPrep's output."
        )
    headers = [read_image_header(run.bold_path) for run in runs]
    first = headers[0]
    for run, header in zip(runs, headers, strict=True):
        if header.shape[:3] != first.shape[:3] or not np.allclose(header.affine, first.affine, atol=1e-3):
            raise BadDataError(
                f"{run.bold_path.name} has another grid ({header.shape[:3]} voxels) than "
                f"{runs[0].bold_path.name} ({first.shape[:3]}). Resample them alike, or select runs."
            )
    mask = np.logical_and.reduce([_brain(run, first.shape) for run in runs])
    return Grid(shape=first.shape[:3], affine=first.affine, mask=mask, space=runs[0].space)


def _check_names(names: Sequence[str], regions: str) -> None:
    """Raise for names that tables of results cannot hold: they are columns there, beside others."""
    for name in names:
        if not name.strip() or name in _TAKEN or any(c in name for c in "\t\r\n"):
            raise BadDataError(
                f"The regions of {regions} hold the name {name!r}; names must not be empty, hold a tab or a "
                f"line break, or be one of {', '.join(_TAKEN)}. Rename the region."
            )


def _brain(run: BoldRun, shape: tuple[int, ...]) -> NDArray[np.bool_]:
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
