"""Is the prediction on time? Correlation with the measured BOLD over delays, the acausal side as control."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bids_eeg2fmri.evaluation.metrics import fisher_z
from bids_eeg2fmri.evaluation.nulls import WIDENING, Pair, shifted_correlations
from bids_eeg2fmri.records import Floats, LagCurve

#: Delays up to this long are looked at, s.
LONGEST_LAG = 20.0
#: Of a normal distribution, 2.5 % lie above so many standard deviations.
_TWO_SIDED = 1.96


def trace_lags(pairs: Sequence[Pair], trs: Sequence[float]) -> LagCurve:
    """Return the correlation over delays, on the grid of the longest TR.

    Parameters
    ----------
    pairs : sequence of (predicted, measured), each of shape (n_volumes, n_regions)
    trs : sequence of float
    """
    step = max(trs)
    n_side = int(LONGEST_LAG / step)
    lags: Floats = np.arange(-n_side, n_side + 1, dtype=np.float64) * step
    curves, bands, mean_bands = [], [], []
    for (predicted, measured), tr in zip(pairs, trs, strict=True):
        z = fisher_z(shifted_correlations(predicted, measured))
        shifts = np.rint(lags / tr).astype(np.int64)
        if len(z) <= 2 * shifts.max(initial=0) + 1:
            continue
        curves.append(z[shifts % len(z)])
        beyond = np.delete(z, shifts % len(z), axis=0)
        bands.append(beyond.std(axis=0))
        mean_bands.append(beyond.mean(axis=1).std())
    if not curves:
        nothing = np.full((len(lags), pairs[0][0].shape[1]), np.nan)
        return LagCurve(lags=lags, r=nothing, null_high=nothing[0])
    return LagCurve(
        lags=lags,
        r=np.tanh(np.mean(curves, axis=0)),
        null_high=_upper_end(np.array(bands)),
        mean_null_high=float(_upper_end(np.array(mean_bands))),
    )


def _upper_end(spreads: Floats) -> Floats:
    """Return the upper end of the null band of the mean over runs, from the runs' standard deviations."""
    high: Floats = np.tanh(_TWO_SIDED * WIDENING * np.sqrt((spreads**2).sum(axis=0)) / len(spreads))
    return high


def best_lag(curve: LagCurve) -> Floats:
    """Return the lag of the highest correlation, (n_regions,); NaN where there is none."""
    is_known = np.isfinite(curve.r).all(axis=0) & np.any(curve.r, axis=0)
    best: Floats = np.where(is_known, curve.lags[np.argmax(np.nan_to_num(curve.r), axis=0)], np.nan)
    return best
