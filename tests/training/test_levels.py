from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from simulated_runs import make_run, make_runs

from bids_eeg2fmri.errors import UsageError
from bids_eeg2fmri.evaluation.class_scores import evaluate_classes
from bids_eeg2fmri.evaluation.scores import evaluate
from bids_eeg2fmri.models.eegnet_classifier import EegNetClassifier
from bids_eeg2fmri.models.hrfnet_classifier import HrfNetClassifier
from bids_eeg2fmri.models.logistic import Logistic
from bids_eeg2fmri.records import AlignedRun, ClassEvaluation, ClassScore, Entities
from bids_eeg2fmri.registry import Classifier
from bids_eeg2fmri.settings import EvaluationSettings, LevelsSettings
from bids_eeg2fmri.training.level_rule import learn_levels
from bids_eeg2fmri.training.levels import cross_validate_levels, fit_levels
from bids_eeg2fmri.training.splits import choose_splits

QUICK = Logistic(penalties=(1.0, 10.0, 100.0))


def score(classifier: Classifier, runs: list[AlignedRun]) -> tuple[ClassScore, ClassEvaluation]:
    tested = cross_validate_levels(classifier, runs, choose_splits(runs), LevelsSettings(), seed=0)
    rng = np.random.default_rng(0)
    nulls = EvaluationSettings(n_nulls=99)
    expected = evaluate(runs, tested.expected, nulls, rng=rng)
    evaluation = evaluate_classes(tested.predictions, nulls, rng=rng, expected=expected)
    return next(s for s in evaluation.scores if (s.run, s.region) == ("all", "mean")), evaluation


def test_levels_are_of_equal_width_between_the_training_extremes() -> None:
    runs = make_runs(2, n_regions=1)
    rule = learn_levels(runs[:1], LevelsSettings(n=4))
    low, high = runs[0].bold.min(), runs[0].bold.max()
    values = np.array([low - 9, low, low + 0.26 * (high - low), high - 1e-9, high + 9])
    run = replace(make_run(np.random.default_rng(0), n_volumes=5, n_regions=1), bold=values[:, None])
    wanted = np.array([True, True, True, True, False])
    assert rule.cut(run, wanted)[:, 0].tolist() == [0, 0, 1, 3, -1]
    assert np.all(np.diff(rule.centres[0]) > 0)
    certain = np.eye(4)[[2]][:, None]
    assert rule.expect(certain)[0, 0] == pytest.approx(rule.centres[0, 2])


def test_fifty_levels_are_merged_to_five_of_like_size() -> None:
    runs = make_runs(3, n_volumes=200)
    rule = learn_levels(runs, LevelsSettings(n=50, merge=5))
    everything = np.ones(200, dtype=bool)
    counts = np.bincount(np.concatenate([rule.cut(run, everything)[:, 0] for run in runs]), minlength=5)
    assert counts.min() > 0.12 * counts.sum()
    widths = np.bincount(rule.classes[0], minlength=5)
    assert widths[[0, 4]].min() > 2 * widths[1:4].max()
    assert np.all(np.diff(rule.classes[0]) >= 0)
    # The fewest levels there can be: nothing is left to merge, and no class is empty.
    tight = learn_levels(runs, LevelsSettings(n=6, merge=5))
    assert set(np.unique(tight.classes)) == set(range(5))


def test_scales_of_runs_sessions_and_participants() -> None:
    runs = [replace(run, bold=run.bold * (k + 1)) for k, run in enumerate(make_runs(3))]
    runs[2] = replace(runs[2], entities=Entities(subject="01", session="2", task="a", run=3))
    everything = np.ones(60, dtype=bool)
    by_run = learn_levels(runs[:2], LevelsSettings(n=10, scale="run"))
    for run in runs:
        levels = by_run.cut(run, everything)
        assert levels.min() == 0
        assert levels.max() == 9
    by_person = learn_levels(runs[:2], LevelsSettings(n=10, scale="participant"))
    assert by_person.cut(runs[0], everything).max() < 9
    by_session = learn_levels(runs, LevelsSettings(n=10, scale="session"))
    assert set(by_session.bounds) == {" a", "2 a"}
    with pytest.raises(UsageError, match="no training run is of the same session"):
        learn_levels(runs[:2], LevelsSettings(n=10, scale="session")).cut(runs[2], everything)


@pytest.mark.parametrize("ordinal", [True, False])
def test_levels_are_told_apart_where_there_is_a_coupling(ordinal: bool) -> None:
    overall, evaluation = score(replace(QUICK, ordinal=ordinal), make_runs(3, n_volumes=120))
    assert overall.balanced_accuracy > overall.chance + 0.1
    assert overall.p < 0.05
    assert overall.p_kappa < 0.05
    assert overall.r_expected > 0.4
    assert evaluation.confusions["all"].sum() == 3 * 120 * 2
    assert {s.run for s in evaluation.scores} == {"task-a_run-1", "task-a_run-2", "task-a_run-3", "all"}


