"""Haemodynamic responses and the causal convolution of EEG features with them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from bids_eeg2fmri.records import Floats

#: What :func:`hrf_basis` can build, in the order of its rows.
BASIS_NAMES = ("canonical", "derivative", "dispersion")


def double_gamma(times: Floats, *, peak: float = 6.0, dispersion: float = 1.0) -> Floats:
    """Return the double-gamma haemodynamic response.

    The shapes are those of SPM: a gamma density of delay 6 s minus a sixth of one of delay 16 s (Friston et
    al. 1998, doi 10.1006/nimg.1997.0306).

    Parameters
    ----------
    times : array, shape (n_times,)
        Seconds after the neural event.
    peak : float
        Delay of the response, s.
    dispersion : float
        Width of the response, s.

    Returns
    -------
    response : array, shape (n_times,)
        Of area near 5/6 over all time; 0 before the event.
    """
    return _gamma_density(times, peak / dispersion, dispersion) - _gamma_density(times, 16.0, 1.0) / 6.0


def hrf_basis(step: float, *, names: tuple[str, ...] = BASIS_NAMES, duration: float = 32.0) -> Floats:
    """Return causal haemodynamic filters: the canonical response and how it changes with delay and width.

    Parameters
    ----------
    step : float
        Seconds from tap to tap.
    names : tuple of str
        A selection of ``BASIS_NAMES``.
    duration : float
        Length of the filters, s.

    Returns
    -------
    basis : array, shape (n_names, n_taps)
        First tap: the present. The canonical response sums to 1, so that a feature convolved with it keeps
        its unit; the others are scaled to the same Euclidean norm.
    """
    times = np.arange(0.0, duration, step)
    canonical = double_gamma(times)
    rows = {
        "canonical": canonical,
        # Backward differences as in SPM: one second later, and 1 % wider.
        "derivative": canonical - double_gamma(times - 1.0),
        "dispersion": (canonical - double_gamma(times, dispersion=1.01)) / 0.01,
    }
    canonical = canonical / canonical.sum()
    norm = np.linalg.norm(canonical)
    rows = {name: row * norm / np.linalg.norm(row) for name, row in rows.items()} | {"canonical": canonical}
    return np.stack([rows[name] for name in names])


def delay_basis(step: float, *, duration: float, spacing: float) -> Floats:
    """Return causal filters that each average over one stretch of the past, one after the other.

    Parameters
    ----------
    step : float
        Seconds from tap to tap.
    duration : float
        How far back they reach together, s.
    spacing : float
        Length of each, s (rounded to whole taps).

    Returns
    -------
    basis : array, shape (n_delays, n_taps)
        First tap: the present; each filter sums to 1.
    """
    n_taps = max(1, round(spacing / step))
    n_delays = max(1, round(duration / spacing))
    return np.repeat(np.eye(n_delays), n_taps, axis=1) / n_taps


def convolve_at(features: Floats, frames: NDArray[np.int64], basis: Floats, *, prior_frames: int) -> Floats:
    """Convolve features causally with every filter of a basis, and read the result at some frames.

    What lies before the recording is taken to be the mean of what has been seen *up to the frame that is
    read*, drawn towards 0 by ``prior_frames`` imagined frames of 0 (features are centred on the training
    mean). So a run that begins with another level than the training runs' has no transient at its start, a
    run that begins with a wild frame does not fill its past with it, and nothing of the future is used.

    Parameters
    ----------
    features : array, shape (n_frames, n_features)
    frames : array of int64, shape (n_volumes,)
        The frame at which each volume is read; negative: nothing has been seen yet, and the result is 0.
    basis : array, shape (n_basis, n_taps)
        First tap: the present.
    prior_frames : int
        Weight of the training mean in the past that was not recorded.

    Returns
    -------
    convolved : array, shape (n_volumes, n_basis, n_features)
    """
    n_frames, n_taps = len(features), basis.shape[1]
    if n_frames == 0:
        return np.zeros((len(frames), len(basis), features.shape[1]))
    seen = frames >= 0
    # One row per volume, one column per frame: the tap that the frame meets (n_taps: none).
    lags = frames[:, None] - np.arange(n_frames)
    lags = np.where((lags >= 0) & (lags < n_taps) & seen[:, None], lags, n_taps)
    padded = np.pad(basis, ((0, 0), (0, 1)))
    convolved = padded[:, lags] @ features  # (n_basis, n_volumes, n_features)

    running = np.cumsum(features, axis=0) / (np.arange(1, n_frames + 1) + prior_frames)[:, None]
    beyond = np.cumsum(padded[:, ::-1], axis=1)[:, ::-1]  # beyond[:, k]: sum of the taps from k on
    tails = beyond[:, np.clip(frames + 1, 0, n_taps)] * seen
    convolved += tails[:, :, None] * running[np.clip(frames, 0, n_frames - 1)]
    return np.ascontiguousarray(convolved.transpose(1, 0, 2))


def _gamma_density(times: Floats, shape: float, scale: float) -> Floats:
    """Return the density of a gamma distribution, 0 where ``times`` is not positive."""
    positive = np.maximum(times, 1e-12) / scale
    density = np.exp((shape - 1.0) * np.log(positive) - positive - gammaln(shape)) / scale
    return np.where(times > 0, density, 0.0)
