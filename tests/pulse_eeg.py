"""EEG with a pulse artefact whose truth is known: the sum of brain, artefact and, apart, the ECG."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import butter, sosfiltfilt

from bids_eeg2fmri.simulate.head import make_cap

Floats = np.ndarray


@dataclass(frozen=True)
class PulseEeg:
    """Microvolts at ``sfreq``: ``brain`` and ``artefact`` (n_channels, n_times), ``ecg`` (n_times,)."""

    brain: Floats
    artefact: Floats
    ecg: Floats
    beats: Floats
    names: tuple[str, ...]
    positions: Floats
    sfreq: float


def make_pulse_eeg(
    seed: int = 0,
    *,
    duration: float = 300.0,
    sfreq: float = 250.0,
    n_channels: int = 32,
    size: float = 40.0,
    rate: float = 65.0,
    delay: float = 0.2,
) -> PulseEeg:
    """Make EEG of 1/f noise with alpha over the back and mu over the hands, and a pulse artefact.

    The artefact is a sum of four movements, each with a pattern over the scalp, a damped swing and a size
    of its own at each beat; sizes drift slowly, swings come somewhat earlier at a faster beat.

    ``size`` is the root mean square of the artefact's largest movement at its peak, microvolts; ``rate`` in
    beats per minute; ``delay`` from the R peak to the onset of the swings, s.
    """
    rng = np.random.default_rng(seed)
    cap = make_cap(n_channels)
    n_times = int(duration * sfreq)
    beats = draw_beats(duration, rate, rng)
    brain = _background(cap.positions, n_times, rng)
    brain += _rhythm(cap.positions, np.array([0, -0.1, 0.03]), 10.2, n_times, sfreq, rng)
    for side in (-1, 1):
        hand = np.array([side * 0.06, 0.0, 0.08])
        brain += 0.6 * _rhythm(cap.positions, hand, 11.0 + 0.4 * side, n_times, sfreq, rng)
    artefact = _artefact(cap.positions, beats, size, delay, n_times, sfreq, rng)
    return PulseEeg(
        brain=brain,
        artefact=artefact,
        ecg=make_ecg(beats, n_times, sfreq, rng),
        beats=beats,
        names=cap.names,
        positions=cap.positions,
        sfreq=sfreq,
    )


def draw_beats(duration: float, rate: float, rng: np.random.Generator) -> Floats:
    """R peaks, s: respiratory arrhythmia, slow wandering of the rate, a little noise."""
    times = [float(rng.uniform(0.2, 0.8))]
    wander = np.cumsum(rng.normal(0, 0.006, 5000))
    wander -= np.linspace(0, wander[-1], 5000)
    while times[-1] < duration:
        breath = 0.04 * np.sin(2 * np.pi * 0.25 * times[-1])
        slow = np.clip(wander[min(len(times), 4999)], -0.12, 0.12)
        times.append(times[-1] + 60 / rate * (1 + breath + slow + 0.015 * rng.standard_normal()))
    return np.array(times[:-1])


def make_ecg(beats: Floats, n_times: int, sfreq: float, rng: np.random.Generator) -> Floats:
    """QRS of 1 mV, a T wave as high as the magnetic field makes it, baseline wander, noise."""
    ecg = rng.normal(0, 15, n_times)
    t = np.arange(n_times) / sfreq
    ecg += 150 * np.sin(2 * np.pi * 0.25 * t + 1)
    for beat in beats:
        lag = t - beat
        near = np.abs(lag) < 0.6
        lag = lag[near]
        qrs = 1000 * np.exp(-((lag / 0.012) ** 2)) - 300 * np.exp(-(((lag - 0.03) / 0.012) ** 2))
        ecg[near] += qrs + 600 * np.exp(-(((lag - 0.27) / 0.05) ** 2))
    return ecg


def _background(positions: Floats, n_times: int, rng: np.random.Generator) -> Floats:
    """1/f activity of 8 microvolts that neighbours share, and sensor noise."""
    spectrum = rng.standard_normal((60, n_times // 2 + 1)) + 1j * rng.standard_normal((60, n_times // 2 + 1))
    spectrum /= np.maximum(np.arange(n_times // 2 + 1) / (n_times / 250), 1) ** 0.6
    sources = np.fft.irfft(spectrum, n_times, axis=1)
    places = rng.standard_normal((60, 3))
    places[:, 2] = np.abs(places[:, 2])
    places *= 0.075 / np.linalg.norm(places, axis=1, keepdims=True)
    distance = np.linalg.norm(positions[:, None] - places, axis=2)
    mixed = (np.exp(-0.5 * (distance / 0.04) ** 2) * rng.standard_normal(60)) @ sources
    return 8 * mixed / mixed.std() + rng.normal(0, 1, mixed.shape)


def _rhythm(
    positions: Floats, place: Floats, frequency: float, n_times: int, sfreq: float, rng: np.random.Generator
) -> Floats:
    """A rhythm that waxes and wanes around a place on the scalp, some 8 microvolts there."""
    band = butter(2, (frequency - 1, frequency + 1), "bandpass", fs=sfreq, output="sos")
    wave = sosfiltfilt(band, rng.standard_normal(n_times))
    pattern = np.exp(-0.5 * (np.linalg.norm(positions - place, axis=1) / 0.05) ** 2)
    return np.outer(pattern, 8 * wave / wave.std())


def _artefact(
    positions: Floats,
    beats: Floats,
    size: float,
    delay: float,
    n_times: int,
    sfreq: float,
    rng: np.random.Generator,
) -> Floats:
    """Four movements (two rotations in the field, two local), each with its own swing and sizes."""
    total = np.zeros((len(positions), n_times))
    intervals = np.diff(beats, append=beats[-1] + np.median(np.diff(beats)))
    previous = np.concatenate([[np.median(intervals)], intervals[:-1]])
    for k in range(4):
        axis = rng.standard_normal(3)
        pattern = positions @ (axis / np.linalg.norm(axis)) / 0.1
        if k >= 2:
            pattern = pattern * np.exp(-0.5 * (np.linalg.norm(positions - 0.1 * axis, axis=1) / 0.06) ** 2)
        pattern /= np.sqrt(np.mean(pattern**2))
        frequency, decay, lag = rng.uniform(2.5, 7), rng.uniform(0.1, 0.18), rng.uniform(0, 0.12)
        drift = np.cumsum(rng.normal(0, 0.03, len(beats)))
        sizes = (
            (1, 0.7, 0.4, 0.25)[k] * size * (1 + 0.2 * rng.standard_normal(len(beats)) + drift - drift.mean())
        )
        wave = np.zeros(n_times)
        jitter = rng.normal(0, 0.008, len(beats)) + 0.15 * (previous - np.median(previous))
        for onset, amplitude in zip(beats + delay + lag - 0.05 + jitter, sizes, strict=True):
            first = max(int(np.ceil(onset * sfreq)), 0)
            t = np.arange(first, min(first + int(0.9 * sfreq), n_times)) / sfreq - onset
            rise = 1 - np.exp(-((t / 0.04) ** 2))
            wave[first : first + len(t)] += (
                amplitude * rise * np.sin(2 * np.pi * frequency * t) * np.exp(-t / decay)
            )
        total += np.outer(pattern, wave)
    return total
