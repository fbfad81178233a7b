"""How the rhythms of one source change over time, and what of it BOLD follows.

In all of them a rhythm is narrow-band noise whose power wanders by itself, partly together with that of the
others, and which responds to imagery (Pfurtscheller & Lopes da Silva 1999,
doi:10.1016/S1388-2457(99)00141-8). They differ in what BOLD knows of it:

power
    The power of each rhythm (its reduction raises BOLD).
log-power
    The logarithm of that power; the EEG is the same.
spectral-shift
    The root mean square frequency of the source's spectrum (Kilner 2005,
    doi:10.1016/j.neuroimage.2005.06.008; Rosa 2010, doi:10.1016/j.neuroimage.2009.09.011). Rhythms become
    faster and the balance between them changes, while the total power wanders by itself and tells nothing.
bursts
    How much of the time a burst lasts (Little 2019, doi:10.1371/journal.pbio.3000479). The sizes of bursts
    have a heavy tail and wander by themselves, and so does the rhythm between bursts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from bids_eeg2fmri.records import Floats
from bids_eeg2fmri.simulate.design import BLOCK, SFREQ, TICK
from bids_eeg2fmri.simulate.rhythms import (
    BURST_SD,
    SLOW_SD,
    Rhythm,
    log_power,
    narrow_band_noise,
    wander,
)

#: Correlation of the slow fluctuations of any two rhythms (arousal), and of two of the same source.
SHARED_BY_ALL, SHARED_BY_SOURCE = 0.1, 0.35
#: The logarithm is taken of power over this time, s: that of a tick would mostly say how the noise fell.
LOG_WINDOW = 1.0
#: When a source is one standard deviation faster: the logit of the share of its faster rhythm, the relative
#: change of all frequencies.
BALANCE_SD, PACE_SD = 0.8, 0.06
#: How much faster imagery makes it per fraction of power that it takes away elsewhere, standard deviations.
PACE_RESPONSE = 2.0
#: BOLD per relative change of the root mean square frequency, such that it varies as with the other dynamics.
DRIVE_PER_SHIFT = 3.5
#: Bursts per second at rest, their mean duration (s), the share of power between bursts, and the standard
#: deviations of the log of their size: from burst to burst, and slowly.
BURST_RATE, BURST_DURATION, BETWEEN, SIZE_SD, SIZE_WANDER_SD = 0.6, 0.45, 0.2, 0.6, 0.4

Analytic = NDArray[np.complex128]
Dynamics = Literal["power", "log-power", "spectral-shift", "bursts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fluctuations:
    """What the rhythms of a source share.

    Attributes
    ----------
    arousal, own : array, shape (1, n_ticks)
        Slow fluctuations of unit variance: of all sources, and of this one.
    response : array, shape (n_ticks,)
        How far imagery is on.
    """

    arousal: Floats
    own: Floats
    response: Floats

    def slow(self, rng: np.random.Generator) -> Floats:
        """Return the slow fluctuation of one rhythm, shape (n_ticks,), unit variance."""
        parts = np.concatenate([self.arousal, self.own, wander(rng, self.own.shape)])
        shares = np.sqrt([SHARED_BY_ALL, SHARED_BY_SOURCE - SHARED_BY_ALL, 1 - SHARED_BY_SOURCE])
        slow: Floats = shares @ parts
        return slow


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What one source did: as ``SourceActivity``, the moment of shape (n_times,)."""

    moment: Floats
    power: Floats
    drive: Floats


def follow_power(
    rhythms: Sequence[Rhythm], fluctuations: Fluctuations, n_times: int, rng: np.random.Generator
) -> Course:
    """Simulate a source whose power BOLD follows."""
    waves, power = [], []
    for rhythm in rhythms:
        slow = fluctuations.slow(rng)
        gain = log_power(slow, rhythm.desynchronisation * fluctuations.response, rng=rng)
        wave, own_power = _modulate(rhythm, gain, n_times, rng)
        waves.append(wave)
        power.append(own_power)
    stacked = np.stack(power)
    return Course(moment=np.sum(waves, axis=0), power=stacked, drive=1 - stacked)


def follow_log_power(
    rhythms: Sequence[Rhythm], fluctuations: Fluctuations, n_times: int, rng: np.random.Generator
) -> Course:
    """Simulate a source the logarithm of whose power BOLD follows."""
    course = follow_power(rhythms, fluctuations, n_times, rng)
    n_ticks = round(LOG_WINDOW / TICK)
    # The power of the past only; before the first tick it is what is expected.
    smooth = lfilter(np.ones(n_ticks) / n_ticks, [1], course.power - 1, axis=1) + 1
    expected = -(SLOW_SD**2 + BURST_SD**2) / 2
    return Course(moment=course.moment, power=course.power, drive=expected - np.log(smooth))


