"""Head motion: six parameters per volume, what motion does to an image, and how fMRIPrep would list it."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d

from bids_eeg2fmri.records import Floats
from bids_eeg2fmri.simulate.brain import Brain

#: A rotation is measured at the surface of a sphere of this radius, mm (Power 2012,
#: doi:10.1016/j.neuroimage.2011.10.018).
POWER_RADIUS = 50.0


#: Seconds between sudden movements of somebody who lies still.
USUAL_INTERVAL = 120.0


def draw_motion(
    n_volumes: int, *, tr: float, rng: np.random.Generator, interval: float = USUAL_INTERVAL
) -> tuple[Floats, Floats]:
    """Return the head's motion and its jerks.

    A slow drift of some tenths of a millimetre, breathing, and sudden movements, one in ``interval`` s.

    Returns
    -------
    motion : array, shape (n_volumes, 6)
        Translations x, y, z (mm) and rotations about x, y, z (rad).
    jerks : array, shape (n_jerks,)
        When the head moved suddenly, s after the first volume.
    """
    times = np.arange(n_volumes) * tr
    size = np.array([0.1, 0.15, 0.25, 0.003, 0.0015, 0.0015])
    walk = np.cumsum(rng.standard_normal((n_volumes, 6)), axis=0) * np.sqrt(tr / 300)
    motion = gaussian_filter1d(walk, 10 / tr, axis=0, mode="nearest") * size * 1.5
    breath = np.sin(2 * np.pi * rng.uniform(0.2, 0.32) * times + rng.uniform(0, 6))
    motion += np.outer(breath, [0.01, 0.03, 0.06, 0.0006, 0, 0])
    jerks = np.sort(rng.uniform(0, times[-1], rng.poisson(times[-1] / interval)))
    for jerk in jerks:
        since = np.clip(times - jerk, 0, None)
        course = np.where(times >= jerk, 0.4 + 0.6 * np.exp(-since / 4), 0)
        motion += np.outer(course, rng.standard_normal(6) * size * rng.uniform(0.5, 1.5))
    motion += rng.standard_normal(motion.shape) * size * 0.02  # what the estimate is uncertain by
    motion -= motion[0]
    return motion, jerks


def motion_effect(image: Floats, motion: Floats, *, brain: Brain) -> Floats:
    """Return what motion adds to an image, to first order: minus its gradient times the displacement.

    Parameters
    ----------
    image : array, shape (n_x, n_y, n_z)
    motion : array, shape (n_volumes, 6)

    Returns
    -------
    effect : array, shape (n_volumes, n_x, n_y, n_z)
        In the units of the image.
    """
    steps = np.diag(brain.affine)[:3]
    gradient = np.stack(list(np.gradient(image, *steps)), axis=-1)
    # Six maps, one per parameter: rotations displace by omega x place.
    x_y_z = brain.places
    rotations = [np.cross(axis, x_y_z) for axis in np.eye(3)]
    maps = [gradient[..., k] for k in range(3)] + [np.sum(gradient * r, axis=-1) for r in rotations]
    effect: Floats = np.tensordot(-motion, np.stack(maps), axes=1)
    return effect


def framewise_displacement(motion: Floats) -> Floats:
    """Return the framewise displacement of Power (2012), shape (n_volumes,), mm; the first is NaN."""
    change = np.abs(np.diff(motion, axis=0)) * [1, 1, 1, POWER_RADIUS, POWER_RADIUS, POWER_RADIUS]
    return np.concatenate([[np.nan], change.sum(axis=1)])


def cosine_drifts(n_volumes: int, *, tr: float, cutoff: float = 128.0) -> Floats:
    """Return the discrete cosines slower than ``cutoff`` s, shape (n_volumes, n_cosines), unit length."""
    n_cosines = int(2 * n_volumes * tr / cutoff)
    phase = np.pi * (np.arange(n_volumes) + 0.5) / n_volumes
    cosines: Floats = np.cos(np.outer(phase, np.arange(1, n_cosines + 1))) * np.sqrt(2 / n_volumes)
    return cosines
