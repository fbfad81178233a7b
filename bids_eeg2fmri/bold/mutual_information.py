"""How much the intensities of an image tell of the tissues they lie in, and how that changes with its place.

Mutual information (Maes 1997, 10.1109/42.563664), but of intensities and tissue classes, as in SPM's unified
segmentation (Ashburner & Friston 2005, 10.1016/j.neuroimage.2005.02.018): it needs no template of the image's
own contrast, so that EPI and T1w images are placed by the same tissue maps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from bids_eeg2fmri.bold.rigid import Matrix, move

#: Intensities are told apart in this many steps, smoothed by a Gaussian of ``_BLUR`` steps.
N_BINS = 48
_BLUR = 1.5
#: What is added to every cell of the histogram, in points: none is empty.
_FLOOR = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassMaps:
    """Shares of classes in each voxel: maps (n_x, n_y, n_z, n_classes) that sum to 1; ``affine`` to mm."""

    maps: NDArray[np.float32]
    affine: Matrix

    def smooth(self, width: float) -> ClassMaps:
        """Return the maps smoothed by a Gaussian of standard deviation ``width`` (mm)."""
        sizes = np.linalg.norm(self.affine[:3, :3], axis=0)
        smooth = gaussian_filter(self.maps, (*(width / sizes), 0), mode="nearest", truncate=3)
        return ClassMaps(maps=smooth, affine=self.affine)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """Points (3, n_points), mm, of an image, and the step of its intensity each has, 0 to N_BINS - 1."""

    points: NDArray[np.float64]
    bins: NDArray[np.int64]

    def thin(self, n_points: int) -> Sample:
        """Return about so many of the points, evenly spread."""
        step = max(1, round(self.points.shape[1] / n_points))
        return Sample(points=self.points[:, ::step], bins=self.bins[::step])


def bin_intensities(values: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the step of each intensity (n_points,), between the first and the last percent of all."""
    low, high = np.percentile(values, [0.5, 99.5])
    scaled = (values - low) / max(high - low, np.finfo(np.float32).tiny)
    bins: NDArray[np.int64] = np.clip(scaled * N_BINS, 0, N_BINS - 1).astype(np.int64)
    return bins


def measure_information(
    sample: Sample, classes: ClassMaps, matrix: Matrix
) -> tuple[float, NDArray[np.float64]]:
    """Return the mutual information (nats) and its gradient (3, 4) with respect to the matrix.

    Parameters
    ----------
    matrix : array, shape (4, 4)
        mm of the image to mm of the maps.
    """
    to_voxels = np.linalg.inv(classes.affine)
    shares, slopes = _look_up(classes.maps, move(to_voxels @ matrix, sample.points))
    n_points, n_classes = shares.shape
    counts = np.stack(
        [np.bincount(sample.bins, weights=shares[:, k], minlength=N_BINS) for k in range(n_classes)], axis=1
    )
    joint = gaussian_filter1d(counts, _BLUR, axis=0, mode="constant") + _FLOOR
    joint /= joint.sum()
    surprise = np.log(joint / (joint.sum(axis=1, keepdims=True) * joint.sum(axis=0)))
    information = float(np.sum(joint * surprise))
    # The blur is symmetric: it is its own transpose.
    pull = gaussian_filter1d(surprise, _BLUR, axis=0, mode="constant")[sample.bins] / n_points
    force = np.einsum("nk,ndk->dn", pull, slopes)
    in_mm = to_voxels[:3, :3].T @ force
    places = np.vstack([sample.points, np.ones(n_points)])
    return information, in_mm @ places.T


def _look_up(
    maps: NDArray[np.float32], voxels: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the maps at places (3, n), linearly between voxels, (n, n_classes), and their change per voxel.

    Beyond the maps their border goes on.
    """
    last = np.array(maps.shape[:3])[:, None] - 1
    held = np.clip(voxels, 0, last - 1e-6)
    inside = (held == voxels).astype(np.float64)
    corner = held.astype(np.int64)
    part = held - corner
    flat = maps.reshape(-1, maps.shape[3])
    steps = (maps.shape[1] * maps.shape[2], maps.shape[2], 1)
    first = corner[0] * steps[0] + corner[1] * steps[1] + corner[2]
    values = np.zeros((voxels.shape[1], maps.shape[3]))
    slopes = np.zeros((voxels.shape[1], 3, maps.shape[3]))
    for offset in np.ndindex(2, 2, 2):
        found = flat[first + np.dot(offset, steps)]
        along = [part[d] if offset[d] else 1 - part[d] for d in range(3)]
        sign = [1.0 if o else -1.0 for o in offset]
        values += (along[0] * along[1] * along[2])[:, None] * found
        slopes[:, 0] += (sign[0] * along[1] * along[2] * inside[0])[:, None] * found
        slopes[:, 1] += (along[0] * sign[1] * along[2] * inside[1])[:, None] * found
        slopes[:, 2] += (along[0] * along[1] * sign[2] * inside[2])[:, None] * found
    return values, slopes
