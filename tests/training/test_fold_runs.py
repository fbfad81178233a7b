from __future__ import annotations

from dataclasses import replace

import numpy as np
from simulated_runs import make_runs

from bids_eeg2fmri.evaluation.baselines import TaskDesign
from bids_eeg2fmri.models.ridge import Ridge
from bids_eeg2fmri.settings import EvaluationSettings
from bids_eeg2fmri.training.crossvalidation import cross_validate
from bids_eeg2fmri.training.fold_runs import FoldRuns, as_fold_runs
from bids_eeg2fmri.training.refit_nulls import run_refit_tests
from bids_eeg2fmri.training.splits import choose_splits
from bids_eeg2fmri.training.testing import try_model


def test_each_fold_learns_from_its_own_targets() -> None:
    """In the fold that tests a run the sign of the BOLD is turned: so must be the prediction for it."""
    runs = tuple(make_runs(3, n_volumes=80))
    splits = choose_splits(runs)
    folds = {
        split.name: tuple(replace(run, bold=-run.bold) if k == 1 else run for run in runs)
        for k, split in enumerate(splits)
    }
    measured = tuple(folds[split.name][k] for k, split in enumerate(splits))
    data = FoldRuns(measured=measured, folds=folds)
    plain = cross_validate(Ridge(), runs, splits, seed=0).predictions
    trial = try_model(Ridge(), data, splits, EvaluationSettings(n_nulls=20, task_gain=False), seed=0)
    for k, sign in enumerate((1, -1, 1)):
        np.testing.assert_allclose(trial.predictions.values[k], sign * plain.values[k], atol=1e-6)
    r = {s.run: s.r for s in trial.evaluation.scores if s.region == "mean"}
    assert min(r.values()) > 0.4


def test_a_change_reaches_every_fold_and_shared_runs_stay_shared() -> None:
    runs = tuple(make_runs(2))
    data = FoldRuns(measured=runs, folds={"a": runs, "b": (runs[0], replace(runs[1], tr=3.0))})
    changed = data.changed(lambda k, run: replace(run, bold=run.bold + k))
    assert changed.measured[1] is changed.folds["a"][1]
    np.testing.assert_array_equal(changed.folds["b"][1].bold, runs[1].bold + 1)
    assert changed.folds["b"][1].tr == 3.0
    assert as_fold_runs(data) is data


def test_refits_shift_the_targets_of_every_fold() -> None:
    runs = tuple(make_runs(3))
    splits = choose_splits(runs)
    same = FoldRuns(measured=runs, folds={split.name: tuple(replace(r) for r in runs) for split in splits})
    observed = cross_validate(TaskDesign(), runs, splits, seed=0).predictions
    one, two = (
        run_refit_tests(TaskDesign(), data, splits, observed, EvaluationSettings(), n_refits=30, seed=0)
        for data in (as_fold_runs(runs), same)
    )
    assert [(t.region, t.null_sd, t.p) for t in one] == [(t.region, t.null_sd, t.p) for t in two]
