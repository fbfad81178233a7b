"""What artefacts may have left, as series at the rate of the clean EEG."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.records import Floats

#: Beats per minute about the run's mean; µV; 0 to 1. 0 where it is not known or nothing is left.
NUISANCE_NAMES = ("heart_rate", "gradient_residue", "bursts")


def join_nuisance(
    heart_rate: Floats | None,
    residual: NDArray[np.float32],
    bursts: NDArray[np.float32],
    *,
    sfreq: float,
    new_sfreq: float,
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Return the nuisance series (n_times, 3) and their names, the same for every run.

    Parameters
    ----------
    heart_rate : array, shape (n_times,), or None
        Beats per minute at the rate of the clean EEG; None where no heartbeat is known.
    residual : array, shape (n_reduced,)
        What is left of the gradient artefact at ``sfreq``, µV.
    bursts : array, shape (n_times,)
        What was clipped, 0 to 1.
    """
    n_times = len(bursts)
    rate = np.zeros(n_times) if heart_rate is None else heart_rate - heart_rate.mean()
    samples = np.minimum((np.arange(n_times) * sfreq / new_sfreq).astype(np.int64), len(residual) - 1)
    return np.stack([rate, residual[samples], bursts], axis=1).astype(np.float32), NUISANCE_NAMES


def resample_mask(mask: NDArray[np.bool_], sfreq: float, new_sfreq: float, n_times: int) -> NDArray[np.bool_]:
    """Return which of the new samples (n_times,) lie between two of which one is masked."""
    at = np.arange(n_times) * sfreq / new_sfreq
    last = len(mask) - 1
    before, after = np.floor(at).astype(np.int64), np.ceil(at).astype(np.int64)
    resampled: NDArray[np.bool_] = mask[np.minimum(before, last)] | mask[np.minimum(after, last)]
    return resampled
