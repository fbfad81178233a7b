"""Covariance of the channels in every band over short windows, from causal filters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.models.band_power import POWER_FLOOR, WARM_UP, BandPower, filter_bands
from bids_eeg2fmri.models.packed_covariance import pack_covariances, pack_products
from bids_eeg2fmri.records import Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BandCovariance:
    """Covariances of one run.

    Attributes
    ----------
    values : array of float32, shape (n_bands, n_windows, n_channels (n_channels + 1) / 2)
        Mean products of the channels, µV², as ``pack_covariances`` returns them.
    last_samples : array of int64, shape (n_windows,)
        The last EEG sample that each window has used.
    step : float
        Seconds from window to window.
    """

    values: NDArray[np.float32]
    last_samples: NDArray[np.int64]
    step: float

    def component_power(self, filters: Floats) -> BandPower:
        """Return the log power of components.

        Parameters
        ----------
        filters : array, shape (n_bands, n_components, n_channels)
            Per µV.

        Returns
        -------
        power : BandPower
            One frame per window, components in the place of channels. Power is never taken to be lower than
            ``POWER_FLOOR`` times the squared norm of the filter.
        """
        n_bands, n_windows, _ = self.values.shape
        log_power = np.empty((n_windows, filters.shape[1], n_bands))
        for band in range(n_bands):
            w = filters[band]
            power = self.values[band] @ pack_products(w).T.astype(np.float32)
            floor = np.maximum(POWER_FLOOR * np.square(w).sum(axis=1), np.finfo(np.float32).tiny)
            log_power[:, :, band] = np.log(np.maximum(power, floor))
        return BandPower(log_power=log_power, last_samples=self.last_samples, step=self.step)


def measure_band_covariance(
    eeg: NDArray[np.float32], sfreq: float, *, bands: Mapping[str, tuple[float, float]], window: float
) -> BandCovariance:
    """Filter and take the covariance of each window; windows follow on each other without overlap.

    The first ``WARM_UP`` seconds, in which the filters settle, give no windows.

    Parameters
    ----------
    eeg : array, shape (n_channels, n_times)
        Microvolts.
    sfreq : float
        Hz.
    bands : mapping of name to (low, high)
        Hz.
    window : float
        Length of the windows, s (rounded to whole samples).

    Raises
    ------
    UsageError
        If a band reaches the Nyquist frequency.
    """
    length = max(1, round(window * sfreq))
    n_windows = eeg.shape[1] // length
    first = min(n_windows, int(np.ceil(WARM_UP * sfreq / length)))
    n_pairs = len(eeg) * (len(eeg) + 1) // 2
    values = np.empty((len(bands), n_windows - first, n_pairs), dtype=np.float32)
    for k, filtered in enumerate(filter_bands(eeg[:, : n_windows * length], sfreq, bands=bands)):
        cut = filtered[:, first * length :].reshape(len(eeg), -1, length).transpose(1, 0, 2)
        values[k] = pack_covariances(cut @ cut.transpose(0, 2, 1) / length)
    return BandCovariance(
        values=values,
        last_samples=(np.arange(first, n_windows) + 1) * length - 1,
        step=length / sfreq,
    )
