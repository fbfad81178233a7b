"""What EEGNet is given: the EEG itself, or the power of its channels in bands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.models.band_power import measure_band_power
from bids_eeg2fmri.models.training_data import learned_samples
from bids_eeg2fmri.models.windows import Single
from bids_eeg2fmri.records import AlignedRun, Floats

INPUTS = ("raw", "band power")
#: Seconds that band power is averaged over.
SMOOTHING = 0.5
#: A series that varies less than this (µV, or log of µV²) is that of a dead channel: it is left at 0.
MIN_DEVIATION = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InputScale:
    """Mean and standard deviation of every series of the input, both (n_series,), in training.

    The mean of EEG is taken to be 0. The standard deviation of a dead channel is infinite.
    """

    mean: Floats
    deviation: Floats

    def apply(self, values: Single) -> Single:
        """Return series (n_series, n_frames) of mean 0 and unit variance."""
        factor = (1.0 / self.deviation).astype(np.float32)[:, None]
        if not np.any(self.mean):
            return values * factor
        return (values - self.mean.astype(np.float32)[:, None]) * factor


def band_power_series(
    run: AlignedRun, *, bands: Mapping[str, tuple[float, float]], sfreq: float
) -> tuple[Single, NDArray[np.int64]]:
    """Return log power (n_channels x n_bands, n_frames) and the last sample of each frame (n_frames,).

    Parameters
    ----------
    bands : mapping of name to (low, high)
        Hz.
    sfreq : float
        Frames per second.
    """
    power = measure_band_power(run.eeg, run.sfreq, bands=bands, frame_rate=sfreq, smoothing=SMOOTHING)
    series = power.log_power.reshape(len(power.log_power), -1).T
    return np.ascontiguousarray(series, dtype=np.float32), power.last_samples


def measure_scale(
    runs: Sequence[AlignedRun],
    train: Sequence[Floats],
    series: Sequence[tuple[Single, NDArray[np.int64]]],
    *,
    has_mean: bool,
) -> InputScale:
    """Return the scale of series, as ``EegNet`` makes them, over what is learned from.

    Parameters
    ----------
    train : sequence of array, shape (n_volumes,)
        Positive for the volumes to learn from, one array per run.
    has_mean : bool
        False for EEG, whose mean is 0.
    """
    learned = np.concatenate(
        [
            values[:, learned_samples(run, weights)[last_samples]]
            for run, weights, (values, last_samples) in zip(runs, train, series, strict=True)
        ],
        axis=1,
    )
    n_series = len(learned)
    if not learned.size:
        return InputScale(mean=np.zeros(n_series), deviation=np.full(n_series, np.inf))
    deviation = learned.std(axis=1, dtype=np.float64)
    mean = learned.mean(axis=1, dtype=np.float64) if has_mean else np.zeros(n_series)
    return InputScale(mean=mean, deviation=np.where(deviation > MIN_DEVIATION, deviation, np.inf))
