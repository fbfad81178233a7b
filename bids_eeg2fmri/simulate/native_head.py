"""A head as it lies in the scanner: skull and scalp around the brain, moved, turned, not of template size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from nilearn.datasets import load_mni152_brain_mask, load_mni152_gm_template, load_mni152_wm_template
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter, map_coordinates
from scipy.spatial.transform import Rotation

from bids_eeg2fmri.records import Floats

_RESOLUTION = 2
#: Air around the brain in the model, voxels: room for skull and scalp.
_AIR = 12
#: From the brain outwards, mm: fluid up to here, then bone, then skin.
_FLUID, _BONE, _SKIN = 2.0, 8.0, 14.0
#: Brightness of grey matter, white matter, fluid, bone and skin: T2*-weighted, fat suppressed; T1-weighted.
EPI = (850.0, 700.0, 1000.0, 60.0, 220.0)
T1W = (700.0, 1000.0, 250.0, 80.0, 850.0)
#: Where air in the skull takes the signal of T2*-weighted images: centres (MNI mm) and width.
_DROPOUTS = ((0.0, 38.0, -20.0), (-48.0, -12.0, -30.0), (48.0, -12.0, -30.0))
_DROPOUT_WIDTH = 14.0
#: Voxels and their number in the raw BOLD, and in the T1w image.
BOLD_SIZE, BOLD_SHAPE = (4.0, 4.0, 4.0), (52, 58, 38)
T1W_SIZE, T1W_SHAPE = (2.0, 2.0, 2.0), (104, 120, 104)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadModel:
    """Tissues of a head in the template's space.

    Attributes
    ----------
    tissues : array, shape (5, n_x, n_y, n_z)
        Shares of grey matter, white matter, fluid, bone and skin.
    affine : array, shape (4, 4)
        Voxels to MNI mm.
    """

    tissues: NDArray[np.float32]
    affine: Floats

    def image(self, brightness: tuple[float, ...]) -> NDArray[np.float32]:
        """Return the image (n_x, n_y, n_z) of a contrast."""
        image: NDArray[np.float32] = np.tensordot(
            np.array(brightness, dtype=np.float32), self.tissues, axes=1
        )
        return image


def load_head_model() -> HeadModel:
    """Return the head around the MNI152 brain that nilearn ships."""
    mask_image = load_mni152_brain_mask(resolution=_RESOLUTION)
    brain = np.pad(np.asarray(mask_image.dataobj) > 0, _AIR)
    grey, white = (
        np.pad(np.asarray(load(resolution=_RESOLUTION).dataobj), _AIR).clip(0, 1) * brain
        for load in (load_mni152_gm_template, load_mni152_wm_template)
    )
    total = np.maximum(grey + white, 1)
    grey, white = grey / total, white / total
    outwards = distance_transform_edt(~brain) * _RESOLUTION
    fluid = np.where(brain, 1 - grey - white, outwards <= _FLUID)
    bone = (outwards > _FLUID) & (outwards <= _BONE)
    skin = (outwards > _BONE) & (outwards <= _SKIN)
    tissues = np.stack([grey, white, fluid, bone, skin]).astype(np.float32)
    affine = np.array(mask_image.affine, dtype=np.float64)
    affine[:3, 3] -= affine[:3, :3] @ np.full(3, float(_AIR))
    return HeadModel(tissues=gaussian_filter(tissues, (0, 0.5, 0.5, 0.5)), affine=affine)


def draw_head_place(rng: np.random.Generator) -> Floats:
    """Return how a head lies in the scanner: the matrix (4, 4) from scanner to MNI mm.

    Moved by up to 15 mm along each axis, turned by up to 9 degrees about each, up to 12 percent smaller than
    the template, a little more along one axis than along another.
    """
    matrix = np.eye(4)
    scale = np.exp(rng.uniform(0, 0.12) + rng.uniform(-0.02, 0.02, 3))
    matrix[:3, :3] = np.diag(scale) @ Rotation.from_euler("xyz", rng.uniform(-0.15, 0.15, 3)).as_matrix()
    matrix[:3, 3] = rng.uniform(-15, 15, 3)
    return matrix


def grid_affine(shape: tuple[int, ...], size: tuple[float, ...], to_template: Floats) -> Floats:
    """Return the affine (4, 4) of a grid laid around a head, to scanner mm; x runs to the left."""
    affine = np.diag([-size[0], size[1], size[2], 1.0])
    # The middle of the brain, in whole mm, as an operator would place the slices.
    middle = np.rint(np.linalg.inv(to_template) @ [0.0, -18.0, 12.0, 1.0])[:3]
    affine[:3, 3] = middle - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return affine


def dropout(places: Floats) -> Floats:
    """Return what is left (0 to 1) of a T2*-weighted signal at MNI places (3, n)."""
    left = np.ones(places.shape[1])
    for centre in _DROPOUTS:
        far = np.sum((places - np.array(centre)[:, None]) ** 2, axis=0)
        left *= 1 - 0.85 * np.exp(-0.5 * far / _DROPOUT_WIDTH**2)
    return left


def coil_brightness(places: Floats) -> Floats:
    """Return how bright the coil makes places (3, n), mm from its middle: those near it are brighter."""
    x, y, z = places / 90.0
    bright: Floats = 0.75 + 0.35 * (x**2 + y**2 + z**2).clip(0, 2) - 0.12 * y
    return bright


def sample(image: NDArray[np.float32], affine: Floats, places: Floats) -> Floats:
    """Return an image at places (3, n), mm, linearly between voxels, 0 outside."""
    to_voxels = np.linalg.inv(affine)
    voxels = to_voxels[:3, :3] @ places + to_voxels[:3, 3:]
    values: Floats = map_coordinates(image, voxels, order=1, mode="constant", output=np.float64)
    return values
