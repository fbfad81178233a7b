"""What a prediction that knows nothing of the BOLD reaches, by surrogates that keep autocorrelation.

Each null returns draws of the statistic, the mean Fisher z over runs. The surrogates leave the trained models
as they are; see :func:`widen` for what that misses and how it is made up for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.evaluation.metrics import fisher_z
from bids_eeg2fmri.records import Floats

#: Draws of phases held at once: bounds the memory.
_PHASE_BATCH = 250
#: Each pair of runs meets twice in a cross-validation, with the same result but for the regularisation.
WIDENING = math.sqrt(2.0)

#: Predicted and measured, each (n_volumes, n_regions), of one run.
Pair = tuple[Floats, Floats]


def shift_null(
    pairs: Sequence[Pair],
    trs: Sequence[float],
    *,
    n_nulls: int,
    min_shift: float,
    rng: np.random.Generator,
) -> Floats:
    """Return the statistic under circular shifts, (at most n_nulls, n_regions).

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
    allowed = [allowed_shifts(len(pair[0]), tr, min_shift) for pair, tr in zip(pairs, trs, strict=True)]
    places = _draw_ways([len(shifts) for shifts in allowed], n_nulls, rng)
    total = np.zeros((len(places[0]), pairs[0][0].shape[1]))
    for (predicted, measured), shifts, place in zip(pairs, allowed, places, strict=True):
        total += fisher_z(shifted_correlations(predicted, measured))[shifts[place]]
    return total / len(pairs)


def phase_null(pairs: Sequence[Pair], *, n_nulls: int, rng: np.random.Generator) -> Floats:
    """Return the statistic with the phases of every prediction randomised, (n_nulls, n_regions).

    The spectrum of each region and the relations between regions stay as they are (Prichard and Theiler 1994,
    10.1103/PhysRevLett.73.951). The correlation with a surrogate is a sum over frequencies, so that no
    surrogate needs to be made.
    """
    total = np.zeros((n_nulls, pairs[0][0].shape[1]))
    for predicted, measured in pairs:
        x, y = _unit_columns(predicted), _unit_columns(measured)
        cross = np.conj(np.fft.rfft(x, axis=0)) * np.fft.rfft(y, axis=0) / len(x)
        has_nyquist = len(x) % 2 == 0
        cross[1 : -1 if has_nyquist else None] *= 2.0  # negative frequencies
        parts = np.concatenate([cross.real, cross.imag])
        for first in range(0, n_nulls, _PHASE_BATCH):
            n_drawn = min(_PHASE_BATCH, n_nulls - first)
            phases = rng.uniform(0, 2 * np.pi, (n_drawn, len(cross)))
            if has_nyquist:
                phases[:, -1] = np.where(phases[:, -1] < np.pi, 0.0, np.pi)
            turns = np.concatenate([np.cos(phases), -np.sin(phases)], axis=1)
            total[first : first + n_drawn] += fisher_z(np.clip(turns @ parts, -1.0, 1.0))
    return total / len(pairs)


def wrong_run_null(correlations: Floats, *, n_nulls: int, rng: np.random.Generator) -> Floats:
    """Return the statistic with the EEG of other runs, (at most n_nulls, n_regions).

    Parameters
    ----------
    correlations : array, shape (n_runs, n_runs, n_regions)
        Fisher z of the BOLD of the first run with what the model that has not seen this run predicts from the
        EEG of the second.

    Notes
    -----
    A draw is a permutation of the runs that leaves none in its place. What is locked to the task is kept
    where the runs have the same design.
    """
    n_runs = len(correlations)
    permutations = _derangements(n_runs, n_nulls, rng)
    rows = np.arange(n_runs)
    drawn: Floats = np.array([correlations[rows, list(p)].mean(axis=0) for p in permutations])
    return drawn.reshape(len(permutations), correlations.shape[2])


