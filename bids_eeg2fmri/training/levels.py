"""Levels of the BOLD from the EEG: the objective ``levels`` (a "fuzzy" regression)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, cast

import numpy as np

from bids_eeg2fmri.evaluation.class_scores import Correlations, evaluate_classes
from bids_eeg2fmri.evaluation.nuisance import add_nuisance
from bids_eeg2fmri.evaluation.scores import evaluate
from bids_eeg2fmri.evaluation.significance import MEAN_REGION
from bids_eeg2fmri.evaluation.tested import tested_runs
from bids_eeg2fmri.records import (
    AlignedRun,
    ClassificationResults,
    ClassPredictions,
    Labels,
    Predictions,
    PreparedRun,
    Split,
)
from bids_eeg2fmri.registry import Classifier, FittedClassifier, load_model
from bids_eeg2fmri.settings import LevelsSettings, Settings, build
from bids_eeg2fmri.training.classifiers import build_classifiers, save_classifier
from bids_eeg2fmri.training.crossvalidation import cross_validate, fold_generator
from bids_eeg2fmri.training.level_rule import LevelRule, learn_levels
from bids_eeg2fmri.training.predictors import resolve_device
from bids_eeg2fmri.training.splits import apply_split, choose_splits

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TestedLevels:
    """What one classifier said of unseen volumes, as levels and as an expectation, and each fold's model."""

    predictions: ClassPredictions
    expected: Predictions
    fitted: tuple[FittedClassifier, ...]

    __test__ = False  # not a test, whatever its name says to pytest


def classify_levels(
    runs: Sequence[PreparedRun], settings: Settings, *, device: str = "cpu"
) -> ClassificationResults:
    """Train every classifier on every fold, test it beside the regression, and train one on all runs."""
    aligned = [add_nuisance(run.aligned) for run in runs]
    evaluation, seed, device = settings.evaluation, settings.random_seed, resolve_device(device)
    splits = choose_splits(
        aligned, scheme=evaluation.cv, train_task=evaluation.train_task, test_task=evaluation.test_task
    )
    evaluations, models, expected, descriptions = [], [], [], {}
    for classifier in build_classifiers(settings):
        tested = cross_validate_levels(classifier, aligned, splits, settings.levels, seed=seed, device=device)
        rng = np.random.default_rng([seed, 1])
        of_expectation = evaluate(
            aligned, tested.expected, replace(evaluation, refit_nulls=0, task_gain=False), rng=rng
        )
        evaluations.append(
            evaluate_classes(
                tested.predictions,
                evaluation,
                rng=rng,
                expected=of_expectation,
                regressor=_try_regressor(classifier, aligned, splits, settings, device=device),
            )
        )
        expected.append(tested.expected)
        descriptions[classifier.name] = classifier.description
        _, fitted = fit_levels(classifier, aligned, settings.levels, seed=seed, device=device)
        models.append(save_classifier(classifier, fitted, runs[0], aligned, settings))
        _logger.info("%s: levels by %s", aligned[0].entities, classifier.name)
    return ClassificationResults(
        objective="levels",
        runs=tuple(replace(run, aligned=own) for run, own in zip(runs, aligned, strict=True)),
        evaluations=tuple(evaluations),
        models=tuple(models),
        splits=splits,
        descriptions=descriptions,
        expected=tuple(expected),
        notes=_say_rule(settings.levels),
    )


