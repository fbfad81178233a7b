"""What a prediction that knows nothing of the BOLD reaches: circular shifts keep autocorrelation."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.evaluation.metrics import fisher_z
from bids_eeg2fmri.records import Floats


def shifted_correlations(predicted: Floats, measured: Floats) -> Floats:
    """Return Pearson's r of every circular shift of the prediction, (n_volumes, n_regions).

    Row k is the correlation after a shift by k volumes; computed for all shifts at once by FFT.

    Parameters
    ----------
    predicted, measured : array, shape (n_volumes, n_regions)
    """
    x, y = _unit_columns(predicted), _unit_columns(measured)
    spectrum = np.conj(np.fft.rfft(x, axis=0)) * np.fft.rfft(y, axis=0)
    r: Floats = np.clip(np.fft.irfft(spectrum, n=len(x), axis=0), -1.0, 1.0)
    return r


def null_fisher_z(
    pairs: Sequence[tuple[Floats, Floats]],
    trs: Sequence[float],
    *,
    n_nulls: int,
    min_shift: float,
    rng: np.random.Generator,
) -> Floats:
    """Return the null distribution of the mean Fisher z over runs, (at most n_nulls, n_regions).

    In every draw each run's prediction is shifted by its own random number of volumes, at least ``min_shift``
    seconds in either direction (half the run where it is shorter than that). Where there are fewer ways to
    shift than draws, each way is taken once: then there are fewer rows, and no p can be smaller than they
    allow. Volumes without weight must have been left out of the pairs; a shift then runs over what is left,
    in order of time.

    Parameters
    ----------
    pairs : sequence of (predicted, measured), each of shape (n_volumes, n_regions)
        One pair per run.
    trs : sequence of float
        Seconds from volume to volume, one per run.
    """
    allowed = [_allowed_shifts(len(pair[0]), tr, min_shift) for pair, tr in zip(pairs, trs, strict=True)]
    counts = [len(shifts) for shifts in allowed]
    n_ways = math.prod(counts)
    if n_ways <= n_nulls:
        places = np.unravel_index(np.arange(n_ways), counts)
    else:
        places = tuple(rng.integers(0, count, size=n_nulls) for count in counts)
    total = np.zeros((len(places[0]), pairs[0][0].shape[1]))
    for (predicted, measured), shifts, place in zip(pairs, allowed, places, strict=True):
        total += fisher_z(shifted_correlations(predicted, measured))[shifts[place]]
    return total / len(pairs)


def _allowed_shifts(n_volumes: int, tr: float, min_shift: float) -> NDArray[np.int64]:
    """Return the shifts (volumes) that are at least ``min_shift`` s away from none, in either direction."""
    least = min(math.ceil(min_shift / tr), n_volumes // 2)
    return np.arange(max(least, 1), max(n_volumes - least, least) + 1, dtype=np.int64) % n_volumes


def p_value(observed: Floats, null: Floats) -> Floats:
    """Return one-sided p values, (b + 1) / (n + 1), of (n_regions,) against (n_nulls, n_regions).

    NaN where the observed value is. Phipson and Smyth 2010, 10.2202/1544-6115.1585.
    """
    exceed = (null >= observed - 1e-12).sum(axis=0)
    p: Floats = np.where(np.isfinite(observed), (exceed + 1) / (len(null) + 1), np.nan)
    return p


def _unit_columns(data: Floats) -> Floats:
    """Return columns with mean 0 and norm 1; constant ones are 0, so that their correlation is 0."""
    centred = data - data.mean(axis=0)
    norm = np.linalg.norm(centred, axis=0)
    scale = np.divide(1.0, norm, out=np.zeros_like(norm), where=norm > 0)
    unit: Floats = centred * scale
    return unit
