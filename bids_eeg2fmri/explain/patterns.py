"""From the weights of a model to patterns over the scalp that can be read as sources.

A weight says what a channel is multiplied with, which also serves to cancel noise; it must not be read as
the place of a source. The covariance of each channel with the filter's output may be (Haufe et al. 2014,
doi:10.1016/j.neuroimage.2013.10.067): for data with covariance C and weights w that pattern is C w.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.signal import butter, sosfiltfilt

from bids_eeg2fmri.records import AlignedRun, Explanation, Floats, SpatialFilters

#: Power is averaged over this long (s) before its logarithm: a few cycles of the slowest band.
_POWER_WINDOW = 1.0
#: Order of the Butterworth band-pass, applied forwards and backwards.
_FILTER_ORDER = 4
#: An edge below this fraction of the Nyquist frequency is none (the filter would not be stable there).
_LOWEST_EDGE = 1e-3


def explain_model(model_name: str, filters: SpatialFilters, runs: Sequence[AlignedRun]) -> Explanation:
    """Turn the filters of a model into patterns, with the covariance of the EEG that it was trained on.

    The covariance is that of the EEG in the filter's band (domain "amplitude", µV²) or of the logarithm of
    its power there, one value per second ("power"), and the mean of the runs' covariances. Each pattern is
    scaled to a largest absolute value of 1; that of a filter without any weight is 0 everywhere. Each pattern
    is that of one filter by itself: where filters overlap, so do their patterns. The polarity of an amplitude
    pattern is arbitrary; a positive value of a power pattern says that more power there predicts more BOLD.

    Parameters
    ----------
    model_name : str
    filters : SpatialFilters
        Weights over the channels of ``runs``, in their order.
    runs : sequence of AlignedRun
        The runs of training, all with the same channels.

    Raises
    ------
    ValueError
        If there is no run, or the channels of the runs and filters are not the same.
    """
    names = _shared_channels(filters, runs)
    covariance_of = {"amplitude": _amplitude_covariance, "power": _power_covariance}[filters.domain]
    patterns = np.zeros(filters.weights.shape)
    for low, high in np.unique(filters.bands, axis=0):
        in_band = np.all(filters.bands == (low, high), axis=1)
        covariance = _mean_covariance(runs, covariance_of, low=float(low), high=float(high))
        patterns[in_band] = filters.weights[in_band] @ covariance
    largest = np.abs(patterns).max(axis=1, keepdims=True, initial=0.0)
    patterns = np.divide(patterns, largest, out=np.zeros_like(patterns), where=largest > 0)
    return Explanation(
        model=model_name,
        filters=filters,
        patterns=patterns,
        channel_names=names,
        positions=runs[0].positions,
        sfreq=runs[0].sfreq,
    )


def _shared_channels(filters: SpatialFilters, runs: Sequence[AlignedRun]) -> tuple[str, ...]:
    """Return the names of the channels that all runs and the filters have."""
    if not runs:
        raise ValueError("Expected at least one run to take the covariance of, got none.")
    names = runs[0].channel_names
    if any(run.channel_names != names for run in runs):
        raise ValueError("Expected the same channels in the same order in all runs.")
    if filters.weights.shape[1] != len(names):
        raise ValueError(f"Expected weights over {len(names)} channels, got {filters.weights.shape[1]}.")
    return names


def _mean_covariance(
    runs: Sequence[AlignedRun], covariance_of: Callable[[Floats, float], Floats], *, low: float, high: float
) -> Floats:
    """Return the mean over runs of the covariance in one band, (n_channels, n_channels)."""
    covariances = [covariance_of(_filter_band(run, low=low, high=high), run.sfreq) for run in runs]
    return np.asarray(np.mean(covariances, axis=0))


def _filter_band(run: AlignedRun, *, low: float, high: float) -> Floats:
    """Return the EEG of a run between two frequencies, (n_channels, n_times) µV.

    An edge at 0 Hz or at the Nyquist frequency is none. The filter looks both ways: a covariance over the
    whole run has no before and after, and a filter without delay keeps the band where it is.
    """
    nyquist = run.sfreq / 2
    edges = [edge / nyquist for edge in (low, high)]
    eeg = run.eeg.astype(np.float64)
    has_low, has_high = edges[0] > _LOWEST_EDGE, edges[1] < 1.0
    if has_low and has_high:
        sections = butter(_FILTER_ORDER, edges, "bandpass", output="sos")
    elif has_low:
        sections = butter(_FILTER_ORDER, edges[0], "highpass", output="sos")
    elif has_high:
        sections = butter(_FILTER_ORDER, edges[1], "lowpass", output="sos")
    else:
        return eeg
    return np.asarray(sosfiltfilt(sections, eeg, axis=1))


def _amplitude_covariance(eeg: Floats, sfreq: float) -> Floats:  # noqa: ARG001 (the two share a signature)
    """Return the covariance of channels over samples, µV²."""
    return np.atleast_2d(np.cov(eeg))


def _power_covariance(eeg: Floats, sfreq: float) -> Floats:
    """Return the covariance of the channels' logarithmic power, one value per second."""
    window = max(round(_POWER_WINDOW * sfreq), 1)
    n_windows = eeg.shape[1] // window
    cut = eeg[:, : n_windows * window].reshape(len(eeg), n_windows, window)
    power = np.mean(cut**2, axis=2)
    # A flat channel has no power: its logarithm is a constant, and so its covariance 0.
    return np.atleast_2d(np.cov(np.log(np.maximum(power, np.finfo(np.float64).tiny))))