def cross_validate_levels(
    classifier: Classifier,
    runs: Sequence[AlignedRun],
    splits: Sequence[Split],
    settings: LevelsSettings,
    *,
    seed: int,
    device: str = "cpu",
) -> TestedLevels:
    """Learn cuts and classifier on every fold's training data and predict the levels of its test data.

    A classifier is given levels, never BOLD.
    """
    n_classes = settings.merge or settings.n
    labels = [np.full(run.bold.shape, -1, dtype=np.int64) for run in runs]
    probabilities = [np.full((*run.bold.shape, n_classes), np.nan) for run in runs]
    values = [np.full(run.bold.shape, np.nan) for run in runs]
    means = [np.full(run.bold.shape, np.nan) for run in runs]
    folds = [np.full(run.n_volumes, -1, dtype=np.int64) for run in runs]
    fitted = []
    for index, split in enumerate(splits):
        train, test = apply_split(split, runs)
        rule, model = fit_levels(classifier, train, settings, seed=seed, device=device, fold=split.name)
        fitted.append(model)
        training_mean = np.concatenate([run.bold[run.weights > 0] for run in train]).mean(axis=0)
        for k, run in enumerate(test):
            tested = split.test[k] > 0
            if not tested.any():
                continue
            said = model.predict(run)
            labels[k][tested] = rule.cut(runs[k], tested & (run.weights > 0))[tested]
            probabilities[k][tested] = said[tested]
            values[k][tested] = rule.expect(said)[tested]
            means[k][tested] = training_mean
            folds[k][tested] = index
    unit = splits[0].unit
    return TestedLevels(
        predictions=ClassPredictions(
            model=classifier.name,
            runs=tuple(runs),
            target_names=runs[0].region_names,
            class_names=tuple(str(level) for level in range(n_classes)),
            labels=tuple(labels),
            probabilities=tuple(probabilities),
            folds=tuple(folds),
            unit=unit,
        ),
        expected=Predictions(
            model=classifier.name,
            values=tuple(values),
            training_means=tuple(means),
            folds=tuple(folds),
            unit=unit,
        ),
        fitted=tuple(fitted),
    )


def fit_levels(
    classifier: Classifier,
    runs: Sequence[AlignedRun],
    settings: LevelsSettings,
    *,
    seed: int,
    device: str = "cpu",
    fold: str = "all",
) -> tuple[LevelRule, FittedClassifier]:
    """Return how the BOLD of the training runs is cut, and the classifier that learned its levels."""
    rule = learn_levels(runs, settings)
    labels: list[Labels] = [rule.cut(run, run.weights > 0) for run in runs]
    fitted = classifier.fit_classes(
        [replace(run, bold=np.zeros_like(run.bold)) for run in runs],
        labels,
        n_classes=rule.n_classes,
        balance=settings.balance,
        rng=fold_generator(seed, f"{classifier.name} levels", runs, fold),
        device=device,
    )
    return rule, fitted


def _try_regressor(
    classifier: Classifier,
    runs: Sequence[AlignedRun],
    splits: Sequence[Split],
    settings: Settings,
    *,
    device: str,
) -> Correlations:
    """Return r of the regression that belongs to a classifier, on the same folds; empty if there is none."""
    name = getattr(classifier, "regressor", "")
    if not name:
        return {}
    kind = load_model(name)
    known = {f.name for f in fields(cast("Any", kind))}
    options = {key: value for key, value in settings.models.get(name, {}).items() if key in known}
    predictor = build(kind, options, where=f"models.{name}")
    tested = cross_validate(predictor, runs, splits, seed=settings.random_seed, device=device)
    parts = tested_runs(runs, tested.predictions)
    z = {part.run.entities.run_label: part.fisher_z("r") for part in parts}
    z["all"] = np.mean(list(z.values()), axis=0)
    names = (*runs[0].region_names, MEAN_REGION)
    return {
        (region, run): float(np.tanh(value))
        for run, values in z.items()
        for region, value in zip(names, [*values, np.nanmean(values)], strict=True)
    }


def _say_rule(settings: LevelsSettings) -> tuple[str, ...]:
    """Return in words how levels were made."""
    of = {
        "run": "each run by itself; for a tested run its own lowest and highest value define which level is "
        "right, and take no part in the prediction",
        "session": "the training runs of the same session and task",
        "participant": "all training runs",
    }[settings.scale]
    text = (
        f"BOLD was cut into {settings.n} levels of equal width between the lowest and highest value of {of}."
    )
    if settings.merge:
        text += (
            f" Neighbouring levels were merged into {settings.merge} of about the same number of training "
            "volumes, the outer ones most."
        )
    weighed = "Rare levels counted as much in training as frequent ones." if settings.balance else ""
    return tuple(part for part in (text, weighed) if part)