def follow_frequency(
    rhythms: Sequence[Rhythm], fluctuations: Fluctuations, n_times: int, rng: np.random.Generator
) -> Course:
    """Simulate a source whose root mean square frequency BOLD follows; every rhythm has the same drive."""
    nothing_lost = np.zeros_like(fluctuations.response)
    alone = wander(rng, fluctuations.own.shape)
    shares = np.sqrt([SHARED_BY_ALL, 1 - SHARED_BY_ALL])
    total = log_power(shares @ np.concatenate([fluctuations.arousal, alone]), nothing_lost, rng=rng)
    desynchronisation = float(np.mean([rhythm.desynchronisation for rhythm in rhythms]))
    pace = fluctuations.own[0] + PACE_RESPONSE * desynchronisation * fluctuations.response

    power_at_rest = np.array([rhythm.moment**2 for rhythm in rhythms])
    at_rest = power_at_rest / power_at_rest.sum()
    frequencies = np.array([rhythm.frequency for rhythm in rhythms])
    # The faster the rhythm the more it gains: 0 for the slowest, 1 for the fastest.
    rank = (frequencies - frequencies.min()) / max(np.ptp(frequencies), 1e-9)
    weights = at_rest[:, None] * np.exp(BALANCE_SD * np.outer(rank, pace))
    share = weights / weights.sum(axis=0)
    faster = 1 + PACE_SD * pace
    waves, power = [], []
    for k, rhythm in enumerate(rhythms):
        gain = total + np.log(share[k] / at_rest[k])
        wave, own_power = _modulate(rhythm, gain, n_times, rng, shift=rhythm.frequency * (faster - 1))
        waves.append(wave)
        power.append(own_power)
    mean_square = (share * np.outer(frequencies, faster) ** 2).sum(axis=0)
    drive = DRIVE_PER_SHIFT * (np.sqrt(mean_square / (at_rest @ frequencies**2)) - 1)
    return Course(
        moment=np.sum(waves, axis=0), power=np.stack(power), drive=np.tile(drive, (len(rhythms), 1))
    )


def follow_bursts(
    rhythms: Sequence[Rhythm], fluctuations: Fluctuations, n_times: int, rng: np.random.Generator
) -> Course:
    """Simulate a source of whose bursts BOLD follows the presence."""
    waves, power, drive = [], [], []
    n_ticks = len(fluctuations.response)
    expected = BURST_RATE * BURST_DURATION  # of the time, where bursts do not meet
    for rhythm in rhythms:
        lost = np.clip(rhythm.desynchronisation * fluctuations.response, None, 0.9)
        rate = BURST_RATE * np.exp(SLOW_SD * fluctuations.slow(rng) - SLOW_SD**2 / 2) * (1 - lost)
        size = np.exp(SIZE_WANDER_SD * wander(rng, (1, n_ticks))[0] - SIZE_WANDER_SD**2 / 2)
        between = np.exp(SLOW_SD * wander(rng, (1, n_ticks))[0] - SLOW_SD**2 / 2)
        present, sizes = _bursts(rate, rng)
        noise = _analytic(rhythm, n_times, rng) * _at_samples(np.sqrt(BETWEEN * between), n_times)
        # Within a burst the amplitude does not fluctuate as that of noise.
        carrier = _analytic(rhythm, n_times, rng)
        carrier *= np.sqrt(2) / np.abs(carrier)
        bursts = carrier * _at_samples(np.sqrt((1 - BETWEEN) / expected * size * sizes), n_times)
        waves.append(rhythm.moment * (noise + bursts).real)
        power.append(_tick_power(noise + bursts))
        drive.append(1 - present / expected)
    return Course(moment=np.sum(waves, axis=0), power=np.stack(power), drive=np.stack(drive))


def _bursts(rate: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return whether there is a burst, and how large it is (mean 1), at every tick; shape (n_ticks,)."""
    begins = np.flatnonzero(rng.random(len(rate)) < rate * TICK)
    lasts = 1 + rng.poisson(BURST_DURATION / TICK - 1, len(begins))  # ticks
    heights = np.exp(SIZE_SD * rng.standard_normal(len(begins)) - SIZE_SD**2 / 2)
    present, size = np.zeros(len(rate)), np.zeros(len(rate))
    for begin, last, height in zip(begins, lasts, heights, strict=True):
        present[begin : begin + last] = 1.0
        size[begin : begin + last] = np.maximum(size[begin : begin + last], height)
    return present, size


def _modulate(
    rhythm: Rhythm, gain: Floats, n_times: int, rng: np.random.Generator, *, shift: Floats | None = None
) -> tuple[Floats, Floats]:
    """Return a rhythm's wave (n_times,), nA m, and its power (n_ticks,) over that expected at rest.

    Parameters
    ----------
    gain : array, shape (n_ticks,)
        Natural logarithm of power.
    shift : array, shape (n_ticks,), optional
        What is added to its frequency, Hz.
    """
    wave = _analytic(rhythm, n_times, rng)
    wave *= np.exp(_at_samples(gain, n_times) / 2)
    if shift is not None:
        wave *= np.exp(2j * np.pi * np.cumsum(_at_samples(shift, n_times)) / SFREQ)
    return rhythm.moment * wave.real, _tick_power(wave)


def _analytic(rhythm: Rhythm, n_times: int, rng: np.random.Generator) -> Analytic:
    return narrow_band_noise(rng, n_times, frequency=rhythm.frequency, bandwidth=rhythm.bandwidth)


def _at_samples(values: Floats, n_times: int) -> Floats:
    """Return what is known at the middles of ticks, (n_ticks,), at every sample."""
    ticks = np.arange(len(values)) * BLOCK + BLOCK / 2
    return np.interp(np.arange(n_times), ticks, values)


def _tick_power(wave: Analytic) -> Floats:
    """Return power at every tick: half of an analytic wave's squared magnitude is that of its real part."""
    power: Floats = np.mean(np.abs(wave.reshape(-1, BLOCK)) ** 2, axis=1) / 2
    return power


Simulate = Callable[[Sequence[Rhythm], Fluctuations, int, np.random.Generator], Course]

DYNAMICS: Mapping[str, Simulate] = {
    "power": follow_power,
    "log-power": follow_log_power,
    "spectral-shift": follow_frequency,
    "bursts": follow_bursts,
}
