"""The brain that is scanned: a coarse MNI grid, its tissues, and where in it the regions are."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from nilearn.datasets import load_mni152_brain_mask, load_mni152_gm_template, load_mni152_wm_template
from numpy.typing import NDArray

from bids_eeg2fmri.records import Floats

VOXEL_SIZE = 6
#: Radius of the spheres whose mean is called a region's signal in the truth, mm.
SPHERE_RADIUS = 8.0
#: Standard deviation of the blob of activity around a region's centre, mm.
BLOB_WIDTH = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Brain:
    """A brain on a grid.

    Attributes
    ----------
    affine : array, shape (4, 4)
        Voxels to MNI mm.
    mask : array of bool, shape (n_x, n_y, n_z)
    grey, white, csf : array, shape (n_x, n_y, n_z)
        Fraction of each tissue, 0 outside the mask.
    baseline : array, shape (n_x, n_y, n_z)
        Mean image, arbitrary units as scanners store them.
    region_names : tuple of str
    blobs : array, shape (n_voxels, n_regions)
        How much each voxel of the mask follows each region, rows summing to at most 1.
    spheres : array of bool, shape (n_voxels, n_regions)
    """

    affine: Floats
    mask: NDArray[np.bool_]
    grey: Floats
    white: Floats
    csf: Floats
    baseline: Floats
    region_names: tuple[str, ...]
    blobs: Floats
    spheres: NDArray[np.bool_]

    @property
    def places(self) -> Floats:
        """MNI position of each voxel of the grid, shape (n_x, n_y, n_z, 3), mm."""
        grid = np.moveaxis(np.indices(self.mask.shape), 0, -1)
        places: Floats = grid @ self.affine[:3, :3].T + self.affine[:3, 3]
        return places


def read_regions() -> tuple[tuple[str, ...], Floats]:
    """Return the names and centres (n_regions, 3), MNI mm, of the motor regions."""
    text = files("bids_eeg2fmri").joinpath("bold", "regions", "motor.tsv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines(), delimiter="\t"))
    return tuple(row["name"] for row in rows), np.array(
        [[float(row[axis]) for axis in "xyz"] for row in rows]
    )


def load_brain() -> Brain:
    """Return the MNI152 brain that nilearn ships, on a grid of 6 mm just larger than it."""
    mask_image = load_mni152_brain_mask(resolution=VOXEL_SIZE)
    whole = np.asarray(mask_image.dataobj) > 0
    box = tuple(slice(i.min(), i.max() + 1) for i in np.nonzero(whole))
    mask = np.pad(whole[box], 1)  # air around, as motion needs
    affine = np.array(mask_image.affine)
    affine[:3, 3] += affine[:3, :3] @ [s.start - 1 for s in box]
    grey, white = (
        np.where(mask, np.pad(np.asarray(load(resolution=VOXEL_SIZE).dataobj)[box], 1), 0).clip(0, 1)
        for load in (load_mni152_gm_template, load_mni152_wm_template)
    )
    csf = np.where(mask, np.clip(1 - grey - white, 0, 1), 0)
    names, centres = read_regions()
    grid = np.stack(np.nonzero(mask), axis=-1) @ affine[:3, :3].T + affine[:3, 3]
    distances = np.linalg.norm(grid[:, None] - centres, axis=-1)
    blobs = np.exp(-0.5 * (distances / BLOB_WIDTH) ** 2)
    blobs /= np.maximum(blobs.sum(axis=1, keepdims=True), 1)
    return Brain(
        affine=affine,
        mask=mask,
        grey=grey,
        white=white,
        csf=csf,
        # T2*-weighted: fluid brightest, white matter darkest.
        baseline=850 * grey + 700 * white + 1000 * csf,
        region_names=names,
        blobs=blobs,
        spheres=distances <= SPHERE_RADIUS,
    )
