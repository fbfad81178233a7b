"""The noise that rhythms are made of, and how it changes over time: wandering, responses, narrow bands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.fft import ifft, next_fast_len
from scipy.signal import lfilter

from bids_eeg2fmri.records import Floats, TaskEvent
from bids_eeg2fmri.simulate.design import BLOCK, SFREQ

#: Standard deviation of the natural logarithm of power and time constant (s) of its parts. Slow: the
#: fluctuations BOLD can follow; fast: bursts.
SLOW_SD, SLOW_TAU = 0.6, 7.0
BURST_SD, BURST_TAU = 0.5, 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """One rhythm of a source.

    Attributes
    ----------
    frequency, bandwidth : float
        Centre and standard deviation of its spectrum, Hz.
    moment : float
        Root mean square dipole moment at rest, nA m.
    desynchronisation : float
        Fraction of its power that imagery takes away (negative: adds).
    """

    frequency: float
    bandwidth: float
    moment: float
    desynchronisation: float


def wander(rng: np.random.Generator, shape: tuple[int, int], *, tau: float = SLOW_TAU) -> Floats:
    """Return unit-variance noise that forgets itself over ``tau`` s; shape (n, n_ticks)."""
    keep = np.exp(-BLOCK / SFREQ / tau)
    white = rng.standard_normal(shape)
    white[:, 0] /= np.sqrt(1 - keep**2)  # begins in its stationary state
    filtered: Floats = lfilter([np.sqrt(1 - keep**2)], [1, -keep], white, axis=1)
    return filtered


def log_power(slow: Floats, lost: Floats, *, rng: np.random.Generator) -> Floats:
    """Return the natural logarithm of power over its mean at rest, shape (n_ticks,).

    Parameters
    ----------
    slow : array, shape (n_ticks,)
        The slow fluctuation, unit variance.
    lost : array, shape (n_ticks,)
        The fraction of power that the task takes away.
    """
    bursts = wander(rng, (1, len(slow)), tau=BURST_TAU)[0]
    mean = (SLOW_SD**2 + BURST_SD**2) / 2  # of exp(normal), so that the mean power is 1
    fluctuation: Floats = SLOW_SD * slow + BURST_SD * bursts - mean
    return fluctuation + np.log(np.clip(1 - lost, 0.1, None))


def imagery_response(
    imagery: Sequence[TaskEvent], n_ticks: int, *, first_volume: float, rng: np.random.Generator
) -> Floats:
    """Return how far imagery is on, shape (n_ticks,): from 0.5 s after its cue, each block 30 % off 1."""
    times = (np.arange(n_ticks) + 0.5) * BLOCK / SFREQ - first_volume
    response = np.zeros(n_ticks)
    for event in imagery:
        strength = np.clip(rng.normal(1, 0.3), 0, 2)
        begin = np.clip(times - event.onset - 0.5, 0, 1)
        end = np.clip(times - event.onset - event.duration - 0.5, 0, 1)
        response += strength * (begin - end)
    return response


def narrow_band_noise(
    rng: np.random.Generator, n_times: int, *, frequency: float, bandwidth: float
) -> np.ndarray[tuple[int], np.dtype[np.complex128]]:
    """Return analytic noise around a frequency (Hz), its real part of unit variance; shape (n_times,)."""
    n_fast = next_fast_len(n_times)  # a length with large prime factors takes several times as long
    frequencies = np.fft.fftfreq(n_fast, 1 / SFREQ)
    shape = np.where(frequencies > 0, np.exp(-0.5 * ((frequencies - frequency) / bandwidth) ** 2), 0)
    inside = shape > 1e-6
    spectrum = np.zeros(n_fast, dtype=complex)
    real, imaginary = rng.standard_normal((2, inside.sum())) * shape[inside]
    spectrum[inside] = real + 1j * imaginary
    # Each complex number has variance 2 and the inverse transform divides by its length; half of the squared
    # magnitude belongs to the real part.
    scale = n_fast / np.sqrt(np.sum(shape**2))
    noise: np.ndarray[tuple[int], np.dtype[np.complex128]] = ifft(spectrum)[:n_times] * scale
    return noise
