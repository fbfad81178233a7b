"""Train a predictor on every fold and find out what its predictions for unseen data are worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bids_eeg2fmri.evaluation.baselines import BASELINES, TaskDesign
from bids_eeg2fmri.evaluation.scores import evaluate
from bids_eeg2fmri.records import AlignedRun, Evaluation, Predictions, Split
from bids_eeg2fmri.registry import Predictor
from bids_eeg2fmri.settings import EvaluationSettings
from bids_eeg2fmri.training.beside_task import BesideTask
from bids_eeg2fmri.training.crossvalidation import cross_validate
from bids_eeg2fmri.training.fold_runs import FoldRuns, as_fold_runs
from bids_eeg2fmri.training.refit_nulls import run_refit_tests
from bids_eeg2fmri.training.wrong_runs import predict_wrong_runs

#: Refits of the baselines, which cost next to nothing; enough for p = .005.
_BASELINE_REFITS = 199


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trial:
    """What one predictor said of unseen data, and what that is worth."""

    predictions: Predictions
    evaluation: Evaluation


def try_baselines(
    runs: Sequence[AlignedRun] | FoldRuns, splits: Sequence[Split], settings: EvaluationSettings, *, seed: int
) -> tuple[Trial, ...]:
    """Test what can be said without a model of the EEG, on the same folds: task, nuisance, both, drift.

    Their few regressors make surrogate tests with fixed predictions wrong (of one regressor only the sign is
    learned): their p values come from refits.
    """
    data, trials = as_fold_runs(runs), []
    for baseline in BASELINES:
        tested = cross_validate(baseline, data.runs_for, splits, seed=seed)
        refits = run_refit_tests(
            baseline, data, splits, tested.predictions, settings, n_refits=_BASELINE_REFITS, seed=seed
        )
        evaluation = evaluate(
            data.measured, tested.predictions, settings, rng=_generator(seed), refit_nulls=refits
        )
        trials.append(Trial(predictions=tested.predictions, evaluation=evaluation))
    return tuple(trials)


def try_model(
    predictor: Predictor,
    runs: Sequence[AlignedRun] | FoldRuns,
    splits: Sequence[Split],
    settings: EvaluationSettings,
    *,
    seed: int,
    device: str = "cpu",
) -> Trial:
    """Test a model of the EEG: by itself, beside the task design, and against every null asked for."""
    data = as_fold_runs(runs)
    tested = cross_validate(predictor, data.runs_for, splits, seed=seed, device=device)
    can_refit = getattr(predictor, "regions_are_independent", False) or getattr(predictor, "is_cheap", False)
    refits = run_refit_tests(
        predictor,
        data,
        splits,
        tested.predictions,
        settings,
        n_refits=settings.refit_nulls if can_refit else 0,
        seed=seed,
        device=device,
    )
    evaluation = evaluate(
        data.measured,
        tested.predictions,
        settings,
        rng=_generator(seed),
        wrong_runs=predict_wrong_runs(tested.fitted, data.measured, splits),
        refit_nulls=refits,
        beside_task=_beside_task(predictor, data, splits, settings, seed=seed, device=device),
    )
    return Trial(predictions=tested.predictions, evaluation=evaluation)


def _beside_task(
    predictor: Predictor,
    runs: FoldRuns,
    splits: Sequence[Split],
    settings: EvaluationSettings,
    *,
    seed: int,
    device: str,
) -> tuple[Predictions, Predictions] | None:
    """Return the predictions of the task alone, and of task and model; None where there is no task."""
    if not settings.task_gain or not any(run.design_names for run in runs.measured):
        return None
    alone = cross_validate(TaskDesign(), runs.runs_for, splits, seed=seed)
    together = cross_validate(BesideTask(predictor), runs.runs_for, splits, seed=seed, device=device)
    return alone.predictions, together.predictions


def _generator(seed: int) -> np.random.Generator:
    """Return the generator of surrogates: every model meets the same ones."""
    return np.random.default_rng([seed, 1])