def widen(null: Floats, factor: float = WIDENING, *, centre: float | None = None) -> Floats:
    """Return draws of a null spread about their centre as widely as cross-validated scores really are.

    The surrogates take the runs' scores as independent. They are not: run *i* is predicted from the BOLD of
    run *j* and *j* from that of *i*, and for a linear predictor both say the same thing twice. The variance
    of the mean over runs is then twice that of independent scores, whatever their number (as measured with
    ``ridge`` on data without coupling: 1.9 to 2.4 times). Draws with refitted models need no widening.

    Parameters
    ----------
    null : array, shape (n_draws, n_regions)
    factor : float
    centre : float, optional
        Where the null lies if that is known. The correlations of all circular shifts add up to 0, so that
        without the near ones a high correlation leaves the others too low: their centre is 0. Default: the
        mean of the draws.
    """
    mean = null.mean(axis=0)
    widened: Floats = (mean if centre is None else centre) + factor * (null - mean)
    return widened


def wrong_run_widening(n_runs: int) -> float:
    """Return the factor of :func:`widen` for the null of the wrong run.

    Beside what is said there, few runs tell neither the centre nor the spread of this null well: of n scores
    with variance v, each run has n - 1 wrong ones. Their spread within runs is v (n - 2) / (n - 1), and their
    common mean varies by v / (n - 1) as against the 2 v that the real scores vary by.
    """
    return math.sqrt((2 * n_runs - 1) / (n_runs - 2)) if n_runs > 2 else WIDENING


def p_value(observed: Floats, null: Floats) -> Floats:
    """Return one-sided p values, (b + 1) / (n + 1), of (n_regions,) against (n_nulls, n_regions).

    NaN where the observed value is. Phipson and Smyth 2010, 10.2202/1544-6115.1585.
    """
    exceed = (null >= observed - 1e-12).sum(axis=0)
    p: Floats = np.where(np.isfinite(observed), (exceed + 1) / (len(null) + 1), np.nan)
    return p


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


def allowed_shifts(n_volumes: int, tr: float, min_shift: float) -> NDArray[np.int64]:
    """Return the shifts (volumes) that are at least ``min_shift`` s away from none, in either direction."""
    least = min(math.ceil(min_shift / tr), n_volumes // 2)
    return np.arange(max(least, 1), max(n_volumes - least, least) + 1, dtype=np.int64) % n_volumes


def _draw_ways(
    counts: Sequence[int], n_nulls: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], ...]:
    """Return for each run which of its shifts each draw takes; all combinations once where they are few."""
    n_ways = math.prod(counts)
    if n_ways <= n_nulls:
        return tuple(np.unravel_index(np.arange(n_ways), counts))
    return tuple(rng.integers(0, count, size=n_nulls) for count in counts)


def _derangements(n: int, n_nulls: int, rng: np.random.Generator) -> list[tuple[int, ...]]:
    """Return permutations without a fixed point: all where they are at most ``n_nulls``, else drawn ones."""
    if round(math.factorial(n) / math.e) <= n_nulls:
        return _all_derangements(n)
    drawn: list[tuple[int, ...]] = []
    while len(drawn) < n_nulls:  # more than a third of all permutations qualify
        permutation = rng.permutation(n)
        if not np.any(permutation == np.arange(n)):
            drawn.append(tuple(int(k) for k in permutation))
    return drawn


def _all_derangements(n: int) -> list[tuple[int, ...]]:
    """Return every permutation of 0 to n - 1 that leaves no number in its place."""
    found: list[tuple[int, ...]] = [()]
    for place in range(n):
        found = [(*head, k) for head in found for k in range(n) if k != place and k not in head]
    return found


def _unit_columns(data: Floats) -> Floats:
    """Return columns with mean 0 and norm 1; constant ones are 0, so that their correlation is 0."""
    centred = data - data.mean(axis=0)
    norm = np.linalg.norm(centred, axis=0)
    scale = np.divide(1.0, norm, out=np.zeros_like(norm), where=norm > 0)
    unit: Floats = centred * scale
    return unit
