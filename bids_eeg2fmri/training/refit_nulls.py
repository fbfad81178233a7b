"""The most honest null: BOLD that was shifted before anything was trained, and every fold fitted anew."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.evaluation.nulls import allowed_shifts
from bids_eeg2fmri.evaluation.significance import compare_with_null
from bids_eeg2fmri.evaluation.tested import tested_runs
from bids_eeg2fmri.records import MEASURES, AlignedRun, Floats, Measure, NullTest, Predictions, Split
from bids_eeg2fmri.registry import Trainable
from bids_eeg2fmri.settings import EvaluationSettings
from bids_eeg2fmri.training.crossvalidation import cross_validate
from bids_eeg2fmri.training.fold_runs import FoldRuns

_logger = logging.getLogger(__name__)

#: Regions fitted at once by predictors that treat each by itself: bounds the memory.
_MOST_REGIONS = 1200


def run_refit_tests(
    predictor: Trainable,
    runs: FoldRuns,
    splits: Sequence[Split],
    observed: Predictions,
    settings: EvaluationSettings,
    *,
    n_refits: int,
    seed: int,
    device: str = "cpu",
) -> tuple[NullTest, ...]:
    """Test the correlations of a model against those of the same model trained on shifted BOLD.

    In every draw the BOLD of each run is shifted circularly by its own number of volumes, all regions alike,
    and the whole cross-validation is done again. Scores of the runs then depend on each other as they do in
    the real one; nothing is assumed.

    Parameters
    ----------
    predictor : Trainable
        If its class says ``regions_are_independent``, many draws are fitted at once, as further regions.
    observed : Predictions
        The real ones, of the same folds.
    settings : EvaluationSettings
        Smallest shift.
    n_refits : int
    """
    if n_refits < 1:
        return ()
    measured = runs.measured
    rng = np.random.default_rng([seed, 3])
    at_once = 1
    if getattr(predictor, "regions_are_independent", False):
        at_once = max(_MOST_REGIONS // measured[0].bold.shape[1], 1)
    real = _statistics(measured, observed, n_draws=1)
    draws: dict[Measure, list[Floats]] = {measure: [] for measure in MEASURES}
    for first in range(0, n_refits, at_once):
        n_drawn = min(at_once, n_refits - first)
        shifts = [_draw_shifts(run, n_drawn, settings.min_shift, rng) for run in measured]
        surrogates = runs.changed(partial(_shift, shifts=shifts))
        tested = cross_validate(predictor, surrogates.runs_for, splits, seed=seed, device=device)
        for measure, values in _statistics(surrogates.measured, tested.predictions, n_draws=n_drawn).items():
            draws[measure].append(values)
        _logger.info("%s: %d of %d refits", predictor.name, first + n_drawn, n_refits)
    tests: list[NullTest] = []
    for measure in MEASURES:
        statistic, null = real[measure][0], np.concatenate(draws[measure])
        finite = np.isfinite(statistic)
        if finite.any():
            tests += compare_with_null(
                predictor.name, measured[0], measure, "refit", observed=statistic, draws=null[:, finite]
            )
    return tuple(tests)


def _draw_shifts(
    run: AlignedRun, n_draws: int, min_shift: float, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return by how many of its volumes with weight a run is shifted in each draw, (n_draws,)."""
    return rng.choice(allowed_shifts(int((run.weights > 0).sum()), run.tr, min_shift), size=n_draws)


def _shift(k: int, run: AlignedRun, *, shifts: Sequence[NDArray[np.int64]]) -> AlignedRun:
    """Return run ``k`` with one shifted copy of its regions for each draw, side by side."""
    used = np.flatnonzero(run.weights > 0)
    bold = np.zeros((run.n_volumes, len(shifts[k]) * run.bold.shape[1]))
    bold[used] = np.hstack([np.roll(run.bold[used], shift, axis=0) for shift in shifts[k]])
    names = tuple(f"{name} {draw}" for draw in range(len(shifts[k])) for name in run.region_names)
    return replace(run, bold=bold, region_names=names)


def _statistics(
    runs: Sequence[AlignedRun], predictions: Predictions, *, n_draws: int
) -> dict[Measure, Floats]:
    """Return the mean Fisher z over runs of every draw, (n_draws, n_regions), for each measure."""
    tested = tested_runs(runs, predictions)
    statistics: dict[Measure, Floats] = {}
    for measure in MEASURES:
        z = np.mean([part.fisher_z(measure) for part in tested], axis=0)
        statistics[measure] = z.reshape(n_draws, -1)
    return statistics
