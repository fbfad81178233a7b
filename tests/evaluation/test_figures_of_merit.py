from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from simulated_runs import make_run, make_runs, smooth_noise

from bids_eeg2fmri.evaluation.baselines import BASELINES, Drift, Nuisance, TaskNuisance
from bids_eeg2fmri.evaluation.bootstrap import confidence_interval
from bids_eeg2fmri.evaluation.coherence import coherence_in_band
from bids_eeg2fmri.evaluation.lags import best_lag, trace_lags
from bids_eeg2fmri.evaluation.metrics import (
    autocorrelation,
    calibration_slope,
    change_accuracy,
    concordance,
    correlate,
    effective_samples,
    mean_squared_error,
)
from bids_eeg2fmri.evaluation.nuisance import add_nuisance
from bids_eeg2fmri.evaluation.scores import evaluate
from bids_eeg2fmri.records import AlignedRun, Evaluation, Predictions
from bids_eeg2fmri.settings import EvaluationSettings


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_concordance_is_less_than_r_where_scale_or_mean_differ() -> None:
    y = rng().normal(size=(200, 1))
    assert concordance(y, y) == pytest.approx(1)
    y = y - y.mean()
    assert concordance(2 * y, y) == pytest.approx(0.8)
    shifted = concordance(y + 1, y)
    assert shifted == pytest.approx(2 * y.var() / (2 * y.var() + 1))
    assert np.isnan(concordance(np.ones((9, 1)), np.ones((9, 1))))


def test_slope_and_error_are_those_of_a_regression() -> None:
    x, noise = rng().normal(size=(500, 1)), rng(1).normal(size=(500, 1))
    y = 0.4 * x + 0.1 * noise + 3
    assert calibration_slope(x, y) == pytest.approx(np.polyfit(x[:, 0], y[:, 0], 1)[0])
    assert np.isnan(calibration_slope(np.full_like(x, 0.3), y))
    assert mean_squared_error(x, x + 2) == pytest.approx(4)


def test_change_accuracy_counts_directions() -> None:
    steps = np.array([1.0, 1, -1, 1, -1, -1, 1, 1])
    x = np.cumsum(steps)[:, None]
    y = np.cumsum(steps * [1, 1, 1, -1, 1, 1, 1, 1])[:, None]
    assert change_accuracy(x, x, step=1) == 1
    assert change_accuracy(x, -x, step=1) == 0
    assert change_accuracy(x, y, step=1) == pytest.approx(6 / 7)
    assert np.isnan(change_accuracy(x, np.ones_like(x), step=1))
    assert np.isnan(change_accuracy(x, x, step=8))


def test_effective_samples_shrink_with_autocorrelation() -> None:
    white = [rng(k).normal(size=(400, 1)) for k in range(2)]
    assert effective_samples(*white) > 300
    smooth = [smooth_noise(rng(k), 400, 20) for k in range(2)]
    expected = 400 * (1 - 0.64) / (1 + 0.64)  # AR(1) with .8 on both sides
    assert effective_samples(*smooth).mean() == pytest.approx(expected, rel=0.3)
    x = smooth[0][:, :1]
    centred = x - x.mean()
    lag_3 = (centred[3:] * centred[:-3]).sum() / (centred**2).sum()
    assert autocorrelation(x)[3] == pytest.approx(lag_3)


def test_coherence_is_high_for_a_delayed_copy_and_near_zero_for_noise() -> None:
    copies = []
    for k in range(4):
        x = smooth_noise(rng(k), 203, 1)
        copies.append((x[3:], x[:-3] + 0.1 * rng(k + 9).normal(size=(200, 1))))
    assert coherence_in_band(copies, [2.0] * 4) > 0.8
    chance = [
        coherence_in_band(
            [
                (smooth_noise(rng(k), 150, 1), smooth_noise(rng(k + 99), 150, 1))
                for k in range(3 * j, 3 * j + 3)
            ],
            [2.0] * 3,
        )[0]
        for j in range(30)
    ]
    assert abs(np.mean(chance)) < 0.03
    assert np.isnan(coherence_in_band([(x[:40], x[:40])], [2.0])).all()


def test_coherence_takes_runs_of_different_tr() -> None:
    fine = smooth_noise(rng(3), 300, 1, memory=0.9)
    pairs = [(fine, fine), (fine[::2], fine[::2])]
    assert coherence_in_band(pairs, [1.0, 2.0]) == pytest.approx(1)


