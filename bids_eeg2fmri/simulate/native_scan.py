"""Raw images in the space of the scanner: BOLD in which the head really moves, and a T1w image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from bids_eeg2fmri.records import Floats
from bids_eeg2fmri.simulate.bold_image import AIR, make_noise, sample_signals, slice_times
from bids_eeg2fmri.simulate.brain import BLOB_WIDTH, Brain, read_regions
from bids_eeg2fmri.simulate.native_head import (
    BOLD_SHAPE,
    BOLD_SIZE,
    EPI,
    T1W,
    T1W_SHAPE,
    T1W_SIZE,
    HeadModel,
    coil_brightness,
    dropout,
    grid_affine,
    sample,
)
from bids_eeg2fmri.simulate.rigid_motion import rigid_matrices

#: The largest movements of a run lie between these, mm and degrees.
_SMALLEST, _LARGEST = 1.0, 2.0
#: Standard deviation of the scanner's point spread, voxels.
_BLUR = 0.4
#: A blob is not looked at further out than this many standard deviations.
_BLOB_END = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeHead:
    """A head in the scanner: tissues, the matrix (4, 4) from scanner to MNI mm, and the grid of its BOLD."""

    model: HeadModel
    to_template: Floats
    shape: tuple[int, int, int] = BOLD_SHAPE
    size: tuple[float, float, float] = BOLD_SIZE

    @property
    def bold_affine(self) -> Floats:
        """Voxels of the raw BOLD to scanner mm, (4, 4)."""
        return grid_affine(self.shape, self.size, self.to_template)

    @property
    def centre(self) -> Floats:
        """What the head turns about, (3,) scanner mm."""
        centre: Floats = self.bold_affine[:3, :3] @ ((np.array(self.shape) - 1) / 2) + self.bold_affine[:3, 3]
        return centre


def enlarge_motion(motion: Floats, rng: np.random.Generator) -> Floats:
    """Return motion (n_volumes, 6) so large that every parameter reaches 1 to 2 mm or degrees."""
    largest = rng.uniform(_SMALLEST, _LARGEST, 6) * [1, 1, 1, *[np.pi / 180] * 3]
    enlarged: Floats = motion * (largest / np.maximum(np.abs(motion).max(axis=0), 1e-9))
    return enlarged


def scan_native(
    signals: Floats,
    tick_times: Floats,
    motion: Floats,
    *,
    head: NativeHead,
    tr: float,
    noise: float,
    rng: np.random.Generator,
) -> NDArray[np.int16]:
    """Return the raw BOLD of one run, shape (n_x, n_y, n_z, n_volumes).

    Parameters
    ----------
    signals : array, shape (n_ticks, n_regions)
        BOLD of the regions, percent signal change.
    tick_times : array, shape (n_ticks,)
        Seconds after the first volume.
    motion : array, shape (n_volumes, 6)
        Translations (mm) and rotations (rad).
    noise : float
        What all noise is multiplied by.
    """
    places, affine = _places(head.shape, head.bold_affine), head.model.affine
    # A voxel is the mean over its volume, not the value in its middle.
    model = gaussian_filter(head.model.image(EPI), _BLUR * float(np.mean(head.size)) / abs(affine[0, 0]))
    coil = coil_brightness(places - head.centre[:, None])
    poses = rigid_matrices(motion, head.centre)
    changes = np.zeros((len(motion), places.shape[1]), dtype=np.float32)
    if noise:
        brain = _brain_at_rest(head, places)
        inside = brain.mask.ravel()
        changes[:, inside] = noise * make_noise(len(motion), brain=brain, tr=tr, rng=rng)
    slices = np.tile(np.arange(head.shape[2]), places.shape[1] // head.shape[2])
    taken = slice_times(head.shape[2], tr)
    raw = np.empty((*head.shape, len(motion)), dtype=np.int16)
    for k, pose in enumerate(poses):
        to_template = head.to_template @ np.linalg.inv(pose)
        in_template = to_template[:3, :3] @ places + to_template[:3, 3:]
        image = sample(model, affine, in_template) * dropout(in_template) * coil
        by_slice = sample_signals(signals, tick_times, k * tr + taken)
        changes[k] += _activity(in_template, slices, by_slice)
        image *= 1 + changes[k] / 100
        image += noise * AIR * np.abs(rng.standard_normal(len(image)))
        raw[..., k] = np.round(image.clip(0, 32767)).astype(np.int16).reshape(head.shape)
    return raw


def scan_anatomy(head: NativeHead, rng: np.random.Generator) -> tuple[NDArray[np.int16], Floats]:
    """Return a T1w image (n_x, n_y, n_z) of the head and its affine, the head lying nearly as in the BOLD."""
    affine = grid_affine(T1W_SHAPE, T1W_SIZE, head.to_template)
    places = _places(T1W_SHAPE, affine)
    moved = rigid_matrices(rng.uniform(-1, 1, (1, 6)) * [3, 3, 3, 0.05, 0.05, 0.05], head.centre)[0]
    to_template = head.to_template @ np.linalg.inv(moved)
    in_template = to_template[:3, :3] @ places + to_template[:3, 3:]
    image = sample(head.model.image(T1W), head.model.affine, in_template)
    image *= coil_brightness(places - head.centre[:, None])
    image += np.abs(rng.normal(0, 15, len(image)))
    return np.round(image).astype(np.int16).reshape(T1W_SHAPE), affine


def _places(shape: tuple[int, ...], affine: Floats) -> Floats:
    """Return the mm (3, n_voxels) of a grid in C order."""
    places: Floats = affine[:3, :3] @ np.indices(shape).reshape(3, -1).astype(float) + affine[:3, 3:]
    return places


def _activity(places: Floats, slices: NDArray[np.int64], by_slice: Floats) -> Floats:
    """Return the percent signal change at MNI places (3, n), given that of regions (n_slices, n_regions)."""
    _, centres = read_regions()
    weights = np.zeros((places.shape[1], len(centres)))
    for k, centre in enumerate(centres):
        far = np.sum((places - centre[:, None]) ** 2, axis=0)
        near = far < (_BLOB_END * BLOB_WIDTH) ** 2
        weights[near, k] = np.exp(-0.5 * far[near] / BLOB_WIDTH**2)
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1)
    activity: Floats = np.einsum("nr,nr->n", weights, by_slice[slices])
    return activity


def _brain_at_rest(head: NativeHead, places: Floats) -> Brain:
    """Return what noise needs to know of the brain before it moves, on the grid of the raw BOLD."""
    in_template = head.to_template[:3, :3] @ places + head.to_template[:3, 3:]
    grey, white, csf = (
        sample(head.model.tissues[k], head.model.affine, in_template).reshape(head.shape) for k in range(3)
    )
    mask = grey + white + csf > 0.5
    names, _ = read_regions()
    return Brain(
        affine=head.bold_affine,
        mask=mask,
        grey=grey * mask,
        white=white * mask,
        csf=csf * mask,
        baseline=np.zeros(head.shape),
        region_names=names,
        blobs=np.zeros((int(mask.sum()), len(names))),
        spheres=np.zeros((int(mask.sum()), len(names)), dtype=bool),
    )
