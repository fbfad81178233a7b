"""The EEG beat by beat: windows that share the run among the heartbeats, and what is locked to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.records import Floats

Float32s = NDArray[np.float32]

#: Neighbouring beats hand over to each other within this time, s.
FADE = 0.08
#: Sets of moved beats that the locked ones are compared with.
_N_SURROGATES = 5
#: A window of this many times the median energy is not averaged.
_MOST_ENERGY = 2.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BeatWindows:
    """Where the window of each beat begins and how it weighs its samples.

    Attributes
    ----------
    first : array of int64, shape (n_beats,)
        First sample of each window.
    weights : array of float32, shape (n_beats, n_lags)
        0 to 1; those of overlapping windows add up to 1.
    start, delay : float
        From the beat to the first sample of its window, and to the largest locked amplitude, s.
    """

    first: NDArray[np.int64]
    weights: Float32s
    start: float
    delay: float

    @property
    def n_lags(self) -> int:
        """Samples per window."""
        return int(self.weights.shape[1])


def place_windows(data: Float32s, sfreq: float, beats: Floats) -> BeatWindows:
    """Place one window per beat so that they meet where the least is locked to the beats.

    Parameters
    ----------
    data : array, shape (n_channels, n_times)
    sfreq : float
        Samples per second, Hz.
    beats : array, shape (n_beats,)
        Seconds after the first sample, ascending.
    """
    intervals = np.diff(beats)
    n_cycle = max(round(float(np.median(intervals)) * sfreq), 4)
    cycle = _locked_energy(data, np.round(beats * sfreq).astype(np.int64), n_cycle)
    quiet = int(np.argmin(cycle))
    # In a regular rhythm late and early are one; the artefact follows the beat, so that a window begins
    # shortly before it at the earliest.
    start = quiet - n_cycle if quiet > 0.75 * n_cycle else quiet
    delay = (start + (int(np.argmax(cycle)) - quiet) % n_cycle) / sfreq
    n_fade = max(round(FADE * sfreq), 1)
    n_lags = round(float(np.quantile(intervals, 0.95)) * sfreq) + n_fade
    first = np.round(beats * sfreq).astype(np.int64) + start
    first = np.unique(first[(first >= 0) & (first + n_lags <= data.shape[1])])
    return BeatWindows(first=first, weights=_share(first, n_lags, n_fade), start=start / sfreq, delay=delay)


def cut_epochs(data: Float32s, first: NDArray[np.int64], weights: Float32s) -> Float32s:
    """Return the weighted windows (n_beats, n_channels x n_lags)."""
    n_lags = weights.shape[1]
    windows = np.lib.stride_tricks.sliding_window_view(data, n_lags, axis=1)[:, first]
    epochs = windows.transpose(1, 0, 2) * weights[:, None, :]
    return epochs.reshape(len(first), -1)


def move_beats(windows: BeatWindows, n_times: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], ...]:
    """Return sets of windows each moved by up to half a beat at random: nothing is locked to them."""
    half = max(windows.n_lags // 2, 1)
    moved = (windows.first + rng.integers(-half, half + 1, len(windows.first)) for _ in range(_N_SURROGATES))
    return tuple(np.clip(first, 0, n_times - windows.n_lags) for first in moved)


def locked_average(data: Float32s, windows: BeatWindows) -> Floats:
    """Return the mean of the calm windows, its mean over lags removed, (n_channels, n_lags)."""
    return _average(data, windows.first, windows.n_lags)


def locked_amplitude(average: Floats) -> float:
    """Return the root mean square of a locked average over channels and lags, in its unit."""
    return float(np.sqrt(np.mean(average**2)))


def chance_amplitude(data: Float32s, windows: BeatWindows, moved: tuple[NDArray[np.int64], ...]) -> float:
    """Return the amplitude of the averages about moved beats: what EEG without any locking would show."""
    squares = [locked_amplitude(_average(data, first, windows.n_lags)) ** 2 for first in moved]
    return float(np.sqrt(np.mean(squares)))


def find_calm(data: Float32s, first: NDArray[np.int64], n_lags: int) -> NDArray[np.bool_]:
    """Return which windows (n_beats,) hold no blink or movement, which would drown the rest in an average."""
    total = np.concatenate([[0.0], np.cumsum(np.einsum("ct,ct->t", data, data), dtype=np.float64)])
    energy = total[first + n_lags] - total[first]
    calm: NDArray[np.bool_] = energy <= _MOST_ENERGY * np.median(energy)
    return calm


def _average(data: Float32s, first: NDArray[np.int64], n_lags: int) -> Floats:
    """Return the plain mean over calm windows, centred, (n_channels, n_lags)."""
    calm = first[find_calm(data, first, n_lags)]
    total = np.zeros((len(data), n_lags), dtype=np.float32)
    for begin in calm:
        total += data[:, begin : begin + n_lags]
    average = total.astype(np.float64) / max(len(calm), 1)
    centred: Floats = average - average.mean(axis=1, keepdims=True)
    return centred


def _locked_energy(data: Float32s, beats: NDArray[np.int64], n_cycle: int) -> Floats:
    """Return the energy locked to the beats over one cycle (n_cycle,), smoothed around it."""
    inside = beats[(beats >= 0) & (beats + n_cycle <= data.shape[1])]
    energy = np.mean(_average(data, inside, n_cycle) ** 2, axis=0)
    n_smooth = max(n_cycle // 8, 1)
    padded = np.concatenate([energy[-n_smooth:], energy, energy[:n_smooth]])
    smooth: Floats = np.convolve(padded, np.hanning(2 * n_smooth + 1) / n_smooth, mode="valid")
    return smooth


def _share(first: NDArray[np.int64], n_lags: int, n_fade: int) -> Float32s:
    """Return the weights (n_beats, n_lags): each fades in at its start and out at the next one's."""
    lags = np.arange(n_lags)[None, :]

    def rise(lag: NDArray[np.int64]) -> Floats:
        smooth: Floats = 0.5 - 0.5 * np.cos(np.pi * np.clip((lag + 0.5) / n_fade, 0, 1))
        return smooth

    step = np.diff(first, append=first[-1:] + n_lags)[:, None]
    weights = rise(lags) * (1 - rise(lags - step)) * rise(n_lags - 1 - lags)
    return weights.astype(np.float32)