@pytest.mark.parametrize("delay", [-3, 0, 4])
def test_best_lag_is_the_delay_of_the_measured(delay: int) -> None:
    pairs = []
    for k in range(3):
        x = smooth_noise(rng(k), 120, 2)
        pairs.append((x, np.roll(x, delay, axis=0)))
    curve = trace_lags(pairs, [2.0] * 3)
    np.testing.assert_array_equal(best_lag(curve), 2.0 * delay)
    assert curve.lags[0] == -20
    assert (curve.r.max(axis=0) > curve.null_high).all()


def test_lag_curve_of_noise_stays_within_its_band() -> None:
    outside = []
    for k in range(40):
        pairs = [(smooth_noise(rng((k, j)), 150, 1), smooth_noise(rng((k, j, 1)), 150, 1)) for j in range(3)]
        curve = trace_lags(pairs, [2.0] * 3)
        outside.append((curve.r[:, 0] > curve.null_high[0]).mean())
    assert np.mean(outside) < 0.05
    short = trace_lags([(np.ones((5, 1)), np.ones((5, 1)))], [2.0])
    assert np.isnan(best_lag(short)).all()


def test_confidence_interval_covers_r_as_often_as_it_says() -> None:
    inside = []
    for k in range(150):
        generator = rng(k)
        pairs = []
        for _ in range(3):
            common = smooth_noise(generator, 100, 1, memory=0.5)
            pairs.append(tuple(common + smooth_noise(generator, 100, 1, memory=0.5) for _ in range(2)))
        low, high = confidence_interval(pairs, [2.0] * 3, rng=generator)
        inside.append(bool(low[0] < 0.5 < high[0]))
    assert 0.85 < np.mean(inside) <= 1
    assert np.all(low < high)


def with_artefacts(run: AlignedRun) -> AlignedRun:
    """Return the run with nuisance as it comes from the two halves, and places on the scalp."""
    n = run.n_volumes
    columns = {
        "trans_x": np.linspace(0, 1, n),
        "framewise_displacement": rng(1).exponential(size=n),
        "heart_rate": 60 + smooth_noise(rng(2), n),
        "white_matter": smooth_noise(rng(3), n),
        "rot_x": np.zeros(n),
    }
    positions = rng(4).normal(size=(len(run.channel_names), 3))
    return replace(
        run,
        nuisance=np.column_stack(list(columns.values())),
        nuisance_names=tuple(columns),
        positions=positions,
    )


def test_nuisance_holds_what_couples_without_a_brain() -> None:
    run = add_nuisance(with_artefacts(make_run(rng(), n_volumes=80)))
    assert set(run.nuisance_names) == {
        "trans_x",
        "framewise_displacement",
        "framewise_displacement_response",
        "heart_rate_response",
        "muscle",
        "blinks",
    }
    np.testing.assert_allclose(run.nuisance.mean(axis=0), 0, atol=1e-9)
    assert add_nuisance(make_run(rng(), n_volumes=80)).nuisance_names == ("muscle",)


def test_muscle_series_follows_bursts_with_the_haemodynamic_delay() -> None:
    run = make_run(rng(), n_volumes=80)
    eeg = run.eeg.copy()
    onset = 60.0
    samples = slice(int((onset + 5) * 100), int((onset + 7) * 100))
    eeg[:, samples] += 100 * rng(1).normal(size=(len(eeg), 200)).astype(np.float32)
    found = add_nuisance(replace(run, eeg=eeg))
    series = found.nuisance[:, found.nuisance_names.index("muscle")]
    assert 3 <= np.argmax(series) * run.tr - onset <= 9
    before = series[: int(onset / run.tr)]
    assert np.ptp(before) < 0.2 * np.ptp(series)


def evaluated(runs: list[AlignedRun], values: list[np.ndarray], **options: object) -> Evaluation:
    """Return the evaluation of given predictions, each run held out."""
    predictions = Predictions(
        model="m",
        values=tuple(values),
        training_means=tuple(np.zeros_like(v) for v in values),
        folds=tuple(np.full(len(v), k, dtype=np.int64) for k, v in enumerate(values)),
    )
    return evaluate(runs, predictions, EvaluationSettings(n_nulls=99), rng=rng(), **options)  # type: ignore[arg-type]