def test_levels_are_at_chance_where_there_is_none() -> None:
    found = [score(QUICK, make_runs(3, seed=seed, coupling=0.0, n_channels=2))[0] for seed in range(20)]
    difference = np.array([s.balanced_accuracy - s.chance for s in found])
    assert abs(difference.mean()) < 3.5 * difference.std() / np.sqrt(len(found))
    assert np.mean([s.p <= 0.05 for s in found]) < 0.2


def test_a_network_tells_levels_apart() -> None:
    network = EegNetClassifier(window=6.0, max_epochs=12)
    overall, _ = score(network, make_runs(3, n_volumes=120))
    assert overall.balanced_accuracy > overall.chance + 0.05
    assert overall.r_expected > 0.25


@pytest.mark.parametrize(
    "classifier",
    [
        QUICK,
        EegNetClassifier(window=2.0, max_epochs=2),
        EegNetClassifier(window=2.0, max_epochs=1, ordinal=False),
        HrfNetClassifier(n_seeds=1, n_steps=2),
    ],
    ids=["logistic", "eegnet", "eegnet cross-entropy", "hrfnet"],
)
@pytest.mark.parametrize("scale", ["run", "participant"])
def test_bold_of_the_test_run_changes_no_classifier(classifier: Classifier, scale: str) -> None:
    runs = make_runs(3)
    settings = LevelsSettings(n=5, scale=scale)  # type: ignore[arg-type]
    wild = np.random.default_rng(5).normal(0, 1000, runs[2].bold.shape)
    other = [*runs[:2], replace(runs[2], bold=wild)]
    a, b = (cross_validate_levels(classifier, r, choose_splits(r), settings, seed=0) for r in (runs, other))
    for name, tensor in a.fitted[2].tensors().items():
        np.testing.assert_array_equal(tensor, b.fitted[2].tensors()[name], err_msg=name)
    np.testing.assert_array_equal(a.predictions.probabilities[2], b.predictions.probabilities[2])
    np.testing.assert_array_equal(a.expected.values[2], b.expected.values[2])


def test_blocks_of_one_run_are_blind_to_what_they_test() -> None:
    (run,) = make_runs(1, n_volumes=120)
    splits = choose_splits([run])
    bold = run.bold.copy()
    bold[splits[0].test[0] > 0] *= 50
    a, b = (
        cross_validate_levels(QUICK, [r], splits, LevelsSettings(scale="run"), seed=0)
        for r in (run, replace(run, bold=bold))
    )
    for name, tensor in a.fitted[0].tensors().items():
        np.testing.assert_array_equal(tensor, b.fitted[0].tensors()[name])


@pytest.mark.parametrize(
    "classifier",
    [
        QUICK,
        replace(QUICK, ordinal=False),
        EegNetClassifier(window=2.0, max_epochs=1),
        HrfNetClassifier(n_seeds=1, n_steps=2),
    ],
)
def test_classifiers_are_restored_and_causal(classifier: Classifier) -> None:
    runs = make_runs(2)
    _, fitted = fit_levels(classifier, runs, LevelsSettings(n=5), seed=0)
    again = classifier.restore_classes(fitted.tensors())
    said = fitted.predict(runs[0])
    assert said.shape == (60, 2, 5)
    np.testing.assert_allclose(said.sum(axis=2), 1, atol=1e-6)
    np.testing.assert_array_equal(again.predict(runs[0]), said)
    eeg = runs[0].eeg.copy()
    eeg[:, runs[0].volume_samples[40] + 1 :] = 1e3
    cut_off = fitted.predict(replace(runs[0], eeg=eeg))
    np.testing.assert_allclose(cut_off[:41], said[:41], atol=1e-6)
    assert not np.allclose(cut_off[45:], said[45:], atol=1e-3)


def test_a_level_that_does_not_occur_gets_no_probability() -> None:
    runs = make_runs(2)
    labels = [np.where(run.bold > 0, 3, 0) for run in runs]
    for ordinal in (True, False):
        classifier = replace(QUICK, ordinal=ordinal)
        fitted = classifier.fit_classes(runs, labels, n_classes=5, balance=True, rng=np.random.default_rng(0))
        said = fitted.predict(runs[0]).mean(axis=(0, 1))
        assert said[[1, 2, 4]].max() < 0.02


@pytest.mark.parametrize(
    ("options", "message"),
    [({"n": 1}, "2 to 100"), ({"n": 5, "merge": 5}, "2 to 4"), ({"n": 5, "merge": 1}, "2 to 4")],
)
def test_numbers_of_levels_that_make_no_sense_are_refused(options: dict[str, int], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        LevelsSettings(**options)  # type: ignore[arg-type]


def test_hrfnet_tells_levels_where_there_is_something_to_tell() -> None:
    classifier = HrfNetClassifier(n_seeds=1, n_steps=10)
    coupled, _ = score(classifier, make_runs(3, n_volumes=120))
    assert coupled.balanced_accuracy > coupled.chance + 0.1
    assert coupled.p < 0.05
    null, _ = score(classifier, make_runs(3, n_volumes=120, coupling=0.0))
    assert abs(null.balanced_accuracy - null.chance) < 0.1
    assert null.p > 0.05
