from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import pearsonr
from simulated_runs import make_runs, smooth_noise

from bids_eeg2fmri.evaluation.baselines import TaskDesign
from bids_eeg2fmri.evaluation.metrics import correlate, fisher_z, r_squared, remove_design
from bids_eeg2fmri.evaluation.nulls import p_value, shift_null, shifted_correlations
from bids_eeg2fmri.evaluation.scores import evaluate
from bids_eeg2fmri.records import AlignedRun, Predictions, Score
from bids_eeg2fmri.settings import EvaluationSettings


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_correlation_is_pearsons() -> None:
    x, y = rng().normal(size=(50, 3)), rng(1).normal(size=(50, 3))
    np.testing.assert_allclose(correlate(x, y), [pearsonr(a, b)[0] for a, b in zip(x.T, y.T, strict=True)])
    assert np.isnan(correlate(np.ones((50, 1)), y[:, :1]))
    assert np.isnan(correlate(x[:2], y[:2])).all()
    assert np.isfinite(fisher_z(np.array([1.0, -1.0]))).all()


def test_r_squared_compares_with_the_training_mean() -> None:
    y = rng().normal(size=(40, 1))
    assert r_squared(y, y, np.zeros_like(y)) == pytest.approx(1)
    assert r_squared(np.zeros_like(y), y, np.zeros_like(y)) == pytest.approx(0)
    assert r_squared(-y, y, np.zeros_like(y)) == pytest.approx(-3)
    assert np.isnan(r_squared(y, np.zeros_like(y), np.zeros_like(y)))


def test_partial_correlation_is_that_of_the_residuals() -> None:
    design = rng().normal(size=(80, 2))
    x = rng(1).normal(size=(80, 1)) + design @ [[3.0], [1.0]]
    y = rng(2).normal(size=(80, 1)) + design @ [[-2.0], [1.0]]
    inverse = np.linalg.inv(np.corrcoef(np.hstack([x, y, design]).T))
    expected = -inverse[0, 1] / np.sqrt(inverse[0, 0] * inverse[1, 1])
    assert correlate(remove_design(x, design), remove_design(y, design)) == pytest.approx(expected)
    assert np.isnan(correlate(remove_design(design[:, :1], design), y)).all()
    assert np.isnan(remove_design(x[:5], design[:5])).all()


def test_all_shifts_at_once_are_the_shifts_one_by_one() -> None:
    x, y = rng().normal(size=(31, 2)), rng(1).normal(size=(31, 2))
    expected = [correlate(np.roll(x, k, axis=0), y) for k in range(31)]
    np.testing.assert_allclose(shifted_correlations(x, y), expected, atol=1e-12)


def test_shifts_are_at_least_as_long_as_asked() -> None:
    x = smooth_noise(rng(), 100, 1)
    null = shift_null([(x, x)], [2.0], n_nulls=500, min_shift=20.0, rng=rng())
    allowed = fisher_z(shifted_correlations(x, x)[10:91])
    assert np.isin(np.round(null, 9), np.round(allowed, 9)).all()


def test_few_ways_to_shift_are_each_taken_once() -> None:
    pairs = [(smooth_noise(rng(k), 30, 1), smooth_noise(rng(k + 5), 30, 1)) for k in range(2)]
    null = shift_null(pairs, [2.0, 2.0], n_nulls=1000, min_shift=20.0, rng=rng())
    assert len(null) == 11 * 11
    assert len(np.unique(np.round(null, 9))) == 11 * 11
    assert len(shift_null(pairs, [2.0, 2.0], n_nulls=100, min_shift=20.0, rng=rng())) == 100
    assert len(shift_null(pairs[:1], [2.0], n_nulls=1000, min_shift=60.0, rng=rng())) == 1


def test_p_values_are_never_zero_and_uniform_under_the_null() -> None:
    assert p_value(np.array([9.0]), np.zeros((99, 1))) == pytest.approx(0.01)
    generator = rng(4)
    p = []
    for _ in range(300):
        pairs = [(smooth_noise(generator, 80, 1), smooth_noise(generator, 80, 1)) for _ in range(2)]
        observed = np.mean([fisher_z(correlate(*pair)) for pair in pairs], axis=0)
        null = shift_null(pairs, [2.0, 2.0], n_nulls=99, min_shift=20.0, rng=generator)
        p.append(float(p_value(observed, null)[0]))
    assert 0.02 < np.mean(np.array(p) <= 0.05) < 0.09
    assert 0.44 < np.mean(p) < 0.56


def test_task_baseline_fits_shared_conditions() -> None:
    runs = [replace(run, bold=3 * run.design + 1.0 + np.zeros((1, 2))) for run in make_runs(2)]
    fitted = TaskDesign().fit(runs, rng=rng())
    np.testing.assert_allclose(fitted.predict(runs[0]), runs[0].bold, atol=1e-9)
    restored = TaskDesign().restore(fitted.tensors())
    np.testing.assert_array_equal(restored.predict(runs[1]), fitted.predict(runs[1]))
    bare = [replace(run, design=np.zeros((60, 0)), design_names=()) for run in runs]
    np.testing.assert_allclose(
        TaskDesign().fit(bare, rng=rng()).predict(bare[0]), runs[0].bold.mean(), atol=1.0
    )
    assert np.all(fitted.predict(bare[0]) == fitted.offset)


def scored(
    runs: list[AlignedRun], values: list[np.ndarray], n_nulls: int = 199
) -> dict[tuple[str, str], Score]:
    """Return the scores of given predictions by region and run."""
    predictions = Predictions(
        model="m",
        values=tuple(values),
        training_means=tuple(np.zeros_like(v) for v in values),
        folds=tuple(np.zeros(len(v), dtype=np.int64) for v in values),
    )
    evaluation = evaluate(runs, predictions, EvaluationSettings(n_nulls=n_nulls), rng=rng())
    return {(s.region, s.run): s for s in evaluation.scores}