def test_what_is_only_nuisance_has_nothing_left_given_it() -> None:
    runs = [add_nuisance(with_artefacts(run)) for run in make_runs(3, n_volumes=100)]
    k = runs[0].nuisance_names.index("framewise_displacement_response")
    runs = [
        replace(r, bold=5 * r.nuisance[:, [k]] + smooth_noise(rng(j), 100, 2)) for j, r in enumerate(runs)
    ]
    values = [r.nuisance[:, [k]] + rng(j).normal(0, 0.02, (100, 2)) for j, r in enumerate(runs)]
    found = {(s.region, s.run): s for s in evaluated(runs, values).scores}["mean", "all"]
    assert found.r > 0.5
    assert found.r_given_task > 0.5
    assert abs(found.r_given_task_nuisance) < 0.2
    assert found.p_given_task == pytest.approx(0.01)
    assert found.p_given_task_nuisance > 0.05


def test_sessions_have_scores_of_their_own() -> None:
    sessions = ["1", "1", "2", "2"]
    runs = [make_run(rng(k), run=k % 2 + 1, session=s, n_volumes=60) for k, s in enumerate(sessions)]
    values = [run.bold + rng(k).normal(0, 1 + k, run.bold.shape) for k, run in enumerate(runs)]
    found = {(s.region, s.run): s for s in evaluated(runs, values).scores}
    first = [found["r0", f"ses-1_task-a_run-{k}"].fisher_z for k in (1, 2)]
    assert found["r0", "ses-1"].fisher_z == pytest.approx(np.mean(first))
    assert found["r0", "ses-1"].fisher_z_sd == pytest.approx(np.std(first, ddof=1))
    assert found["r0", "ses-2"].n_volumes == 120
    assert np.isnan(found["r0", "ses-2"].p)
    whole = found["r0", "all"]
    assert whole.r_low < whole.r < whole.r_high
    for name in ("mse", "ccc", "slope", "change_accuracy", "n_effective"):
        assert np.isfinite(getattr(whole, name)), name


def test_runs_of_different_length_and_tr_are_scored_together() -> None:
    runs = [make_run(rng(1), run=1, n_volumes=60), make_run(rng(2), run=2, n_volumes=90, tr=1.5)]
    values = [run.bold + rng(k).normal(size=run.bold.shape) for k, run in enumerate(runs)]
    evaluation = evaluated(runs, values)
    assert {s.n_volumes for s in evaluation.scores} == {60, 90, 150}
    assert all(np.isfinite(s.p) for s in evaluation.scores if s.run == "all")


def test_specificity_is_high_on_the_diagonal_alone() -> None:
    runs = [replace(r, bold=smooth_noise(rng(k), 60, 2)) for k, r in enumerate(make_runs(3))]
    evaluation = evaluated(runs, [r.bold + rng(k).normal(size=(60, 2)) for k, r in enumerate(runs)])
    assert np.diag(evaluation.specificity).min() > 0.6
    assert np.abs(evaluation.specificity[~np.eye(2, dtype=bool)]).max() < 0.4
    own = {s.region: s.r for s in evaluation.scores if s.run == "all"}
    np.testing.assert_allclose(np.diag(evaluation.specificity), [own["r0"], own["r1"]])
    assert correlate(runs[0].bold, runs[0].bold)[0] == pytest.approx(1)


def test_baselines_fit_what_they_name() -> None:
    runs = [add_nuisance(with_artefacts(run)) for run in make_runs(2, n_volumes=80)]
    time = np.linspace(-1, 1, 80)[:, None]
    made = {
        "drift": [replace(r, bold=np.repeat(time**3 + time, 2, axis=1)) for r in runs],
        "nuisance": [replace(r, bold=r.nuisance[:, :2] @ [[1.0, 2.0], [0.0, 1.0]]) for r in runs],
        "tasknuisance": [replace(r, bold=r.nuisance[:, :2] + r.design) for r in runs],
    }
    for baseline in (Drift(), Nuisance(), TaskNuisance()):
        own = made[baseline.name]
        np.testing.assert_allclose(
            baseline.fit(own, rng=rng()).predict(own[1]), own[1].bold, atol=1e-6, err_msg=baseline.name
        )
    assert [b.name for b in BASELINES] == ["task", "nuisance", "tasknuisance", "drift"]
