"""Sources of the EEG: where they sit, their rhythms, and how the power of each changes over time.

Each rhythm is narrow-band noise whose log power wanders by itself (slowly, and in bursts), partly together
with that of the others, and which loses power during imagery (Pfurtscheller & Lopes da Silva 1999,
doi:10.1016/S1388-2457(99)00141-8). Only the motor sources are followed by a region; the others are
distractors that the electrodes see just as well.
"""

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
#: Correlation of the slow fluctuations of any two rhythms (arousal), and of two of the same source.
SHARED_BY_ALL, SHARED_BY_SOURCE = 0.1, 0.35


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A current dipole in the cortex: its place (MNI, mm) and its rhythms."""

    name: str
    place: tuple[float, float, float]
    motor: bool
    rhythms: tuple[Rhythm, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceActivity:
    """What the sources did in one run.

    Attributes
    ----------
    moments : array, shape (n_sources, n_times)
        Dipole moments at ``SFREQ``, nA m.
    power : array, shape (n_rhythms, n_ticks)
        Power of each rhythm, all of the first source first, over its expected power at rest.
    """

    moments: Floats
    power: Floats


def _mu_and_beta(moment: float, desynchronisation: float) -> tuple[Rhythm, ...]:
    mu = Rhythm(frequency=10.5, bandwidth=1.0, moment=moment, desynchronisation=desynchronisation)
    beta = Rhythm(
        frequency=20.0, bandwidth=2.5, moment=0.5 * moment, desynchronisation=0.8 * desynchronisation
    )
    return mu, beta


def _single(frequency: float, moment: float, desynchronisation: float = 0.0) -> tuple[Rhythm, ...]:
    bandwidth = 0.1 * frequency
    return (
        Rhythm(frequency=frequency, bandwidth=bandwidth, moment=moment, desynchronisation=desynchronisation),
    )


#: The average person. Places as in the motor region set, moved to the crown of the gyrus; moments such that
#: the scalp shows some 3 to 10 microvolts of each rhythm, occipital alpha 15.
TEMPLATE: tuple[Source, ...] = (
    Source(name="hand_L", place=(-38, -25, 58), motor=True, rhythms=_mu_and_beta(55, 0.45)),
    Source(name="hand_R", place=(38, -25, 58), motor=True, rhythms=_mu_and_beta(55, 0.45)),
    Source(name="SMA", place=(0, -6, 64), motor=True, rhythms=_mu_and_beta(42, 0.40)),
    Source(name="PMd_L", place=(-30, -2, 62), motor=True, rhythms=_mu_and_beta(42, 0.40)),
    Source(name="PMd_R", place=(30, -2, 62), motor=True, rhythms=_mu_and_beta(42, 0.40)),
    Source(name="PMv_L", place=(-52, 5, 26), motor=True, rhythms=_mu_and_beta(42, 0.40)),
    Source(name="PMv_R", place=(52, 5, 26), motor=True, rhythms=_mu_and_beta(42, 0.40)),
    Source(name="occipital_L", place=(-22, -90, 10), motor=False, rhythms=_single(10.0, 75, 0.1)),
    Source(name="occipital_R", place=(22, -90, 10), motor=False, rhythms=_single(10.2, 75, 0.1)),
    Source(name="parietal", place=(4, -66, 52), motor=False, rhythms=_single(9.6, 45)),
    Source(name="temporal_L", place=(-60, -30, 0), motor=False, rhythms=_single(8.5, 35)),
    Source(name="temporal_R", place=(60, -30, 0), motor=False, rhythms=_single(8.5, 35)),
    Source(name="frontal_midline", place=(0, 36, 44), motor=False, rhythms=_single(6.0, 40, -0.15)),
    Source(name="frontal_L", place=(-36, 42, 24), motor=False, rhythms=_single(18.0, 22)),
    Source(name="frontal_R", place=(36, 42, 24), motor=False, rhythms=_single(18.0, 22)),
)


def draw_sources(rng: np.random.Generator) -> tuple[Source, ...]:
    """Return one person's sources: places vary by 4 mm, frequencies 5 %, moments 20 %, responses 25 %."""
    return tuple(
        Source(
            name=source.name,
            place=tuple(np.asarray(source.place) + rng.normal(0, 4, 3)),
            motor=source.motor,
            rhythms=tuple(_vary(rhythm, rng) for rhythm in source.rhythms),
        )
        for source in TEMPLATE
    )


def _vary(rhythm: Rhythm, rng: np.random.Generator) -> Rhythm:
    frequency, moment, response = 1 + rng.standard_normal(3).clip(-2, 2) * [0.05, 0.2, 0.25]
    return Rhythm(
        frequency=rhythm.frequency * frequency,
        bandwidth=rhythm.bandwidth,
        moment=rhythm.moment * moment,
        desynchronisation=rhythm.desynchronisation * response,
    )


def simulate_sources(
    sources: Sequence[Source],
    *,
    n_times: int,
    imagery: Sequence[TaskEvent],
    first_volume: float,
    rng: np.random.Generator,
) -> SourceActivity:
    """Simulate the moments and the power of all rhythms of one run.

    Parameters
    ----------
    imagery : sequence of TaskEvent
        The imagery blocks, onsets after the first volume; empty for sources that do not respond.
    first_volume : float
        Seconds from the first simulated sample to the first volume.
    """
    arousal = wander(rng, (1, n_times // BLOCK))
    moments = np.empty((len(sources), n_times))
    power = []
    for row, source in enumerate(sources):
        own = wander(rng, (1, n_times // BLOCK))
        response = imagery_response(imagery, n_times // BLOCK, first_volume=first_volume, rng=rng)
        waves = []
        for rhythm in source.rhythms:
            parts = np.concatenate([arousal, own, wander(rng, (1, n_times // BLOCK))])
            shares = np.sqrt([SHARED_BY_ALL, SHARED_BY_SOURCE - SHARED_BY_ALL, 1 - SHARED_BY_SOURCE])
            gain = log_power(shares @ parts, rhythm.desynchronisation * response, rng=rng)
            wave = narrow_band_noise(rng, n_times, frequency=rhythm.frequency, bandwidth=rhythm.bandwidth)
            wave *= np.exp(np.interp(np.arange(n_times), np.arange(len(gain)) * BLOCK + BLOCK / 2, gain) / 2)
            waves.append(rhythm.moment * wave.real)
            # The wave is analytic: half its squared magnitude is the power of its real part, 1 at rest.
            power.append(np.mean(np.abs(wave.reshape(-1, BLOCK)) ** 2, axis=1) / 2)
        moments[row] = np.sum(waves, axis=0)
    return SourceActivity(moments=moments, power=np.stack(power))


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
