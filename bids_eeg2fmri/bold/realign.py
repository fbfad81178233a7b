"""Rigid realignment: where the head was in each volume, by Gauss-Newton steps on smoothed images.

The least-squares method of Friston 1995 (10.1002/hbm.460030303) with the gradients taken on the reference
(Baker & Matthews 2004, 10.1023/B:VISI.0000011205.11775.fd), so that they are computed once for all volumes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, gaussian_filter, map_coordinates

from bids_eeg2fmri.bold.image import Image
from bids_eeg2fmri.bold.rigid import Matrix, move, rigid_matrix

Volume = NDArray[np.float32]

#: Images are compared as smooth as a Gaussian of this width (full width at half maximum) makes them, mm.
SMOOTHNESS = 5.0
#: More points than this hardly make the estimate better: neighbours of a smoothed image say the same.
_MOST_POINTS = 12_000
#: The image is sampled in a basis of cubic splines, which smooths it: their standard deviation in voxels.
_SPLINE_WIDTH = np.sqrt(1 / 3)
#: Steps smaller than this end the search, mm at ``_RADIUS`` mm from the centre.
_CLOSE_ENOUGH = 0.003
_RADIUS = 50.0
_MOST_STEPS = 30
#: Where so few points are inside the volume, there is nothing to compare.
_FEWEST_POINTS = 200


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reference:
    """What volumes are compared with.

    Attributes
    ----------
    points : array, shape (3, n_points)
        mm.
    model : array, shape (n_points, 10)
        The image at the points, its change per parameter (mm or rad), and the image times each coordinate (in
        ``_RADIUS``): coils stay where they are when the head moves, so that its one side gets brighter.
    centre : array, shape (3,)
        What rotations turn about, mm.
    smoothness : float
        mm.
    """

    points: NDArray[np.float64]
    model: NDArray[np.float64]
    centre: NDArray[np.float64]
    smoothness: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pose:
    """Where the head is: the matrix (4, 4) takes mm of the reference to mm of the volume.

    ``similarity`` is the correlation of volume and reference at the points inside both, ``gain`` how bright
    the volume is beside the reference.
    """

    matrix: Matrix
    similarity: float
    gain: float = 0.0


def make_reference(image: Image, mask: NDArray[np.bool_], *, smoothness: float = SMOOTHNESS) -> Reference:
    """Return the reference of an image, of which the mask (n_x, n_y, n_z) is the brain."""
    volume, affine = image.volume, image.affine
    voxels = np.argwhere(binary_dilation(mask, iterations=1))  # the edge of the brain tells most
    voxels = voxels[:: max(1, len(voxels) // _MOST_POINTS)]
    points = move(affine, voxels.T.astype(np.float64))
    centre = move(affine, np.argwhere(mask).mean(axis=0)[:, None])[:, 0]
    smooth = smooth_volume(volume, affine, smoothness)
    to_voxels: Matrix = np.asarray(np.linalg.inv(affine), dtype=np.float64)
    step = 0.5  # mm
    gradient = np.empty((3, points.shape[1]))
    for k in range(3):
        along = step * np.eye(3)[:, k : k + 1]
        ahead = sample_smoothly(smooth, move(to_voxels, points + along))
        behind = sample_smoothly(smooth, move(to_voxels, points - along))
        gradient[k] = np.subtract(ahead, behind, dtype=np.float64) / (2 * step)
    away = (points - centre[:, None]).T
    shown = sample_smoothly(smooth, move(to_voxels, points)).astype(np.float64)
    model = np.column_stack([shown, gradient.T, np.cross(away, gradient.T), shown[:, None] * away / _RADIUS])
    return Reference(points=points, model=model, centre=centre, smoothness=smoothness)


def smooth_volume(volume: Volume, affine: Matrix, smoothness: float) -> Volume:
    """Return the volume so that, sampled by ``sample_smoothly``, it is as smooth as asked (mm)."""
    sizes = np.linalg.norm(affine[:3, :3], axis=0)
    missing = (smoothness / 2.355 / sizes) ** 2 - _SPLINE_WIDTH**2
    widths = np.sqrt(np.where(missing > 0.25, missing, 0))  # less than half a voxel changes nothing
    if not np.any(widths):
        return volume
    smooth: Volume = gaussian_filter(volume, widths, mode="nearest", truncate=3)
    return smooth


def sample_smoothly(smooth: Volume, voxels: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return a smoothed volume at places (3, n) in voxels, as a sum of cubic splines at its voxels."""
    values: NDArray[np.float32] = map_coordinates(
        smooth, voxels, order=3, mode="nearest", prefilter=False, output=np.float32
    )
    return values


def find_pose(volume: Volume, affine: Matrix, reference: Reference, start: Matrix | None = None) -> Pose:
    """Return where the head of the reference is in a volume.

    Parameters
    ----------
    volume : array, shape (n_x, n_y, n_z)
    affine : array, shape (4, 4)
        Voxel to mm.
    start : array, shape (4, 4), or None
        The pose to begin with, as that of the volume before.
    """
    smooth = smooth_volume(volume, affine, reference.smoothness)
    to_voxels = np.linalg.inv(affine)
    matrix = np.eye(4) if start is None else start
    lost = Pose(matrix=matrix, similarity=0.0)
    values, weights = np.empty(0), np.empty(reference.model.shape[1])
    inside = np.empty(0, dtype=bool)
    for _ in range(_MOST_STEPS):
        voxels = move(to_voxels @ matrix, reference.points)
        inside = are_inside(voxels, smooth.shape)
        if inside.sum() < _FEWEST_POINTS:
            return lost
        values = np.asarray(sample_smoothly(smooth, voxels[:, inside]), dtype=np.float64)
        model = reference.model[inside]
        # The volume is the reference times a gain, moved a little: a linear problem in gain and gain * step.
        weights[:] = np.linalg.lstsq(model.T @ model, model.T @ values, rcond=None)[0]
        if not np.all(np.isfinite(weights)) or weights[0] <= 0:
            return lost
        step = weights[1:7] / weights[0]
        matrix = matrix @ np.linalg.inv(rigid_matrix(step, reference.centre))
        if np.abs(step * [1, 1, 1, _RADIUS, _RADIUS, _RADIUS]).max() < _CLOSE_ENOUGH:
            break
    if values.std() == 0:
        return lost
    similarity = float(np.corrcoef(values, reference.model[inside, 0])[0, 1])
    return Pose(matrix=matrix, similarity=similarity, gain=float(weights[0]))


def are_inside(voxels: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return which places (3, n) lie inside a volume."""
    last = np.array(shape)[:, None] - 1
    inside: NDArray[np.bool_] = np.all((voxels >= 0) & (voxels <= last), axis=0)
    return inside
