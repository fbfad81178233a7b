"""The condition a person is in from the EEG: the objective ``condition``."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bids_eeg2fmri.errors import UsageError
from bids_eeg2fmri.evaluation.class_nulls import permute_trials
from bids_eeg2fmri.evaluation.class_scores import evaluate_classes
from bids_eeg2fmri.evaluation.classification import count_confusions
from bids_eeg2fmri.records import ClassificationResults, ClassPredictions, Floats, PreparedRun, Split
from bids_eeg2fmri.registry import Classifier
from bids_eeg2fmri.settings import ConditionSettings, Settings
from bids_eeg2fmri.training.classifiers import build_classifiers, save_classifier
from bids_eeg2fmri.training.crossvalidation import fold_generator
from bids_eeg2fmri.training.predictors import resolve_device
from bids_eeg2fmri.training.splits import apply_split, choose_splits
from bids_eeg2fmri.training.trial_windows import TrialWindows, choose_conditions, cut_trials, split_trials

_logger = logging.getLogger(__name__)

#: Draws of refitted classifiers, where they cost next to nothing; enough for p = .005.
_REFITS = 199


def classify_conditions(
    runs: Sequence[PreparedRun], settings: Settings, *, device: str = "cpu"
) -> ClassificationResults:
    """Train every classifier on every fold, test it, and train one on all runs."""
    aligned = [run.aligned for run in runs]
    conditions = choose_conditions(aligned, settings.condition)
    windows = [cut_trials(run, conditions, settings.condition) for run in aligned]
    splits = choose_trial_splits(windows, settings)
    seed, device = settings.random_seed, resolve_device(device)
    evaluations, models, descriptions = [], [], {}
    for classifier in build_classifiers(settings):
        predictions = cross_validate_conditions(
            classifier, windows, splits, conditions, seed=seed, device=device
        )
        refitted = refit_to_permuted(
            classifier,
            windows,
            splits,
            n_classes=len(conditions),
            n_refits=settings.evaluation.refit_nulls or _REFITS,
            rng=np.random.default_rng([seed, 3]),
        )
        rng = np.random.default_rng([seed, 1])
        evaluations.append(evaluate_classes(predictions, settings.evaluation, rng=rng, refitted=refitted))
        descriptions[classifier.name] = classifier.description
        cut = [w.run for w in windows]
        fitted = classifier.fit_classes(
            cut,
            [w.labels for w in windows],
            n_classes=len(conditions),
            balance=True,
            rng=fold_generator(seed, f"{classifier.name} condition", cut, "all"),
            device=device,
        )
        model = save_classifier(classifier, fitted, runs[0], cut, settings)
        models.append(replace(model, region_names=conditions))
        _logger.info("%s: conditions by %s", aligned[0].entities, classifier.name)
    return ClassificationResults(
        objective="condition",
        runs=tuple(runs),
        evaluations=tuple(evaluations),
        models=tuple(models),
        splits=splits,
        descriptions=descriptions,
        notes=_say_windows(windows, conditions, settings.condition),
    )


def choose_trial_splits(windows: Sequence[TrialWindows], settings: Settings) -> tuple[Split, ...]:
    """Return the folds: sessions, runs or tasks as for the BOLD; within the only run blocks of whole trials.

    Raises
    ------
    UsageError
        If blocks of several runs are asked for: whole runs are the stricter test, and there are some.
    """
    scheme = settings.evaluation.cv
    if scheme == "block" and len(windows) > 1:
        raise UsageError("--objective condition: --cv block is for one run; there are more. Use auto or run.")
    if len(windows) == 1 and scheme in ("auto", "block"):
        return split_trials(windows[0])
    return choose_splits(
        [w.run for w in windows],
        scheme=scheme,
        train_task=settings.evaluation.train_task,
        test_task=settings.evaluation.test_task,
    )


def cross_validate_conditions(
    classifier: Classifier,
    windows: Sequence[TrialWindows],
    splits: Sequence[Split],
    conditions: Sequence[str],
    *,
    seed: int,
    device: str = "cpu",
) -> ClassPredictions:
    """Fit a classifier on every fold's training trials and tell the condition of its test trials."""
    runs = [w.run for w in windows]
    n_classes = len(conditions)
    probabilities = [np.full((run.n_volumes, 1, n_classes), np.nan) for run in runs]
    labels = [np.full((run.n_volumes, 1), -1, dtype=np.int64) for run in runs]
    folds = [np.full(run.n_volumes, -1, dtype=np.int64) for run in runs]
    for index, split in enumerate(splits):
        used = [k for k, keep in enumerate(split.train) if np.any(keep > 0)]
        train = [replace(runs[k], weights=runs[k].weights * split.train[k]) for k in used]
        model = classifier.fit_classes(
            train,
            [np.where(split.train[k][:, None] > 0, windows[k].labels, -1) for k in used],
            n_classes=n_classes,
            balance=True,
            rng=fold_generator(seed, f"{classifier.name} condition", runs, split.name),
            device=device,
        )
        for k, run in enumerate(runs):
            tested = split.test[k] > 0
            if tested.any():
                probabilities[k][tested] = model.predict(run)[tested]
                labels[k][tested] = windows[k].labels[tested]
                folds[k][tested] = index
    return ClassPredictions(
        model=classifier.name,
        runs=tuple(runs),
        target_names=("condition",),
        class_names=tuple(conditions),
        labels=tuple(labels),
        probabilities=tuple(probabilities),
        folds=tuple(folds),
        unit=splits[0].unit,
        trials=tuple(w.trials for w in windows),
    )


