"""Realignment of the raw BOLD runs of a participant: each to a mean of its own, and these to each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates, spline_filter

from bids_eeg2fmri.bold.brain_mask import find_brain_mask
from bids_eeg2fmri.bold.image import Image
from bids_eeg2fmri.bold.moved_sampling import each_volume
from bids_eeg2fmri.bold.realign import Pose, Reference, find_pose, make_reference
from bids_eeg2fmri.bold.rigid import Matrix, move, rigid_parameters
from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.formats.nifti import read_image_header
from bids_eeg2fmri.records import RealignedRun

#: The mean is made of this many volumes, evenly spread: enough to be hardly noisier than that of all.
_N_IN_MEAN = 20
#: Smoothing of the searches that link two runs, mm: heads of two days lie centimetres apart.
_LINK_LEVELS = (20.0, 10.0, 5.0)
#: Correlation below which a volume or run was not found again.
_FOUND = 0.5


def realign_run(path: Path) -> RealignedRun:
    """Return where the head was in every volume of a raw 4D image.

    The volumes are compared with the mean of some of them, which were realigned to the one in the middle.

    Raises
    ------
    BadDataError
        If the image is damaged, no brain is found in it, or most volumes do not resemble each other.
    """
    header = read_image_header(path)
    chosen = np.unique(np.linspace(0, header.shape[3] - 1, _N_IN_MEAN).round().astype(int))
    volumes = _read_some(path, set(chosen.tolist()))
    middle = Image(volume=volumes[len(volumes) // 2], affine=header.affine)
    rough = make_reference(middle, find_brain_mask(middle, path.name))
    moved = [_resample(v, header.affine, find_pose(v, header.affine, rough).matrix) for v in volumes]
    mean = Image(volume=np.mean(moved, axis=0, dtype=np.float32), affine=header.affine)
    mask = find_brain_mask(mean, path.name)
    reference = make_reference(mean, mask)
    poses: list[Pose] = []
    for volume in each_volume(path):
        poses.append(_next_pose(volume, mean.affine, reference, poses))
    similarity = np.array([pose.similarity for pose in poses])
    if np.mean(similarity < _FOUND) > 0.1:
        raise BadDataError(
            f"{path.name}: {np.sum(similarity < _FOUND)} of {len(poses)} volumes do not resemble the mean of "
            "the run and cannot be realigned. Look at the image; leave the run out if it is damaged."
        )
    matrices = np.array([pose.matrix for pose in poses])
    return RealignedRun(
        mean=mean.volume,
        affine=mean.affine,
        mask=mask,
        poses=matrices,
        motion=rigid_parameters(matrices, reference.centre),
        similarity=similarity,
        gain=np.array([pose.gain for pose in poses]),
    )


def link_runs(first: RealignedRun, other: RealignedRun, name: str) -> Matrix:
    """Return the rigid map (4, 4) from mm of one run's mean image to mm of another's.

    Raises
    ------
    BadDataError
        If the two do not resemble each other wherever the head is looked for.
    """
    one = Image(volume=first.mean, affine=first.affine)
    begin = np.eye(4)
    begin[:3, 3] = _middle(other) - _middle(first)
    # Heads of one session share the scanner's coordinates, those of two days only the middle of the brain.
    best = Pose(matrix=np.eye(4), similarity=-1.0)
    for start in (np.eye(4), begin):
        pose = Pose(matrix=start, similarity=0.0)
        for smoothness in _LINK_LEVELS:
            reference = make_reference(one, first.mask, smoothness=smoothness)
            pose = find_pose(other.mean, other.affine, reference, pose.matrix)
        best = max(best, pose, key=lambda p: p.similarity)
    if best.similarity < _FOUND:
        raise BadDataError(
            f"The mean image of {name} cannot be aligned with that of the participant's first run "
            f"(correlation {best.similarity:.2f}). Look at both; leave the run out, or run fMRIPrep "
            "(--derivatives)."
        )
    return best.matrix


def _next_pose(volume: NDArray[np.float32], affine: Matrix, reference: Reference, poses: list[Pose]) -> Pose:
    """Return the pose of the next volume, searched from that of the one before."""
    before = next((p.matrix for p in reversed(poses) if p.similarity >= _FOUND), None)
    pose = find_pose(volume, affine, reference, before)
    if pose.similarity < _FOUND and before is not None:
        pose = find_pose(volume, affine, reference)
    return pose


def _middle(run: RealignedRun) -> NDArray[np.float64]:
    """Return the middle of a run's brain, (3,) mm."""
    return move(run.affine, np.argwhere(run.mask).mean(axis=0)[:, None])[:, 0]


def _read_some(path: Path, chosen: set[int]) -> list[NDArray[np.float32]]:
    """Return some volumes of an image."""
    return [volume for k, volume in enumerate(each_volume(path)) if k in chosen]


def _resample(volume: NDArray[np.float32], affine: Matrix, pose: Matrix) -> NDArray[np.float32]:
    """Return a volume as it would be with the head in the place of the reference."""
    voxels = np.indices(volume.shape).reshape(3, -1).astype(np.float64)
    places = move(np.linalg.inv(affine) @ pose @ affine, voxels)
    values = map_coordinates(
        spline_filter(volume, order=3, output=np.float32),
        places,
        order=3,
        mode="nearest",
        prefilter=False,
        output=np.float32,
    )
    resampled: NDArray[np.float32] = values.reshape(volume.shape)
    return resampled
