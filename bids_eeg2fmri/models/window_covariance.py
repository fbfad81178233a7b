"""Covariance of the channels in every band over windows that end at given samples."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.models.band_power import filter_bands
from bids_eeg2fmri.records import Floats


def measure_window_covariance(
    eeg: NDArray[np.float32],
    sfreq: float,
    *,
    ends: NDArray[np.int64],
    bands: Mapping[str, tuple[float, float]],
    window: float,
) -> Floats:
    """Return the mean products of the channels, µV², (n_windows, n_bands, n_channels, n_channels).

    Filters are causal. A window holds exactly ``window`` seconds, less where the recording begins later.

    Parameters
    ----------
    eeg : array, shape (n_channels, n_times)
        Microvolts.
    sfreq : float
        Hz.
    ends : array of int64, shape (n_windows,)
        The last sample of each window.
    bands : mapping of name to (low, high)
        Hz.
    window : float
        Seconds.

    Raises
    ------
    UsageError
        If a band reaches the Nyquist frequency.
    """
    length = max(round(window * sfreq), 1)
    n_channels = len(eeg)
    values = np.zeros((len(ends), len(bands), n_channels, n_channels))
    for k, filtered in enumerate(filter_bands(eeg, sfreq, bands=bands)):
        for i, end in enumerate(ends + 1):
            part = filtered[:, max(end - length, 0) : max(end, 0)]
            values[i, k] = part @ part.T / max(part.shape[1], 1)
    return values
