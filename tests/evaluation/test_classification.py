from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import kstest
from simulated_runs import make_run, smooth_noise
from sklearn import metrics

from bids_eeg2fmri.evaluation.class_nulls import (
    draw_shifts,
    permute_trials,
    permuted_confusions,
    shifted_confusions,
    unrelated_confusions,
)
from bids_eeg2fmri.evaluation.class_scores import evaluate_classes
from bids_eeg2fmri.evaluation.classification import (
    accuracy,
    balanced_accuracy,
    count_confusions,
    macro_f1,
    nominal_chance,
    per_class,
    weighted_kappa,
)
from bids_eeg2fmri.models.class_probabilities import balancing_weights, class_probabilities
from bids_eeg2fmri.records import ClassPredictions
from bids_eeg2fmri.settings import EvaluationSettings, LevelsSettings
from bids_eeg2fmri.training.level_rule import learn_levels


@pytest.mark.parametrize("seed", range(4))
def test_figures_are_those_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n_classes = 2 + seed
    true = rng.integers(0, n_classes, 60)
    said = np.where(rng.random(60) < 0.5, true, rng.integers(0, n_classes, 60))
    (confusion,) = count_confusions(true[:, None], said[:, None], n_classes)
    np.testing.assert_array_equal(confusion, metrics.confusion_matrix(true, said, labels=range(n_classes)))
    assert accuracy(confusion) == pytest.approx(metrics.accuracy_score(true, said))
    assert balanced_accuracy(confusion) == pytest.approx(metrics.balanced_accuracy_score(true, said))
    assert macro_f1(confusion) == pytest.approx(metrics.f1_score(true, said, average="macro"))
    assert weighted_kappa(confusion) == pytest.approx(
        metrics.cohen_kappa_score(true, said, weights="quadratic")
    )
    expected = metrics.precision_recall_fscore_support(true, said, zero_division=np.nan)
    for name, values in zip(("precision", "recall", "f1", "support"), expected, strict=True):
        np.testing.assert_allclose(per_class(confusion)[name], values)


def test_classes_that_do_not_occur_count_for_nothing() -> None:
    confusion = np.array([[8.0, 2, 0], [5, 5, 0], [0, 0, 0]])
    assert balanced_accuracy(confusion) == pytest.approx((0.8 + 0.5) / 2)
    assert nominal_chance(confusion) == 0.5
    assert np.isnan(per_class(confusion)["recall"][2])
    assert np.isnan(weighted_kappa(np.array([[3.0, 0], [0, 0]])))
    skipped = count_confusions(np.array([[0], [-1], [1]]), np.array([[0], [1], [-1]]), 2)
    np.testing.assert_array_equal(skipped[0], [[1, 0], [0, 0]])


def test_shifted_confusions_are_those_counted_one_by_one() -> None:
    rng = np.random.default_rng(0)
    labels, said = [rng.integers(0, 3, n) for n in (40, 31)], [rng.integers(0, 3, n) for n in (40, 31)]
    shifts = draw_shifts([40, 31], [2.0, 2.0], n_nulls=20, min_shift=20.0, rng=rng)
    assert all(s.min() >= 10 and s.max() <= n - 10 for s, n in zip(shifts, (40, 31), strict=True))
    fast = shifted_confusions(labels, said, shifts, n_classes=3)
    for draw in range(20):
        slow = sum(
            count_confusions(a[:, None], np.roll(b, s[draw])[:, None], 3)[0]
            for a, b, s in zip(labels, said, shifts, strict=True)
        )
        np.testing.assert_array_equal(fast[draw], slow)
    # All shifts of every run together are what unrelated sides give, for every figure.
    whole = [np.arange(40), np.zeros(40, dtype=int)]
    every = shifted_confusions(labels, said, whole, n_classes=3)
    alone = shifted_confusions(labels[1:], said[1:], [np.zeros(1, dtype=int)], n_classes=3)
    unrelated = unrelated_confusions(labels[:1], said[:1], 3)
    np.testing.assert_allclose((every - alone).mean(axis=0), unrelated)
    for figure in (accuracy, balanced_accuracy, macro_f1, weighted_kappa):
        assert figure(every - alone).mean() == pytest.approx(figure(unrelated))


