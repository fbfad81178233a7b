"""What electrodes in a scanner pick up beside the brain: eyes, muscle, pulse, movement, drifts, noise.

Sizes are those of EEG in the scanner after the correction of the gradient artefact: the pulse artefact is the
remainder after a template was subtracted (Allen 1998, doi:10.1006/nimg.1998.0361).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.signal import butter, fftconvolve, sosfilt

from bids_eeg2fmri.records import Floats
from bids_eeg2fmri.simulate.design import SFREQ
from bids_eeg2fmri.simulate.head import Cap

#: Head coordinates, m.
EYES = np.array([[-0.032, 0.085, -0.01], [0.032, 0.085, -0.01]])
MUSCLES = np.array([[-0.08, 0.03, 0.0], [0.08, 0.03, 0.0], [-0.04, -0.09, -0.02], [0.04, -0.09, -0.02]])


def simulate_artefacts(
    cap: Cap,
    heartbeats: Floats,
    jerks: Floats,
    *,
    n_times: int,
    rng: np.random.Generator,
    with_pulse: bool = True,
) -> Floats:
    """Return the sum of all artefacts at each electrode, shape (n_channels, n_times), microvolts.

    Parameters
    ----------
    heartbeats, jerks : array
        Times of the R peaks and of sudden head movements, s after the first sample.
    with_pulse : bool
        Whether what is left of the pulse artefact is among them; the others are the same without it.
    """
    total = _eyes(cap, n_times, rng)
    total += _muscles(cap, n_times, rng)
    total += _pulse(cap, heartbeats, n_times, rng) * with_pulse
    total += _movements(cap, jerks, n_times, rng)
    total += _drifts(len(cap.names), n_times, rng)
    total += _electronics(len(cap.names), n_times, rng)
    return total


def draw_heartbeats(duration: float, rng: np.random.Generator) -> Floats:
    """Return the times of R peaks over ``duration`` s: 55 to 80 per minute, varying with the breath."""
    interval = 60 / rng.uniform(55, 80)
    breath = rng.uniform(0.2, 0.3)  # Hz
    beats = [float(rng.uniform(0, interval))]
    while beats[-1] < duration:
        variation = 0.04 * np.sin(2 * np.pi * breath * beats[-1]) + 0.02 * rng.standard_normal()
        beats.append(beats[-1] + interval * (1 + variation))
    return np.array(beats[:-1])


def simulate_ecg(heartbeats: Floats, *, n_times: int, rng: np.random.Generator) -> Floats:
    """Return the ECG channel, shape (n_times,), microvolts: QRS of 1 mV, T wave, noise."""
    t = np.arange(-0.2, 0.5, 1 / SFREQ)
    q_r_s = 1000 * np.exp(-((t / 0.012) ** 2)) - 250 * np.exp(-(((t - 0.03) / 0.012) ** 2))
    wave = q_r_s + 250 * np.exp(-(((t - 0.26) / 0.05) ** 2))
    ecg: Floats = _place(heartbeats - 0.2, wave, n_times) + rng.normal(0, 12, n_times)
    return ecg


def _place(times: Floats, wave: Floats, n_times: int, sizes: Floats | None = None) -> Floats:
    """Return a signal that has ``wave`` begin at each time, shape (n_times,)."""
    impulses = np.zeros(n_times)
    samples = np.round(times * SFREQ).astype(int)
    inside = (samples >= 0) & (samples < n_times)
    np.add.at(impulses, samples[inside], 1.0 if sizes is None else sizes[inside])
    placed: Floats = fftconvolve(impulses, wave)[:n_times]
    return placed


def _topography(cap: Cap, at: Floats, falloff: Callable[[Floats], Floats]) -> Floats:
    """Return what each electrode sees of something at ``at`` (m), against the reference."""
    positions = np.vstack([cap.positions, cap.reference])
    seen = falloff(np.linalg.norm(positions - at, axis=1))
    topography: Floats = seen[:-1] - seen[-1]
    return topography


def _poisson(rate: float, n_times: int, rng: np.random.Generator) -> Floats:
    """Return random times at ``rate`` per second."""
    duration = n_times / SFREQ
    return np.sort(rng.uniform(0, duration, rng.poisson(rate * duration)))


def _eyes(cap: Cap, n_times: int, rng: np.random.Generator) -> Floats:
    """Blinks (some 100 microvolts at the forehead, 6 to 18 a minute) and small sideways glances."""

    def falloff(x: Floats) -> Floats:
        return (0.05 / np.maximum(x, 0.03)) ** 2  # 1 at the forehead

    t = np.arange(0, 0.4, 1 / SFREQ)
    blink = np.sin(np.pi * t / 0.4) ** 3
    times = _poisson(rng.uniform(0.1, 0.3), n_times, rng)
    lids = _place(times, blink, n_times, rng.uniform(80, 160, len(times)))
    both = 0.5 * sum(_topography(cap, eye, falloff) for eye in EYES)
    times = _poisson(0.15, n_times, rng)
    steps = _place(times, np.ones(int(0.8 * SFREQ)), n_times, rng.normal(0, 12, len(times)))
    sideways = _topography(cap, EYES[0], falloff) - _topography(cap, EYES[1], falloff)
    eyes: Floats = np.outer(both, lids) + np.outer(sideways, steps)
    return eyes


def _muscles(cap: Cap, n_times: int, rng: np.random.Generator) -> Floats:
    """Bursts of 0.5 to 4 s of activity above 20 Hz over the temples and the neck, two a minute each."""
    band = butter(2, 20, "highpass", fs=SFREQ, output="sos")
    total = np.zeros((len(cap.names), n_times))
    for muscle in MUSCLES:
        tone = np.full(n_times, 0.5)
        for begin in _poisson(2 / 60, n_times, rng):
            stop = begin + rng.uniform(0.5, 4)
            tone[int(begin * SFREQ) : int(stop * SFREQ)] += rng.gamma(2, 5)
        activity = sosfilt(band, rng.standard_normal(n_times)) * tone
        total += np.outer(_topography(cap, muscle, lambda x: np.exp(-0.5 * (x / 0.03) ** 2)), activity)
    return total


def _pulse(cap: Cap, heartbeats: Floats, n_times: int, rng: np.random.Generator) -> Floats:
    """Pulse artefact left over: a damped 4 to 7 Hz swing 0.2 s after the R peak, 6 microvolts."""
    t = np.arange(0, 0.6, 1 / SFREQ)
    total = np.zeros((len(cap.names), n_times))
    for _ in range(2):  # a nod and a roll, each with its own swing
        swing = np.sin(2 * np.pi * rng.uniform(4, 7) * t) * np.exp(-t / 0.15)
        axis = rng.standard_normal(3)
        topography = (cap.positions - cap.reference) @ (axis / np.linalg.norm(axis)) / 0.1
        sizes = rng.normal(6, 2, len(heartbeats))
        total += np.outer(topography, _place(heartbeats + 0.2, swing, n_times, sizes))
    return total


def simulate_pulse(cap: Cap, heartbeats: Floats, *, n_times: int, rng: np.random.Generator) -> Floats:
    """Return the pulse artefact before any correction, shape (n_channels, n_times), microvolts.

    The head nods and rolls with every beat, and the blood that moves in the field is a source by itself: the
    first two have the topography of a rotation, the third that of a place near each ear (Debener 2008,
    10.1016/j.ijpsycho.2007.05.015).
    """
    waves = pulse_waves(heartbeats, n_times=n_times, rng=rng)
    arms = (cap.positions - cap.reference) / 0.1
    axes = rng.standard_normal((3, 2))
    rotations = arms @ (axes / np.linalg.norm(axes, axis=0))
    side = 1 if rng.random() < 0.5 else -1
    blood = _topography(
        cap, np.array([0.06 * side, -0.01, -0.02]), lambda x: (0.06 / np.maximum(x, 0.04)) ** 2
    )
    pulse: Floats = np.column_stack([rotations, blood]) @ waves
    return pulse


def pulse_waves(heartbeats: Floats, *, n_times: int, rng: np.random.Generator) -> Floats:
    """Return the three courses of the pulse artefact, shape (3, n_times), microvolts.

    They begin 0.2 s after the R peak; their sizes vary from beat to beat, with the breath, and between beats
    that follow each other fast and slowly.
    """
    t = np.arange(0, 0.7, 1 / SFREQ)
    interval = np.diff(heartbeats, append=2 * heartbeats[-1:] - heartbeats[-2:-1])
    filling = (interval / np.median(interval)) ** 0.5
    breath = 1 + 0.15 * np.sin(2 * np.pi * rng.uniform(0.2, 0.3) * heartbeats)
    waves = np.zeros((3, n_times))
    for k, size in enumerate((60.0, 40.0, 25.0)):
        swing = np.sin(2 * np.pi * rng.uniform(2.5, 5) * t) * np.exp(-t / 0.18)
        swing += (
            0.3
            * np.sin(2 * np.pi * rng.uniform(8, 12) * t + rng.uniform(0, 6))
            * np.exp(-t / 0.08)
            * (1 - np.exp(-t / 0.02))
        )
        sizes = size * filling * breath * rng.normal(1, 0.1, len(heartbeats))
        waves[k] = _place(heartbeats + 0.2, swing, n_times, sizes)
    return waves


def _movements(cap: Cap, jerks: Floats, n_times: int, rng: np.random.Generator) -> Floats:
    """Slow swings of 60 microvolts at sudden head movements, a pattern of its own each."""
    t = np.arange(0, 1.5, 1 / SFREQ)
    swing = np.sin(2 * np.pi * 1.2 * t) * np.sin(np.pi * t / 1.5)
    total = np.zeros((len(cap.names), n_times))
    for jerk in jerks:
        total += np.outer(60 * rng.standard_normal(len(cap.names)), _place(np.array([jerk]), swing, n_times))
    return total


def _drifts(n_channels: int, n_times: int, rng: np.random.Generator) -> Floats:
    """Slow wandering of the electrode potentials, some 20 microvolts within a minute."""
    knots = np.arange(0, n_times + 2 * SFREQ, SFREQ)
    walk = np.cumsum(rng.normal(0, 2.5, (n_channels, len(knots))), axis=1)
    at = np.arange(n_times)
    return np.stack([np.interp(at, knots, row) for row in walk])


def _electronics(n_channels: int, n_times: int, rng: np.random.Generator) -> Floats:
    """Amplifier noise, mains hum, and sometimes an electrode of bad contact."""
    level = rng.uniform(0.8, 1.6, (n_channels, 1))
    if rng.random() < 0.3:
        level[rng.integers(n_channels)] = 8.0
    hum = rng.gamma(2, 0.4, (n_channels, 1)) * np.sin(2 * np.pi * 50 * np.arange(n_times) / SFREQ)
    electronics: Floats = level * rng.standard_normal((n_channels, n_times)) + hum
    return electronics
