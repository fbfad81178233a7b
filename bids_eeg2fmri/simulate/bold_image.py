"""BOLD images of one run: the raw ones, and the same after what fMRIPrep does to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.signal import lfilter

from bids_eeg2fmri.records import Floats
from bids_eeg2fmri.simulate.brain import Brain
from bids_eeg2fmri.simulate.motion import cosine_drifts, motion_effect

#: Standard deviations of the noise, percent of the mean image: noise smooth in space and autocorrelated over
#: 10 s and 2 s (for the form see Purdon & Weisskoff 1998, "Effect of temporal autocorrelation due to
#: physiological noise...", Human Brain Mapping 6:239); what breath and heart do to all voxels; drift; heat.
SLOW_NOISE, SLOW_TAU = 0.28, 10.0
FAST_NOISE, FAST_TAU = 0.28, 2.0
GLOBAL_NOISE = 0.18
DRIFT = 0.8
THERMAL_NOISE = 1.0
#: Spatial standard deviation of the smooth noise, voxels.
SMOOTHNESS = 1.2
#: How much of the effect of motion is left after realignment.
RESIDUAL_MOTION = 0.15
#: Noise outside the head, in the units of the image.
AIR = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BoldRun:
    """The images of one run.

    Attributes
    ----------
    raw : array of int16, shape (n_x, n_y, n_z, n_volumes)
    preprocessed : array of float32, shape (n_x, n_y, n_z, n_volumes)
        Motion corrected, every slice at the middle of the volume, 0 outside the mask.
    noiseless : array, shape (n_volumes, n_regions)
        Mean percent signal change over each region's sphere, without any noise, at the middle of the volume.
    affine : array, shape (4, 4)
        Voxels of the raw images to mm.
    """

    raw: NDArray[np.int16]
    preprocessed: NDArray[np.float32]
    noiseless: Floats
    affine: Floats


def slice_times(n_slices: int, tr: float) -> Floats:
    """Return when each slice is taken, shape (n_slices,), s after the volume's onset: odd ones first."""
    order = np.concatenate([np.arange(0, n_slices, 2), np.arange(1, n_slices, 2)])
    times = np.empty(n_slices)
    times[order] = np.arange(n_slices) * tr / n_slices
    return times


def scan(
    signals: Floats,
    tick_times: Floats,
    motion: Floats,
    *,
    brain: Brain,
    tr: float,
    rng: np.random.Generator,
    noise_level: float = 1.0,
) -> BoldRun:
    """Make the images of one run.

    Parameters
    ----------
    signals : array, shape (n_ticks, n_regions)
        BOLD of the regions, percent signal change.
    tick_times : array, shape (n_ticks,)
        Seconds after the first volume.
    motion : array, shape (n_volumes, 6)
        Translations (mm) and rotations (rad).
    noise_level : float
        What all noise is multiplied by.
    """
    n_volumes = len(motion)
    onsets: Floats = np.arange(n_volumes, dtype=float) * tr
    noise = noise_level * make_noise(n_volumes, brain=brain, tr=tr, rng=rng)
    baseline = brain.baseline[brain.mask]

    centred = sample_signals(signals, tick_times, onsets + tr / 2) @ brain.blobs.T
    moved = motion_effect(brain.baseline, motion, brain=brain)
    corrected = baseline * (1 + (centred + noise) / 100) + RESIDUAL_MOTION * moved[:, brain.mask]
    preprocessed = np.zeros((*brain.mask.shape, n_volumes), dtype=np.float32)
    preprocessed[brain.mask] = corrected.T

    as_taken = np.empty_like(centred)
    slices = np.nonzero(brain.mask)[2]
    for k, delay in enumerate(slice_times(brain.mask.shape[2], tr)):
        inside = slices == k
        as_taken[:, inside] = sample_signals(signals, tick_times, onsets + delay) @ brain.blobs[inside].T
    raw = moved + noise_level * AIR * np.abs(rng.standard_normal(moved.shape, dtype=np.float32))
    raw[:, brain.mask] += baseline * (1 + (as_taken + noise) / 100)
    return BoldRun(
        raw=np.round(raw.clip(0, 32767)).astype(np.int16).transpose(1, 2, 3, 0),
        preprocessed=preprocessed,
        noiseless=region_means(centred, brain),
        affine=brain.affine,
    )


def region_means(voxels: Floats, brain: Brain) -> Floats:
    """Return the mean over each region's sphere, shape (n_volumes, n_regions), of (n_volumes, n_voxels)."""
    means: Floats = voxels @ brain.spheres / brain.spheres.sum(axis=0)
    return means


def sample_signals(signals: Floats, tick_times: Floats, at: Floats) -> Floats:
    """Return the signals at other times, shape (n_volumes, n_regions)."""
    return np.stack([np.interp(at, tick_times, column) for column in signals.T], axis=1)


def make_noise(n_volumes: int, *, brain: Brain, tr: float, rng: np.random.Generator) -> Floats:
    """Return all noise but motion's, shape (n_volumes, n_voxels), percent of the mean image."""
    noise = rng.standard_normal((n_volumes, brain.mask.sum())) * THERMAL_NOISE
    for size, tau in ((SLOW_NOISE, SLOW_TAU), (FAST_NOISE, FAST_TAU)):
        noise += size * _smooth_noise(n_volumes, tau / tr, brain=brain, rng=rng)
    breath, heart = _autoregressive(rng.standard_normal((n_volumes, 2)), 5 / tr).T
    tissue = 0.6 + 0.4 * brain.grey[brain.mask]
    noise += GLOBAL_NOISE * (np.outer(breath, tissue) + 1.5 * np.outer(heart, brain.csf[brain.mask]))
    # A line and slow cosines, each with a smooth map of its own.
    drifts = np.column_stack([np.linspace(-1, 1, n_volumes), cosine_drifts(n_volumes, tr=tr)[:, :3] * 6])
    maps = rng.standard_normal((drifts.shape[1], *brain.mask.shape))
    noise += DRIFT * drifts @ _smooth(maps, 3 * SMOOTHNESS)[:, brain.mask]
    made: Floats = noise
    return made


def _smooth_noise(n_volumes: int, memory: float, *, brain: Brain, rng: np.random.Generator) -> Floats:
    """Return autocorrelated smooth noise of unit variance, shape (n_volumes, n_voxels)."""
    white = rng.standard_normal((n_volumes, *brain.mask.shape), dtype=np.float32)
    smooth = _smooth(white, SMOOTHNESS)[:, brain.mask]
    return _autoregressive(smooth, memory)


def _smooth(images: Floats | NDArray[np.float32], width: float) -> Floats:
    """Return images smoothed over space (volumes first), each of unit variance."""
    smooth = gaussian_filter(images, (0, width, width, width), mode="wrap", truncate=3)
    scaled: Floats = smooth / smooth.std()
    return scaled


def _autoregressive(white: Floats, memory: float) -> Floats:
    """Return noise that forgets itself over ``memory`` volumes, as large as the white noise it is made of."""
    keep = np.exp(-1 / memory)
    begun = white.copy()
    begun[0] /= np.sqrt(1 - keep**2)
    filtered: Floats = lfilter([np.sqrt(1 - keep**2)], [1, -keep], begun, axis=0)
    return filtered