def test_scores_per_run_and_over_runs() -> None:
    runs = make_runs(3)
    noise = rng(5)
    values = [run.bold + noise.normal(size=run.bold.shape) for run in runs]
    found = scored(runs, values)
    assert len(found) == 4 * 3
    r = [correlate(v, run.bold)[0] for v, run in zip(values, runs, strict=True)]
    assert found["r0", "task-a_run-2"].r == pytest.approx(r[1])
    assert found["r0", "all"].fisher_z == pytest.approx(np.arctanh(r).mean())
    assert found["mean", "all"].fisher_z == pytest.approx(
        (found["r0", "all"].fisher_z + found["r1", "all"].fisher_z) / 2
    )
    assert found["r0", "all"].p == pytest.approx(1 / 200)
    assert found["mean", "all"].p == pytest.approx(1 / 200)
    assert np.isnan(found["r0", "task-a_run-1"].p)
    assert found["r0", "all"].r2 > 0.2


def test_a_run_in_which_nothing_is_predicted_counts_as_0_and_is_not_left_out() -> None:
    runs = make_runs(3)
    noise = rng(5)
    values = [run.bold + noise.normal(size=run.bold.shape) for run in runs]
    r = [correlate(v, run.bold)[0] for v, run in zip(values, runs, strict=True)]
    values[1] = np.full_like(values[1], 0.3)
    found = scored(runs, values)
    for region in ("r0", "mean"):
        assert found[region, "task-a_run-2"].r == 0
        assert found[region, "task-a_run-2"].r_given_task == 0
    assert found["r0", "all"].fisher_z == pytest.approx((np.arctanh(r[0]) + np.arctanh(r[2])) / 3)
    assert found["r0", "all"].p == pytest.approx(1 / 200)
    nothing = scored(runs, [np.zeros_like(v) for v in values])["mean", "all"]
    assert (nothing.r, nothing.p) == (0, 1), "against every null, which is 0 too"
    dead = [replace(run, bold=run.bold * [0, 1]) for run in runs]
    found = scored(dead, values)
    assert np.isnan(found["r0", "task-a_run-2"].r), "no BOLD to be predicted"
    assert found["r1", "task-a_run-2"].r == 0


def test_a_baseline_without_regressors_has_no_score() -> None:
    runs = [replace(run, design=np.zeros((60, 0)), design_names=()) for run in make_runs(2)]
    predictions = Predictions(
        model="task",
        values=tuple(np.ones_like(run.bold) for run in runs),
        training_means=tuple(np.zeros_like(run.bold) for run in runs),
        folds=tuple(np.zeros(60, dtype=np.int64) for _ in runs),
    )
    scores = evaluate(runs, predictions, EvaluationSettings(n_nulls=9), rng=rng()).scores
    assert all(np.isnan(score.r) and np.isnan(score.p) for score in scores)


def test_what_is_only_task_has_nothing_left_given_the_task() -> None:
    runs = [replace(r, bold=4 * r.design + smooth_noise(rng(k), 60, 2)) for k, r in enumerate(make_runs(3))]
    found = scored(runs, [r.design + rng(k + 9).normal(0, 0.1, (60, 2)) for k, r in enumerate(runs)])
    assert found["mean", "all"].r > 0.6
    assert abs(found["mean", "all"].r_given_task) < 0.2
    exact = scored(runs, [np.repeat(run.design, 2, axis=1) for run in runs])
    assert np.isnan(exact["r0", "all"].r_given_task)
    assert np.isnan(exact["r0", "all"].p_given_task)


def test_volumes_without_weight_or_prediction_do_not_count() -> None:
    runs = make_runs(2)
    values = [run.bold.copy() for run in runs]
    runs[0] = replace(
        runs[0],
        weights=np.where(np.arange(60) < 10, 0.0, 1.0),
        bold=np.where(np.arange(60)[:, None] < 10, 1e9, runs[0].bold),
    )
    found = scored(runs, values)
    assert found["r0", "task-a_run-1"].n_volumes == 50
    assert found["r0", "all"].n_volumes == 110
    assert found["r0", "task-a_run-1"].r == pytest.approx(1, abs=1e-5)


def test_parts_of_a_run_are_correlated_about_their_own_means() -> None:
    """The mean of the training data alone, fold by fold, must not give a (negative) correlation."""
    (run,) = make_runs(1, n_volumes=100)
    folds = np.arange(100) // 20
    values = np.array([run.bold[folds != fold].mean(axis=0) for fold in folds])
    noise = rng(3).normal(size=values.shape)
    predictions = Predictions(
        model="m", values=(100 * values + noise,), training_means=(values,), folds=(folds,), unit="block"
    )
    scores = evaluate([run], predictions, EvaluationSettings(n_nulls=20), rng=rng()).scores
    assert {s.run for s in scores} == {
        "all",
        "task-a_run-1",
        *(f"task-a_run-1 block-{k}" for k in range(1, 6)),
    }
    assert all(abs(s.r) < 0.3 for s in scores if "block" not in s.run)
    assert {s.held_out for s in scores} == {"block"}
    assert correlate(values, run.bold)[0] < -0.3


def test_constant_predictions_score_0() -> None:
    runs = make_runs(2)
    for constant in (0.0, 0.3, -0.0137, 1e-17):
        found = scored(runs, [np.full_like(run.bold, constant) for run in runs])
        assert found["r0", "all"].r == 0
        assert found["r0", "all"].r_given_task == 0
        assert found["mean", "all"].p == 1
        assert np.isnan(found["r0", "all"].best_lag)
