from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import kstest
from simulated_runs import make_run, make_runs, smooth_noise

from bids_eeg2fmri.evaluation.baselines import Nuisance
from bids_eeg2fmri.evaluation.metrics import correlate, fisher_z
from bids_eeg2fmri.evaluation.nulls import (
    WIDENING,
    phase_null,
    shift_null,
    widen,
    wrong_run_null,
    wrong_run_widening,
)
from bids_eeg2fmri.evaluation.significance import run_null_tests
from bids_eeg2fmri.evaluation.tested import cross_run_fisher_z
from bids_eeg2fmri.evaluation.tested import tested_runs as select_tested
from bids_eeg2fmri.records import AlignedRun
from bids_eeg2fmri.settings import EvaluationSettings
from bids_eeg2fmri.training.crossvalidation import cross_validate
from bids_eeg2fmri.training.fold_runs import as_fold_runs
from bids_eeg2fmri.training.refit_nulls import run_refit_tests
from bids_eeg2fmri.training.splits import choose_splits
from bids_eeg2fmri.training.wrong_runs import predict_wrong_runs


def rng(*seed: int) -> np.random.Generator:
    return np.random.default_rng(seed or 0)


@pytest.mark.parametrize("n_volumes", [60, 61])
def test_phase_null_is_that_of_surrogates_made_one_by_one(n_volumes: int) -> None:
    x, y = smooth_noise(rng(1), n_volumes, 2), smooth_noise(rng(2), n_volumes, 2)
    fast = phase_null([(x, y)], n_nulls=4000, rng=rng(3))
    generator = rng(4)
    spectrum = np.fft.rfft(x - x.mean(axis=0), axis=0)
    slow = []
    for _ in range(4000):
        turn = np.exp(1j * generator.uniform(0, 2 * np.pi, len(spectrum)))
        turn[0] = 1
        if n_volumes % 2 == 0:
            turn[-1] = generator.choice([-1, 1])
        slow.append(fisher_z(correlate(np.fft.irfft(spectrum * turn[:, None], n=n_volumes, axis=0), y)))
    np.testing.assert_allclose(fast.mean(axis=0), np.mean(slow, axis=0), atol=0.015)
    np.testing.assert_allclose(fast.std(axis=0), np.std(slow, axis=0), rtol=0.05)
    # Regions keep their relation: one region twice gives the same draws twice.
    twice = phase_null([(x[:, [0, 0]], y[:, [0, 0]])], n_nulls=10, rng=rng(5))
    np.testing.assert_allclose(twice[:, 0], twice[:, 1])


def test_wrong_run_draws_leave_no_run_in_its_place() -> None:
    matrix = np.zeros((4, 4, 1))
    matrix[np.arange(4), np.arange(4)] = 100.0
    null = wrong_run_null(matrix, n_nulls=1000, rng=rng())
    assert len(null) == 9
    assert np.all(null == 0)
    assert len(wrong_run_null(np.zeros((8, 8, 1)), n_nulls=50, rng=rng())) == 50
    assert len(wrong_run_null(np.zeros((2, 2, 3)), n_nulls=50, rng=rng())) == 1


def test_wrong_runs_are_compared_as_far_as_the_shorter_goes() -> None:
    runs = [make_run(rng(k), run=k + 1, n_volumes=n) for k, n in enumerate((60, 50))]
    runs[1] = replace(runs[1], weights=np.where(np.arange(50) < 5, 0.0, 1.0))
    wrong = [[run.bold[:, ::-1] for run in runs], [run.bold for run in runs]]
    z = cross_run_fisher_z(runs, wrong, "r")
    expected = fisher_z(correlate(runs[1].bold[5:, ::-1], runs[0].bold[5:50]))
    np.testing.assert_allclose(z[0, 1], expected)


def test_widening_keeps_the_mean() -> None:
    null = rng().normal(0.3, 0.1, (500, 2))
    wide = widen(null)
    np.testing.assert_allclose(wide.mean(axis=0), null.mean(axis=0))
    np.testing.assert_allclose(wide.std(axis=0), WIDENING * null.std(axis=0))
    np.testing.assert_allclose(widen(null, centre=0.0).mean(axis=0), 0, atol=1e-12)
    assert wrong_run_widening(5) == pytest.approx(np.sqrt(3))
    assert wrong_run_widening(1000) == pytest.approx(WIDENING, rel=1e-2)