def test_trials_are_permuted_as_wholes_within_runs() -> None:
    rng = np.random.default_rng(1)
    trials = np.repeat([3, 5, 8, 9], [2, 3, 1, 4])
    labels = np.repeat([0, 1, 1, 0], [2, 3, 1, 4])
    drawn = {tuple(permute_trials(trials, labels, rng)) for _ in range(200)}
    assert len(drawn) == 6
    for values in drawn:
        assert all(len(set(np.array(values)[trials == t])) == 1 for t in np.unique(trials))
    confusions = permuted_confusions([trials], [labels], [labels], n_classes=2, n_nulls=50, rng=rng)
    assert np.all(confusions.sum(axis=(1, 2)) == 10)
    assert balanced_accuracy(confusions).max() == 1.0
    assert balanced_accuracy(confusions).min() == 0.0


def test_probabilities_add_up_whatever_the_network_says() -> None:
    logits = np.random.default_rng(0).normal(0, 5, (50, 3, 4))
    for ordinal, n_classes in ((True, 5), (False, 4)):
        p = class_probabilities(logits, ordinal=ordinal)
        assert p.shape == (50, 3, n_classes)
        assert p.min() >= 0
        np.testing.assert_allclose(p.sum(axis=2), 1)
    np.testing.assert_allclose(
        class_probabilities(np.array([20.0, -20.0]), ordinal=True), [0, 1, 0], atol=1e-6
    )


def test_balanced_classes_weigh_the_same() -> None:
    labels = np.array([[0], [0], [0], [1], [-1]])
    weights = balancing_weights(labels, 3, balance=True)[:, 0]
    assert weights[labels[:, 0] == 0].sum() == pytest.approx(weights[labels[:, 0] == 1].sum())
    assert weights.sum() == pytest.approx(4)
    assert weights[4] == 0
    np.testing.assert_array_equal(balancing_weights(labels, 3, balance=False)[:, 0], [1, 1, 1, 1, 0])


def null_levels(seed: int, *, n_runs: int = 5, n_volumes: int = 100) -> ClassPredictions:
    """Return levels of autocorrelated BOLD and of its prediction by regression on unrelated series.

    Each run is predicted with weights from the others, as in a cross-validation.
    """
    rng = np.random.default_rng([13, seed])
    x = [smooth_noise(rng, n_volumes, 8) for _ in range(n_runs)]
    y = [smooth_noise(rng, n_volumes, 1) for _ in range(n_runs)]
    x, y = ([v - v.mean(axis=0) for v in side] for side in (x, y))
    runs, labels, probabilities = [], [], []
    for k in range(n_runs):
        others = [j for j in range(n_runs) if j != k]
        weights = np.linalg.lstsq(
            np.concatenate([x[j] for j in others]), np.concatenate([y[j] for j in others]), rcond=None
        )[0]
        empty = make_run(rng, run=k + 1, n_volumes=n_volumes, n_regions=1, n_channels=1)
        said = replace(empty, bold=x[k] @ weights)
        known = replace(empty, bold=y[k])
        settings, everything = LevelsSettings(n=3, scale="run"), np.ones(n_volumes, dtype=bool)
        labels.append(learn_levels([known], settings).cut(known, everything))
        taken = learn_levels([said], settings).cut(said, everything)
        probabilities.append(np.eye(3)[taken])
        runs.append(known)
    return ClassPredictions(
        model="m",
        runs=tuple(runs),
        target_names=("r0",),
        class_names=("0", "1", "2"),
        labels=tuple(labels),
        probabilities=tuple(probabilities),
        folds=tuple(np.full(n_volumes, k) for k in range(n_runs)),
        unit="run",
    )


def test_levels_of_null_data_give_uniform_p_values() -> None:
    settings = EvaluationSettings(n_nulls=199)
    found = []
    for seed in range(200):
        evaluation = evaluate_classes(null_levels(seed), settings, rng=np.random.default_rng(seed))
        found.append(next(s for s in evaluation.scores if s.run == "all"))
    for name in ("p", "p_kappa"):
        values = np.array([getattr(s, name) for s in found])
        assert kstest(values, "uniform").pvalue > 0.01, name
        assert 0.01 <= np.mean(values <= 0.05) <= 0.10, name
    difference = np.array([s.balanced_accuracy - s.chance for s in found])
    assert abs(difference.mean()) < 3 * difference.std() / np.sqrt(200)