def refit_to_permuted(
    classifier: Classifier,
    windows: Sequence[TrialWindows],
    splits: Sequence[Split],
    *,
    n_classes: int,
    n_refits: int,
    rng: np.random.Generator,
) -> Floats | None:
    """Return confusions of classifiers fitted anew to permuted trials, (n_refits, 1, n_classes, n_classes).

    In every draw the conditions of the trials of each run are permuted, whole trials alike, before anything
    is learned; the whole cross-validation is done again. None where the classifier is not cheap enough to
    offer ``prepare``.
    """
    prepare = getattr(classifier, "prepare", None)
    if prepare is None:
        return None
    runs = [w.run for w in windows]
    draws = [
        [permute_trials(w.trials, w.labels[:, 0], rng)[:, None] for w in windows] for _ in range(n_refits)
    ]
    confusions = np.zeros((n_refits, 1, n_classes, n_classes))
    for split in splits:
        train, _ = apply_split(split, runs)
        used = [k for k, keep in enumerate(split.train) if np.any(keep > 0)]
        prepared = prepare(train)
        tested = [k for k, part in enumerate(split.test) if np.any(part > 0)]
        measured: list[Floats] = []
        for draw, labels in enumerate(draws):
            fitted = prepared.solve([labels[k] for k in used], n_classes=n_classes, balance=True)
            measured = measured or [fitted.measure(runs[k])[split.test[k] > 0] for k in tested]
            for k, features in zip(tested, measured, strict=True):
                said = np.argmax(fitted.classify(features), axis=2)
                confusions[draw] += count_confusions(labels[k][split.test[k] > 0], said, n_classes)
    return confusions


def _say_windows(
    windows: Sequence[TrialWindows], conditions: Sequence[str], settings: ConditionSettings
) -> tuple[str, ...]:
    """Return in words what was told apart."""
    n_trials = sum(len(np.unique(w.trials)) for w in windows)
    n_windows = sum(len(w.trials) for w in windows)
    return (
        f"{' and '.join(conditions)} were told apart in windows of {settings.window:g} s, one every "
        f"{settings.hop:g} s, from {settings.delay:g} s after the onset of a trial to its end: {n_windows} "
        f"windows of {n_trials} trials. No window reaches into another trial, and whole trials were learned "
        "from or tested on.",
    )