def test_scores_of_folds_depend_on_each_other_as_the_widening_says() -> None:
    """Without the widening the spread of the mean over runs is missed by the square root of two."""
    statistic, spread = [], []
    for seed in range(150):
        runs = null_runs(seed, n_runs=3)
        values = cross_validate(Nuisance(), runs, choose_splits(runs), seed=0).predictions.values
        pairs = [(v, run.bold) for v, run in zip(values, runs, strict=True)]
        statistic.append(np.mean([fisher_z(correlate(*pair)) for pair in pairs]))
        null = shift_null(pairs, [2.0] * 3, n_nulls=100, min_shift=20, rng=rng(seed))
        spread.append(null.std())
    assert np.std(statistic) / np.mean(spread) == pytest.approx(WIDENING, rel=0.15)


def null_runs(seed: int, n_runs: int) -> list[AlignedRun]:
    """Return autocorrelated runs in which nothing depends on anything."""
    generator = rng(11, seed)
    runs = []
    for k in range(n_runs):
        run = make_run(generator, run=k + 1, n_volumes=100, n_regions=1, n_channels=1, coupling=0.0)
        runs.append(
            replace(
                run,
                design=np.zeros((100, 0)),
                design_names=(),
                nuisance=smooth_noise(generator, 100, 8),
                nuisance_names=tuple(f"n{j}" for j in range(8)),
            )
        )
    return runs


def test_every_null_gives_uniform_p_values_on_null_data() -> None:
    """200 participants without coupling; a linear predictor of 8 series, leave one run out of five."""
    p: dict[str, list[float]] = {}
    settings = EvaluationSettings(n_nulls=199)
    for seed in range(200):
        runs = null_runs(seed, n_runs=5)
        splits = choose_splits(runs)
        tested = cross_validate(Nuisance(), runs, splits, seed=0)
        wrong = predict_wrong_runs(tested.fitted, runs, splits)
        tests = (
            *run_null_tests(
                "m", select_tested(runs, tested.predictions), settings, rng=rng(seed), wrong_runs=wrong
            ),
            *run_refit_tests(
                Nuisance(), as_fold_runs(runs), splits, tested.predictions, settings, n_refits=49, seed=seed
            ),
        )
        for test in tests:
            if (test.region, test.measure) == ("mean", "r"):
                p.setdefault(test.null, []).append(test.p)
    assert set(p) == {"shift", "phase", "wrong-run", "refit"}
    for null, values in p.items():
        assert len(values) == 200
        assert kstest(values, "uniform").pvalue > 0.01, null
        assert 0.01 <= np.mean(np.array(values) <= 0.05) <= 0.10, null


def test_refits_say_the_same_region_by_region_and_many_at_once() -> None:
    class OneByOne(Nuisance):
        regions_are_independent = False

    runs = [
        replace(r, nuisance=smooth_noise(rng(k), 60, 3), nuisance_names=("a", "b", "c"))
        for k, r in enumerate(make_runs(3))
    ]
    splits = choose_splits(runs)
    observed = cross_validate(Nuisance(), runs, splits, seed=0).predictions
    settings = EvaluationSettings()
    many, single = (
        run_refit_tests(baseline, as_fold_runs(runs), splits, observed, settings, n_refits=40, seed=1)
        for baseline in (Nuisance(), OneByOne())
    )
    assert [(t.region, t.measure) for t in many] == [(t.region, t.measure) for t in single]
    for a, b in zip(many, single, strict=True):
        assert a.n_draws == b.n_draws == 40
        assert a.fisher_z == pytest.approx(b.fisher_z)
        assert a.null_sd == pytest.approx(b.null_sd, rel=0.5)
    assert (
        run_refit_tests(Nuisance(), as_fold_runs(runs), splits, observed, settings, n_refits=0, seed=1) == ()
    )


def test_max_t_is_at_least_the_uncorrected_p() -> None:
    runs = make_runs(3, n_regions=6)
    splits = choose_splits(runs)
    runs = [
        replace(r, nuisance=smooth_noise(rng(k), 60, 2), nuisance_names=("a", "b"))
        for k, r in enumerate(runs)
    ]
    tested = cross_validate(Nuisance(), runs, splits, seed=0)
    tests = run_null_tests(
        "m", select_tested(runs, tested.predictions), EvaluationSettings(n_nulls=99), rng=rng()
    )
    regions = [t for t in tests if t.region != "mean"]
    assert len(regions) == 6 * 2 * 2  # regions, nulls, r and r given task
    assert all(t.p_max_t >= t.p for t in regions)
    assert all(np.isnan(t.p_max_t) for t in tests if t.region == "mean")
