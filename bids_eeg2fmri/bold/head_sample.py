"""The points and intensities of an image that registration looks at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, gaussian_filter, label, map_coordinates

from bids_eeg2fmri.bold.image import Image
from bids_eeg2fmri.bold.mutual_information import ClassMaps, Sample, bin_intensities
from bids_eeg2fmri.bold.rigid import Matrix, move

#: How far around the brain the image is looked at, mm.
_RIM = 10.0
#: Coils see what is near them up to twice as bright; intensities are made even over this width, mm.
_EVEN = 25.0
#: Images of the whole head are looked at in voxels of about this size, mm.
_COARSE = 2.5
#: From the top of the head down to below the brain, mm.
_BRAIN_HEIGHT = 150.0
#: The head is what is brighter than this share of what is bright.
_HEAD_SHARE = 0.12
#: Classes of intensity inside the brain of a T1w image.
_N_INTENSITIES = 6


def sample_brain(image: Image, mask: NDArray[np.bool_]) -> Sample:
    """Return the points of a brain and the rim around it; outside the mask the intensity counts as 0."""
    inside = binary_dilation(mask)  # masks of EPI leave out the outermost voxels
    even = make_even(image, inside)
    near = binary_dilation(inside, iterations=max(1, round(_RIM / float(image.sizes.mean()))))
    return Sample(points=image.places(near), bins=bin_intensities(even[near]))


def sample_head(image: Image) -> Sample:
    """Return the points of the upper part of a head, where the brain is, and of the air around."""
    coarse = image.coarser(_COARSE)
    volume = coarse.volume
    bright = volume > _HEAD_SHARE * np.percentile(volume, 99)
    parts, _ = label(bright)
    head = parts == np.argmax(np.bincount(parts[bright]))
    places = coarse.places(np.ones_like(head))
    height = places[2].reshape(head.shape)
    top = np.percentile(height[head], 99.9)
    box = head & (height > top - _BRAIN_HEIGHT)
    around = binary_dilation(box, iterations=3) & (height > top - _BRAIN_HEIGHT)
    return Sample(points=coarse.places(around), bins=bin_intensities(volume[around]))


def sample_near_brain(image: Image, to_template: Matrix, tissues: ClassMaps) -> Sample:
    """Return the points in and around the brain of a head of which the place is roughly known."""
    coarse = image.coarser(_COARSE)
    brain = find_brain(coarse, to_template, tissues)
    near = binary_dilation(brain, iterations=max(1, round(_RIM / float(coarse.sizes.mean()))))
    return Sample(points=coarse.places(near), bins=bin_intensities(make_even(coarse, near)[near]))


def find_brain(image: Image, to_template: Matrix, tissues: ClassMaps) -> NDArray[np.bool_]:
    """Return the voxels of an image that lie in the template's brain, given where the image lies."""
    outside = ClassMaps(maps=tissues.maps[..., -1:], affine=tissues.affine)
    return spread_classes(image, to_template, outside)[..., 0] < 0.5


def spread_classes(image: Image, to_template: Matrix, classes: ClassMaps) -> NDArray[np.float32]:
    """Return class maps on the grid of an image, (n_x, n_y, n_z, n_classes), linearly interpolated."""
    everywhere = np.ones(image.volume.shape, dtype=bool)
    voxels = move(np.linalg.inv(classes.affine) @ to_template @ image.affine, np.argwhere(everywhere).T * 1.0)
    found = [
        map_coordinates(classes.maps[..., k], voxels, order=1, mode="nearest").reshape(image.volume.shape)
        for k in range(classes.maps.shape[3])
    ]
    return np.stack(found, axis=-1)


def class_intensities(image: Image, to_template: Matrix, tissues: ClassMaps) -> ClassMaps:
    """Return classes of intensity inside the brain of an image, and what lies outside as the last one."""
    coarse = image.coarser(_COARSE)
    brain = find_brain(coarse, to_template, tissues)
    even = make_even(coarse, brain)
    low, high = np.percentile(even[brain], [2, 98])
    level = np.clip((even - low) / (high - low), 0, 1) * (_N_INTENSITIES - 1)
    # Triangles: an intensity between two classes belongs to both.
    shares = [np.clip(1 - np.abs(level - k), 0, 1) * brain for k in range(_N_INTENSITIES)]
    return ClassMaps(maps=np.stack([*shares, ~brain], axis=-1).astype(np.float32), affine=coarse.affine)


def make_even(image: Image, mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the volume over its smoothed self, inside the mask; 0 outside."""
    inside = np.where(mask, image.volume, 0).astype(np.float32)
    widths = _EVEN / image.sizes
    share = gaussian_filter(mask.astype(np.float32), widths, mode="constant", truncate=3)
    smooth = gaussian_filter(inside, widths, mode="constant", truncate=3)
    even: NDArray[np.float32] = np.where(mask, inside * share / np.maximum(smooth, 1e-6), 0).astype(
        np.float32
    )
    return even
