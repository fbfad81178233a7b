"""Covariance of the channels in every band over windows that end at given samples."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bids_eeg2fmri.models.band_power import filter_bands
from bids_eeg2fmri.records import AlignedRun, Floats


def measure_window_covariance(
    run: AlignedRun, *, bands: Mapping[str, tuple[float, float]], window: float
) -> Floats:
    """Return the mean products of the channels, µV², (n_windows, n_bands, n_channels, n_channels).

    Filters are causal. A window holds exactly ``window`` seconds up to its moment (``run.volume_samples``),
    less where the recording begins later.

    Raises
    ------
    UsageError
        If a band reaches the Nyquist frequency.
    """
    length = max(round(window * run.sfreq), 1)
    n_channels = len(run.eeg)
    values = np.zeros((run.n_volumes, len(bands), n_channels, n_channels))
    for k, filtered in enumerate(filter_bands(run.eeg, run.sfreq, bands=bands)):
        for i, end in enumerate(run.volume_samples + 1):
            part = filtered[:, max(end - length, 0) : max(end, 0)]
            values[i, k] = part @ part.T / max(part.shape[1], 1)
    return values
