"""Figures of the clean EEG: spectra before and after, and what a table can hold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.eeg.spectrum import median_spectrum
from bids_eeg2fmri.records import Floats


def compare_spectra(before: NDArray[np.float32], after: NDArray[np.float32], sfreq: float) -> Floats:
    """Return frequency (Hz) and the power before and after (µV²/Hz), medians over channels, (3, n).

    Parameters
    ----------
    before, after : array, shape (n_channels, n_times)
        Microvolts at ``sfreq``; the numbers of channels may differ.
    """
    frequencies, first = median_spectrum(before, sfreq)
    _, last = median_spectrum(after, sfreq)
    return np.stack([frequencies, first, last])


def describe_quality(
    data: NDArray[np.float32], *, n_bad: int, clipped: float, uncorrected: NDArray[np.bool_]
) -> dict[str, float]:
    """Return figures of the clean EEG (n_channels, n_times) µV; names end with the unit.

    Parameters
    ----------
    n_bad : int
        Number of bad channels.
    clipped : float
        Share of all values that were clipped.
    uncorrected : array of bool, shape (n_times,)
    """
    return {
        "bad_channels": float(n_bad),
        "clipped_percent": 100 * clipped,
        "uncorrected_percent": 100 * float(uncorrected.mean()),
        "median_rms_uv": float(np.median(np.sqrt(np.mean(data**2, axis=1)))),
        "largest_uv": float(np.abs(data).max()),
    }
