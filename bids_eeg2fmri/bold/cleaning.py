"""From the signals of a run to percent signal change without confounds, each run by itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.records import Floats, RegionSignals


def volumes_to_fit(signals: RegionSignals, learn: Floats | None) -> NDArray[np.bool_]:
    """Return (n_volumes,): the volumes that means and confounds of a run are fitted on.

    Those to learn from, where the run is split in itself, so that nothing crosses the split. A run that is
    held out as a whole is cleaned by itself, from all its volumes that count.
    """
    keep = signals.weights > 0
    both = keep & (learn > 0) if learn is not None else keep
    return both if both.any() else keep


def percent_change(
    data: Floats, reference: Floats, fit: NDArray[np.bool_], *, names: Sequence[str], image: str
) -> Floats:
    """Return 100 (data - mean) / reference, (n_volumes, n_signals).

    Parameters
    ----------
    data : array, shape (n_volumes, n_signals)
    reference : array, shape (n_signals,)
        NaN: the mean of the signal itself.
    fit : array of bool, shape (n_volumes,)
        The volumes that the mean is taken over.
    names : sequence of str
        What each signal is called in messages.

    Raises
    ------
    BadDataError
        If a signal is zero, constant or without a mean.
    """
    mean = data[fit].mean(axis=0)
    base = np.where(np.isnan(reference), mean, reference)
    deviation = data[fit].std(axis=0)
    empty = [n for n, b, d in zip(names, base, deviation, strict=True) if not (b > 0 and d > 0)]
    if empty:
        shown = ", ".join(empty[:5]) + (f" and {len(empty) - 5} more" if len(empty) > 5 else "")
        raise BadDataError(
            f"{image} has no BOLD signal in {shown} (zero, constant, or without a mean). "
            "Check that the image is not demeaned and covers the region."
        )
    change: Floats = 100 * (data - mean) / base
    # Volumes that the image lacks are all 0; they have no weight, and are no plunge of 100 percent.
    change[~np.any(data, axis=1)] = 0.0
    return change


def regress_out(
    change: Floats | NDArray[np.float32], regressors: Floats, fit: NDArray[np.bool_], *, image: str
) -> Floats:
    """Return signals (n_volumes, n_signals) without what regressors and a constant explain.

    Weights are fitted on the volumes in ``fit`` and applied to all.

    Raises
    ------
    BadDataError
        If there are no more volumes than regressors.
    """
    design = np.hstack([np.ones((len(change), 1)), regressors])
    if design.shape[1] >= fit.sum():
        raise BadDataError(
            f"{image} has {fit.sum()} volumes to fit {design.shape[1]} regressors on. "
            "Use fewer (--set bold.confounds=motion6) or leave the run out."
        )
    weights, *_ = np.linalg.lstsq(design[fit], change[fit], rcond=None)
    cleaned: Floats = change - design @ weights
    return cleaned
