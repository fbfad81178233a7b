"""Power spectra of many channels in little time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import rfft
from scipy.signal.windows import hann

from bids_eeg2fmri.records import Floats

#: Seconds of data per window: 0.25 Hz.
_WINDOW = 4.0


def median_spectrum(data: NDArray[np.float32], sfreq: float) -> tuple[Floats, Floats]:
    """Return frequencies (Hz) and the power (µV²/Hz) of the median channel, by Welch's method.

    Windows do not overlap and stay in single precision: a tenth of the time of the usual implementation, at
    a precision that a figure does not show.

    Parameters
    ----------
    data : array, shape (n_channels, n_times)
        Microvolts.
    """
    n_window = min(round(_WINDOW * sfreq), data.shape[1])
    n_windows = data.shape[1] // n_window
    cut = data[:, : n_windows * n_window].reshape(len(data), n_windows, n_window)
    taper = hann(n_window, sym=False).astype(np.float32)
    transformed = rfft((cut - cut.mean(axis=2, keepdims=True)) * taper, axis=2)
    power = np.mean(transformed.real**2 + transformed.imag**2, axis=1)
    density = np.median(power, axis=0).astype(np.float64) * 2 / (sfreq * float(np.sum(taper**2)))
    return np.arange(len(density)) * (sfreq / n_window), density
