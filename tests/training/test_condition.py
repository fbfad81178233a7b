from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from class_runs import TRIAL, make_trial_run, make_trial_runs

from bids_eeg2fmri.errors import BadDataError, UsageError
from bids_eeg2fmri.evaluation.class_nulls import permute_trials
from bids_eeg2fmri.evaluation.class_scores import evaluate_classes
from bids_eeg2fmri.models.eegnet_classifier import EegNetClassifier
from bids_eeg2fmri.models.lda import Lda
from bids_eeg2fmri.records import AlignedRun, ClassScore, TaskEvent
from bids_eeg2fmri.registry import Classifier
from bids_eeg2fmri.settings import ConditionSettings, EvaluationSettings, Settings
from bids_eeg2fmri.training.classifiers import build_classifiers
from bids_eeg2fmri.training.condition import (
    choose_trial_splits,
    cross_validate_conditions,
    refit_to_permuted,
)
from bids_eeg2fmri.training.trial_windows import TrialWindows, choose_conditions, cut_trials, split_trials

CONDITIONS = ("rest", "imagery")
SETTINGS = ConditionSettings(window=2.0)


def cut(runs: list[AlignedRun]) -> list[TrialWindows]:
    return [cut_trials(run, CONDITIONS, SETTINGS) for run in runs]


def score(classifier: Classifier, windows: list[TrialWindows], *, n_refits: int = 0) -> ClassScore:
    splits = choose_trial_splits(windows, Settings())
    predictions = cross_validate_conditions(classifier, windows, splits, CONDITIONS, seed=0)
    refitted = None
    if n_refits:
        generator = np.random.default_rng(1)
        refitted = refit_to_permuted(
            classifier, windows, splits, n_classes=2, n_refits=n_refits, rng=generator
        )
    evaluation = evaluate_classes(
        predictions, EvaluationSettings(n_nulls=99), rng=np.random.default_rng(0), refitted=refitted
    )
    (overall,) = (s for s in evaluation.scores if s.run == "all")
    return overall


def test_windows_lie_within_one_trial() -> None:
    run = make_trial_run(np.random.default_rng(0))
    button = TaskEvent(onset=27.0, duration=0.0, condition="button")
    run = replace(run, events=(*run.events, button))
    windows = cut_trials(run, CONDITIONS, ConditionSettings(window=2.0, step=1.0, delay=0.5))
    trials = [event for event in run.events if event.condition in CONDITIONS]
    for end, trial, label in zip(
        windows.run.volume_samples, windows.trials, windows.labels[:, 0], strict=True
    ):
        last, first = (end + 1) / run.sfreq, (end + 1) / run.sfreq - 2.0
        event = trials[trial]
        assert event.onset + 0.5 <= first + 1e-6
        assert last <= event.onset + TRIAL + 1e-6
        assert CONDITIONS[label] == event.condition
        assert not first < button.onset < last
    counts = np.bincount(windows.trials)
    assert counts.max() == 8  # of 9.5 s
    assert counts[2] < 8  # the button lies in it
    assert not windows.run.bold.any()


def test_a_trial_without_duration_lasts_to_the_next_event() -> None:
    run = make_trial_run(np.random.default_rng(0))
    bare = replace(run, events=tuple(replace(event, duration=0.0) for event in run.events))
    ends, bare_ends = (cut_trials(r, CONDITIONS, SETTINGS).run.volume_samples for r in (run, bare))
    np.testing.assert_array_equal(ends, bare_ends[: len(ends)])


def test_conditions_are_all_or_those_named() -> None:
    runs = make_trial_runs(1)
    assert choose_conditions(runs, SETTINGS) == ("imagery", "rest")
    assert choose_conditions(runs, ConditionSettings(conditions=CONDITIONS)) == CONDITIONS
    with pytest.raises(UsageError, match=r"no condition left.*imagery, rest"):
        choose_conditions(runs, ConditionSettings(conditions=("left", "rest")))
    many = tuple(TaskEvent(onset=k, duration=1, condition=name) for k, name in enumerate("abcd"))
    with pytest.raises(UsageError, match=r"a, b, c, d\. Name two or three"):
        choose_conditions([replace(runs[0], events=many)], SETTINGS)
    with pytest.raises(UsageError, match="no task events"):
        choose_conditions([replace(runs[0], events=())], SETTINGS)
    with pytest.raises(BadDataError, match="no window of 12 s fits"):
        cut_trials(runs[0], CONDITIONS, ConditionSettings(window=12.0))


def test_one_run_is_tested_by_blocks_of_whole_trials() -> None:
    (windows,) = cut([make_trial_run(np.random.default_rng(0), n_trials=16)])
    splits = split_trials(windows)
    np.testing.assert_array_equal(np.sum([s.test[0] for s in splits], axis=0), 1)
    times = windows.run.volume_samples / windows.run.sfreq
    for split in splits:
        train, test = split.train[0] > 0, split.test[0] > 0
        assert not set(windows.trials[train]) & set(windows.trials[test])
        assert np.abs(times[train][:, None] - times[test]).min() >= 20.0
        assert split.unit == "block"
    with pytest.raises(BadDataError, match="too few"):
        split_trials(cut([make_trial_run(np.random.default_rng(0), n_trials=4)])[0])
    with pytest.raises(UsageError, match="block is for one run"):
        choose_trial_splits(cut(make_trial_runs(2)), Settings(evaluation=EvaluationSettings(cv="block")))


