"""Logarithm of the power of every channel in every band, from causal filters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from bids_eeg2fmri.errors import UsageError
from bids_eeg2fmri.records import Floats

#: The bands of human EEG, Hz. Nothing above 40 Hz: muscle and what is left of the scanner dominate there.
DEFAULT_BANDS: Mapping[str, tuple[float, float]] = {
    "theta": (4.0, 8.0),
    "alpha": (8.0, 12.0),
    "low beta": (12.0, 18.0),
    "high beta": (18.0, 30.0),
    "gamma": (30.0, 40.0),
}

#: Power is never taken to be lower than this (µV²): 0.03 µV rms, below the noise of any amplifier.
POWER_FLOOR = 1e-3

#: The filters have settled after this time (the narrowest default band is 4 Hz wide), s.
WARM_UP = 1.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BandPower:
    """Log band power of one run.

    Attributes
    ----------
    log_power : array, shape (n_frames, n_channels, n_bands)
        Natural logarithm of µV².
    last_samples : array of int64, shape (n_frames,)
        The last EEG sample that each frame has used.
    step : float
        Seconds from frame to frame.
    """

    log_power: Floats
    last_samples: NDArray[np.int64]
    step: float

    def frames_at(self, samples: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the last frame that uses nothing after each sample (n,), -1 where there is none yet."""
        return last_frames(self.last_samples, samples)


def last_frames(last_samples: NDArray[np.int64], samples: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the last frame (n,) that uses nothing after each sample, -1 where there is none yet."""
    return np.searchsorted(last_samples, samples, side="right") - 1


def measure_band_power(
    eeg: NDArray[np.float32],
    sfreq: float,
    *,
    bands: Mapping[str, tuple[float, float]],
    frame_rate: float,
    smoothing: float,
) -> BandPower:
    """Filter, square, average over the past, take the logarithm.

    Butterworth filters of order 3 run forwards only. The first ``WARM_UP`` seconds, in which they settle,
    give no frames.

    Parameters
    ----------
    eeg : array, shape (n_channels, n_times)
        Microvolts.
    sfreq : float
        Hz.
    bands : mapping of name to (low, high)
        Hz.
    frame_rate : float
        Frames per second (rounded to a whole number of samples per frame).
    smoothing : float
        The power of a frame is the mean over this many seconds that end with it.

    Raises
    ------
    UsageError
        If a band reaches the Nyquist frequency.
    """
    hop = max(1, round(sfreq / frame_rate))
    n_frames = eeg.shape[1] // hop
    n_smooth = max(1, round(smoothing * sfreq / hop))
    first = min(n_frames, round(WARM_UP * sfreq / hop))
    log_power = np.empty((n_frames - first, len(eeg), len(bands)))
    for k, filtered in enumerate(filter_bands(eeg[:, : n_frames * hop], sfreq, bands=bands)):
        power = np.square(filtered).reshape(len(eeg), n_frames, hop).mean(axis=2)
        log_power[:, :, k] = np.log(np.maximum(_past_mean(power, n_smooth), POWER_FLOOR)).T[first:]
    last_samples = (np.arange(first, n_frames) + 1) * hop - 1
    return BandPower(log_power=log_power, last_samples=last_samples, step=hop / sfreq)


def filter_bands(
    eeg: NDArray[np.float32], sfreq: float, *, bands: Mapping[str, tuple[float, float]]
) -> Iterator[Floats]:
    """Yield the EEG (n_channels, n_times) in each band, from Butterworth filters of order 3 run forwards.

    Raises
    ------
    UsageError
        If a band reaches the Nyquist frequency.
    """
    for name, (low, high) in bands.items():
        if high >= sfreq / 2:
            raise UsageError(
                f"Band '{name}' ({low:g}-{high:g} Hz) reaches half the sampling frequency of the EEG "
                f"({sfreq:g} Hz): bands must end below {sfreq / 2:g} Hz. Lower the band or leave it out."
            )
        sos = signal.butter(3, (low, high), btype="bandpass", fs=sfreq, output="sos")
        yield signal.sosfilt(sos, eeg, axis=1)


def _past_mean(values: Floats, n: int) -> Floats:
    """Return the mean of each value and the n - 1 before it along the last axis, of fewer at the start."""
    total = np.cumsum(values, axis=1)
    total[:, n:] = total[:, n:] - total[:, :-n]
    return np.asarray(total / np.minimum(np.arange(1, values.shape[1] + 1), n))
