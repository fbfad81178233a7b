"""The mains in the EEG: found, not assumed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import iirnotch, tf2sos

from bids_eeg2fmri.eeg.spectrum import median_spectrum
from bids_eeg2fmri.records import Floats

#: Where the mains may be, Hz.
_MAINS = (50.0, 60.0)
#: How far from it they stray, and where the spectrum around them is taken, Hz.
_STRAY, _NEAR, _FAR = 0.5, 1.5, 5.0
#: Height above the spectrum around it that makes a line, dB.
_LEAST_HEIGHT = 6.0
#: Channels and seconds looked at: enough for one line.
_MOST_CHANNELS, _MOST_SECONDS = 16, 120.0
_QUALITY_FACTOR = 30.0


def find_line(data: NDArray[np.float32], sfreq: float) -> tuple[float, float]:
    """Return frequency (Hz) and height (dB) of the mains in (n_channels, n_times); 0, 0 where there is none.

    The harmonics lie above every band that is kept.
    """
    every = max(len(data) // _MOST_CHANNELS, 1)
    some = data[::every, : round(_MOST_SECONDS * sfreq)]
    frequencies, power = median_spectrum(some, sfreq)
    spectrum = 10 * np.log10(np.maximum(power, np.finfo(np.float64).tiny))
    best = (0.0, 0.0)
    for mains in _MAINS:
        distance = np.abs(frequencies - mains)
        line, around = distance <= _STRAY, (distance >= _NEAR) & (distance <= _FAR)
        if frequencies[-1] < mains + _FAR or not around.any():
            continue
        height = float(spectrum[line].max() - np.median(spectrum[around]))
        if height > max(_LEAST_HEIGHT, best[1]):
            best = (float(frequencies[line][np.argmax(spectrum[line])]), height)
    return best


def notch(frequency: float, sfreq: float) -> Floats:
    """Return the second-order section (1, 6) of a causal notch."""
    section: Floats = tf2sos(*iirnotch(frequency, _QUALITY_FACTOR, fs=sfreq))
    return section