@pytest.mark.parametrize("features", ["csp", "power", "tangent"])
def test_two_conditions_are_told_apart(features: str) -> None:
    found = score(Lda(features=features), cut(make_trial_runs(3)), n_refits=49)  # type: ignore[arg-type]
    assert found.balanced_accuracy > 0.75
    assert found.chance == pytest.approx(0.5, abs=0.02)
    assert found.p == pytest.approx(1 / 50)
    assert found.null == "trials, refitted"


def test_permuted_conditions_are_at_chance_and_p_is_uniform() -> None:
    accuracies, refit, spread = [], [], []
    for seed in range(40):
        generator = np.random.default_rng([3, seed])
        windows = [
            replace(w, labels=permute_trials(w.trials, w.labels[:, 0], generator)[:, None])
            for w in cut(make_trial_runs(2, seed=seed, n_trials=8))
        ]
        found = score(Lda(features="power"), windows, n_refits=19)
        accuracies.append(found.balanced_accuracy)
        refit.append(found.p)
        spread.append(score(Lda(features="power"), windows).p)
    assert np.mean(accuracies) == pytest.approx(0.5, abs=0.05)
    for p in (refit, spread):
        assert 0.35 < np.mean(p) < 0.65
        assert np.mean(np.array(p) <= 0.05) < 0.2


def test_a_network_tells_conditions_apart() -> None:
    network = EegNetClassifier(window=2.0, ordinal=False, steps_between=1, max_epochs=12)
    found = score(network, cut(make_trial_runs(3, effect=2.0)))
    assert found.balanced_accuracy > 0.75
    assert found.null == "trials"


@pytest.mark.parametrize(
    "classifier",
    [Lda(), EegNetClassifier(window=2.0, ordinal=False, steps_between=1, max_epochs=2)],
    ids=lambda c: c.name,
)
def test_labels_of_the_test_run_change_no_classifier(classifier: Classifier) -> None:
    windows = cut(make_trial_runs(3))
    splits = choose_trial_splits(windows, Settings())
    other = [*windows[:2], replace(windows[2], labels=1 - windows[2].labels)]
    a, b = (
        cross_validate_conditions(classifier, w, splits, CONDITIONS, seed=0).probabilities[2]
        for w in (windows, other)
    )
    np.testing.assert_array_equal(a, b)


def test_lda_is_restored_and_names_its_settings() -> None:
    windows = cut(make_trial_runs(2))
    runs, labels = [w.run for w in windows], [w.labels for w in windows]
    for classifier in (Lda(), Lda(features="tangent")):
        fitted = classifier.fit_classes(runs, labels, n_classes=2, balance=True, rng=np.random.default_rng(0))
        again = classifier.restore_classes(fitted.tensors())
        np.testing.assert_array_equal(again.predict(runs[0]), fitted.predict(runs[0]))
    with pytest.raises(UsageError, match="allowed are csp, power and tangent"):
        Lda(features="raw")  # type: ignore[arg-type]


def test_windows_of_classifiers_are_those_of_the_trials() -> None:
    settings = Settings(
        objective="condition", model=("lda", "eegnet"), condition=ConditionSettings(window=10.0)
    )
    lda, network = build_classifiers(settings)
    assert (lda.window, network.window, network.ordinal) == (10.0, 10.0, False)  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match=r"condition\.window"):
        build_classifiers(replace(settings, models={"lda": {"window": 3.0}}))
    with pytest.raises(UsageError, match="no model 'ridge' for --objective condition"):
        build_classifiers(replace(settings, model=("ridge",)))


def test_long_windows_are_the_mean_of_their_pieces() -> None:
    runs = make_trial_runs(2)
    windows = [cut_trials(run, CONDITIONS, ConditionSettings(window=6.0)) for run in runs]
    long = Lda(window=6.0)
    assert (long.n_pieces, Lda(window=2.0).n_pieces, Lda(window=1.0).n_pieces) == (5, 1, 1)
    fitted = long.fit_classes(
        [w.run for w in windows],
        [w.labels for w in windows],
        n_classes=2,
        balance=True,
        rng=np.random.default_rng(0),
    )
    run = windows[0].run
    short = replace(fitted, options=Lda(window=2.0))
    said = [short.predict(replace(run, volume_samples=run.volume_samples - 100 * k))[:, 0] for k in range(5)]
    logits = np.mean([np.log(p[:, 1] / p[:, 0]) for p in said], axis=0)
    probabilities = fitted.predict(run)[:, 0]
    np.testing.assert_allclose(np.log(probabilities[:, 1] / probabilities[:, 0]), logits, rtol=1e-6)
