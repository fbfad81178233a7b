"""The tissues of the MNI152 template that nilearn ships, as maps that images are placed by."""

from __future__ import annotations

import numpy as np
from nilearn.datasets import load_mni152_brain_mask, load_mni152_gm_template, load_mni152_wm_template
from numpy.typing import NDArray

from bids_eeg2fmri.bold.mutual_information import ClassMaps

#: Voxels of air around the maps: smoothing must not reach their border.
_AIR = 8


def load_tissues(resolution: int = 2) -> ClassMaps:
    """Return the maps of grey matter, white matter, the rest of the brain (mostly CSF), and all else."""
    mask_image = load_mni152_brain_mask(resolution=resolution)
    mask = np.asarray(mask_image.dataobj) > 0
    grey, white = (
        np.where(mask, np.asarray(load(resolution=resolution).dataobj), 0).clip(0, 1)
        for load in (load_mni152_gm_template, load_mni152_wm_template)
    )
    total = np.maximum(grey + white, 1)
    grey, white = grey / total, white / total
    inside = [grey, white, np.where(mask, 1 - grey - white, 0)]
    maps = np.stack([*inside, ~mask], axis=-1).astype(np.float32)
    return ClassMaps(maps=_surround(maps), affine=_shifted(np.array(mask_image.affine, dtype=np.float64)))


def _surround(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the maps (n_x, n_y, n_z, 4) with air around."""
    padded = np.pad(maps, [(_AIR, _AIR)] * 3 + [(0, 0)])
    padded[..., 3] = 1 - padded[..., :3].sum(axis=-1)
    return padded


def _shifted(affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the affine (4, 4) of the padded maps."""
    moved = affine.copy()
    moved[:3, 3] -= affine[:3, :3] @ np.full(3, _AIR)
    return moved
