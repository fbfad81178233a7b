"""Power of blindly separated sources in bands: the band signals, the separation, and the features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.models.band_power import POWER_FLOOR, WARM_UP, filter_bands
from bids_eeg2fmri.models.hrf import double_gamma
from bids_eeg2fmri.models.joint_diagonalisation import diagonalise_jointly, whitening_filters
from bids_eeg2fmri.models.training_data import learned_samples
from bids_eeg2fmri.records import AlignedRun, Floats

#: Windows whose covariances are averaged before they are diagonalised: 3 s at half a second each.
WINDOWS_PER_STRETCH = 6

#: What features are made of power: its logarithm, itself, and whether there is a burst, whatever its size.
SCALES = ("log", "linear", "bursts")

#: From which power there is a burst, in medians (the scale is at its half there), and how steep the step is.
#: The best of several on seed 1; without a step (power over itself plus 2 medians) r with bursts is .02 less.
BURST_POWER, BURST_STEEPNESS = 2.0, 4

#: The logarithm is taken of power over this many windows, as that of a single one varies by chance.
LOG_WINDOWS = 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BandSignals:
    """One run in several bands, cut to whole windows after the filters have settled.

    Attributes
    ----------
    eeg : array, shape (n_channels, n_times)
        The EEG that this was made of, to know it by.
    values : array of float32, shape (n_bands, n_channels, n_windows x length)
        Microvolts.
    length : int
        Samples per window.
    last_samples : array of int64, shape (n_windows,)
        The last EEG sample that each window has used.
    """

    eeg: NDArray[np.float32]
    values: NDArray[np.float32]
    length: int
    last_samples: NDArray[np.int64]

    def component_power(self, filters: Floats) -> Floats:
        """Return the power (n_windows, n_components, n_bands) behind filters (n_components, n_channels)."""
        n_bands, _, n_times = self.values.shape
        power = np.empty((n_times // self.length, len(filters), n_bands))
        for band, signal in enumerate(self.values):
            components = filters.astype(np.float32) @ signal
            squares = np.square(components, out=components).reshape(len(filters), -1, self.length)
            power[:, :, band] = squares.mean(axis=2).T
        floor = max(POWER_FLOOR * float(np.square(filters).sum(axis=1).max(initial=0.0)), 1e-12)
        return np.asarray(np.maximum(power, floor))

    def learned(self, run: AlignedRun) -> NDArray[np.bool_]:
        """Return which windows (n_windows,) end within volumes of positive weight."""
        return learned_samples(run, run.weights)[self.last_samples]


def measure_band_signals(
    run: AlignedRun, *, bands: Mapping[str, tuple[float, float]], window: float
) -> BandSignals:
    """Filter a run causally into bands (Hz) and cut it to windows (s)."""
    length = max(1, round(window * run.sfreq))
    n_windows = run.eeg.shape[1] // length
    first = min(n_windows, int(np.ceil(WARM_UP * run.sfreq / length)))
    values = np.empty((len(bands), len(run.eeg), (n_windows - first) * length), dtype=np.float32)
    whole = run.eeg[:, : n_windows * length]
    for k, filtered in enumerate(filter_bands(whole, run.sfreq, bands=bands)):
        values[k] = filtered[:, first * length :]
    return BandSignals(
        eeg=run.eeg,
        values=values,
        length=length,
        last_samples=(np.arange(first, n_windows) + 1) * length - 1,
    )


def separate_sources(
    runs: Sequence[AlignedRun], signals: Sequence[BandSignals], *, n_components: int
) -> Floats:
    """Return the filters (n_components, n_channels) of the sources in the learned windows of the runs.

    Per microvolt, of unit mean power over the bands, each band counting alike. None of it looks at the BOLD.
    """
    learned = [s.learned(run) for run, s in zip(runs, signals, strict=True)]
    covariances = _mean_covariances(signals, learned)
    sizes = np.maximum(np.trace(covariances, axis1=1, axis2=2), 1e-12)
    whitening = whitening_filters(
        (covariances / sizes[:, None, None]).mean(axis=0), n_components=n_components
    )
    stretches = [
        _stretch_covariances(s, keep, whitening) / sizes[:, None, None, None]
        for s, keep in zip(signals, learned, strict=True)
    ]
    matrices = np.concatenate(stretches, axis=1).reshape(-1, len(whitening), len(whitening))
    if not len(matrices):
        return np.asarray(whitening / np.sqrt(sizes.mean()))
    return np.asarray(diagonalise_jointly(matrices) @ whitening)


def _mean_covariances(signals: Sequence[BandSignals], learned: Sequence[NDArray[np.bool_]]) -> Floats:
    """Return the mean covariance of the channels per band, (n_bands, n_channels, n_channels), µV²."""
    n_bands, n_channels, _ = signals[0].values.shape
    total, n_times = np.zeros((n_bands, n_channels, n_channels)), 0
    for s, keep in zip(signals, learned, strict=True):
        samples = np.repeat(keep, s.length)
        n_times += int(samples.sum())
        for band in range(n_bands):
            kept = s.values[band] if samples.all() else s.values[band][:, samples]
            total[band] += kept @ kept.T
    return total / max(n_times, 1)


def _stretch_covariances(s: BandSignals, keep: NDArray[np.bool_], whitening: Floats) -> Floats:
    """Return the covariances of principal components over stretches, (n_bands, n_stretches, n, n)."""
    n_bands, n = len(s.values), len(whitening)
    windows = np.flatnonzero(keep)
    windows = windows[: len(windows) // WINDOWS_PER_STRETCH * WINDOWS_PER_STRETCH]
    shape = (-1, WINDOWS_PER_STRETCH * s.length, n)
    covariances = np.empty((n_bands, len(windows) // WINDOWS_PER_STRETCH, n, n))
    for band in range(n_bands):
        components = (whitening.astype(np.float32) @ s.values[band]).T.reshape(-1, s.length, n)
        cut = components[windows].reshape(shape)
        covariances[band] = cut.transpose(0, 2, 1) @ cut / shape[1]
    return covariances


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PowerLevels:
    """What power is compared with.

    Attributes
    ----------
    mean, median : array, shape (n_components, n_bands)
        Over the learned windows.
    """

    mean: Floats
    median: Floats

    def rescale(self, power: Floats, scale: str) -> Floats:
        """Return power (n_windows, n_components, n_bands) on one of the ``SCALES``, causally."""
        if scale == "linear":
            return np.asarray(power / self.mean)
        if scale == "bursts":
            return np.asarray(1.0 / (1.0 + (BURST_POWER * self.median / power) ** BURST_STEEPNESS))
        smooth = power.copy()
        for k in range(1, LOG_WINDOWS):
            smooth[k:] += power[:-k]
            smooth[:k] += power[:k]
        return np.asarray(np.log(smooth / (LOG_WINDOWS * self.mean)))


def measure_levels(powers: Sequence[Floats], learned: Sequence[NDArray[np.bool_]]) -> PowerLevels:
    """Return the levels over the learned windows of all runs (of all windows, where none is learned)."""
    kept = np.concatenate([power[keep] for power, keep in zip(powers, learned, strict=True)])
    kept = kept if len(kept) else np.concatenate(powers)
    return PowerLevels(mean=kept.mean(axis=0), median=np.median(kept, axis=0))


def highpassed_response(step: float, *, peak: float, time_constant: float) -> Floats:
    """Return a haemodynamic response less its exponential average over the past, (1, n_taps).

    Measured BOLD has lost its slowest fluctuations to the high-pass filter; a prediction that keeps them
    misses it. The filter of the BOLD looks ahead; this one is as near to it as a causal one comes.

    Parameters
    ----------
    step : float
        Seconds from tap to tap.
    peak : float
        When the response is highest, s.
    time_constant : float
        Of the average, s; infinite for none.
    """
    duration = 32.0 if np.isinf(time_constant) else 32.0 + 2.5 * time_constant
    times = np.arange(0.0, duration, step)
    # A gamma density of delay d and unit dispersion is highest at d - 1.
    response = double_gamma(times, peak=peak + 1.0)
    response /= response.sum()
    if not np.isinf(time_constant):
        average = np.exp(-times / time_constant)
        response = response - np.convolve(response, average / average.sum())[: len(times)]
    kernel: Floats = response[None]
    return kernel
