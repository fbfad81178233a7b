from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from simulated_runs import make_run, make_runs, smooth_noise

from bids_eeg2fmri.errors import BadDataError, UsageError
from bids_eeg2fmri.evaluation.baselines import TaskDesign
from bids_eeg2fmri.models.ridge import Ridge
from bids_eeg2fmri.records import AlignedRun, Entities
from bids_eeg2fmri.settings import EvaluationSettings
from bids_eeg2fmri.training.beside_task import BesideTask
from bids_eeg2fmri.training.controls import control_targets, reverse_time, run_controls
from bids_eeg2fmri.training.crossvalidation import cross_validate
from bids_eeg2fmri.training.splits import choose_splits
from bids_eeg2fmri.training.testing import try_baselines, try_model
from bids_eeg2fmri.training.wrong_runs import arrange_wrong_runs, holds_out_runs


def task_runs(n_runs: int = 3, **options: object) -> list[AlignedRun]:
    """Return runs in which BOLD follows both the EEG and the task."""
    runs = make_runs(n_runs, **options)
    return [replace(run, bold=run.bold + 1.5 * run.design) for run in runs]


def test_a_model_beside_the_task_explains_more_than_the_task() -> None:
    runs = task_runs(n_volumes=100)
    trial = try_model(Ridge(), runs, choose_splits(runs), EvaluationSettings(n_nulls=50), seed=0)
    score = next(s for s in trial.evaluation.scores if (s.region, s.run) == ("mean", "all"))
    assert score.r2_gain > 0.05
    without = try_model(
        Ridge(), runs, choose_splits(runs), EvaluationSettings(n_nulls=50, task_gain=False), seed=0
    )
    assert all(np.isnan(s.r2_gain) for s in without.evaluation.scores)


def test_the_part_beside_the_task_learns_what_the_task_leaves() -> None:
    runs = task_runs()
    generator = np.random.default_rng(0)
    both = BesideTask(Ridge()).fit(runs, rng=generator)
    task = TaskDesign().fit(runs, rng=generator)
    left = [replace(run, bold=run.bold - task.predict(run)) for run in runs]
    alone = Ridge().fit(left, rng=generator)
    np.testing.assert_allclose(both.predict(runs[0]), task.predict(runs[0]) + alone.predict(runs[0]))
    assert set(both.tensors()) >= {"task.weights", "task.offset"}


def test_wrong_runs_come_from_models_that_have_not_seen_the_run() -> None:
    runs = make_runs(3)
    splits = choose_splits(runs)
    assert holds_out_runs(splits)
    tested = cross_validate(Ridge(), runs, splits, seed=0, every_run=True)
    wrong = arrange_wrong_runs(tested.of_every_run, splits)
    for k in range(3):
        np.testing.assert_allclose(wrong[k][k], tested.predictions.values[k])
        np.testing.assert_allclose(wrong[k][(k + 1) % 3], tested.fitted[k].predict(runs[(k + 1) % 3]))
    assert not holds_out_runs(choose_splits(runs, scheme="block"))
    assert not holds_out_runs(choose_splits(runs[:1]))


def test_refits_are_made_only_of_models_that_allow_it() -> None:
    class Cheap(Ridge):
        is_cheap = True

    runs = make_runs(2)
    settings = EvaluationSettings(n_nulls=20, refit_nulls=3, task_gain=False)
    for predictor, expected in (
        (Cheap(), 3),
        (type("Dear", (Ridge,), {"regions_are_independent": False})(), 0),
    ):
        trial = try_model(predictor, runs, choose_splits(runs), settings, seed=0)
        refits = [t for t in trial.evaluation.nulls if t.null == "refit"]
        assert {t.n_draws for t in refits} == ({3} if expected else set())


def test_baselines_are_tested_by_refits() -> None:
    trials = try_baselines(task_runs(), choose_splits(task_runs()), EvaluationSettings(n_nulls=50), seed=0)
    assert [t.predictions.model for t in trials] == ["task", "nuisance", "tasknuisance", "drift"]
    task = trials[0].evaluation
    refit = next(t for t in task.nulls if (t.null, t.region, t.measure) == ("refit", "mean", "r"))
    score = next(s for s in task.scores if (s.run, s.region) == ("all", "mean"))
    assert refit.n_draws == 199
    assert score.p == refit.p < 0.05


def test_reversing_time_twice_changes_nothing() -> None:
    run = make_run(np.random.default_rng(0))
    run = replace(run, volume_samples=run.volume_samples - 37)
    there = reverse_time(run)
    k = 7
    sample, mirrored = run.volume_samples[k], there.volume_samples[run.n_volumes - 1 - k]
    assert there.eeg[1, mirrored] == run.eeg[1, sample]
    np.testing.assert_array_equal(there.bold[run.n_volumes - 1 - k], run.bold[k])
    back = reverse_time(there)
    np.testing.assert_array_equal(back.eeg, run.eeg)
    np.testing.assert_array_equal(back.volume_samples, run.volume_samples)
    np.testing.assert_array_equal(back.bold, run.bold)


def test_controls_fail_where_the_model_succeeds() -> None:
    runs = [
        replace(
            run,
            nuisance=smooth_noise(np.random.default_rng(k), run.n_volumes, 2),
            nuisance_names=("white_matter", "trans_x"),
        )
        for k, run in enumerate(make_runs(3, n_volumes=120))
    ]
    splits = choose_splits(runs)
    settings = EvaluationSettings(n_nulls=50, task_gain=False)
    real = try_model(Ridge(), runs, splits, settings, seed=0).evaluation
    targets = [control_targets(run) for run in runs]
    assert targets[0][1] == ("white_matter",)
    found = run_controls(Ridge(), runs, targets, splits, settings, real=real, seed=0)
    by_name = {(c.control, c.target): c for c in found}
    assert set(by_name) == {
        ("other target", "white_matter"),
        ("reversed time", "mean"),
        ("wrong run", "mean"),
    }
    r = next(s.r for s in real.scores if (s.run, s.region) == ("all", "mean"))
    assert r > 0.5
    assert all(c.r < r / 2 for c in found)
    bare = [(np.zeros((run.n_volumes, 0)), ()) for run in runs]
    assert {c.control for c in run_controls(Ridge(), runs, bare, splits, settings, real=real, seed=0)} == {
        "reversed time",
        "wrong run",
    }


def test_across_tasks_one_is_learned_and_the_other_tested() -> None:
    runs = [
        replace(run, entities=Entities(subject="01", task=task, run=k + 1))
        for k, (run, task) in enumerate(zip(make_runs(4), "aabc", strict=True))
    ]
    (split,) = choose_splits(runs, train_task="a", test_task="b")
    assert split.unit == "task"
    assert [t.mean() for t in split.train] == [1, 1, 0, 0]
    assert [t.mean() for t in split.test] == [0, 0, 1, 0]
    predictions = cross_validate(Ridge(), runs, (split,), seed=0).predictions
    assert [np.isfinite(v).all() for v in predictions.values] == [False, False, True, False]
    settings = EvaluationSettings(n_nulls=20)
    scores = try_model(Ridge(), runs, (split,), settings, seed=0).evaluation.scores
    assert {s.run for s in scores} == {"task-b_run-3", "all"}
    assert {s.held_out for s in scores} == {"task"}
    with pytest.raises(BadDataError, match="no run of task 'z'"):
        choose_splits(runs, train_task="a", test_task="z")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"train_task": "a"}, "belong together"),
        ({"train_task": "a", "test_task": "a"}, "Name two tasks"),
        ({"train_task": "a", "test_task": "b", "cv": "run"}, "cannot be had"),
        ({"refit_nulls": -1}, "0 \\(none\\) to 1000000"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        EvaluationSettings(**options)  # type: ignore[arg-type]
