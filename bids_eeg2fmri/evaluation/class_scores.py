"""Scores of one classifier: per run and over all runs, with chance and p beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.evaluation.class_nulls import (
    draw_shifts,
    permuted_confusions,
    shifted_confusions,
    unrelated_confusions,
)
from bids_eeg2fmri.evaluation.classification import (
    accuracy,
    balanced_accuracy,
    count_confusions,
    macro_f1,
    nominal_chance,
    per_class,
    weighted_kappa,
)
from bids_eeg2fmri.evaluation.nulls import p_value, widen
from bids_eeg2fmri.evaluation.significance import MEAN_REGION
from bids_eeg2fmri.records import (
    ClassEvaluation,
    ClassPredictions,
    ClassScore,
    Evaluation,
    Floats,
    Labels,
)
from bids_eeg2fmri.settings import EvaluationSettings

#: (region, run) to the correlation of a regressor.
Correlations = Mapping[tuple[str, str], float]

_FIGURES: Mapping[str, Callable[[Floats], Floats]] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "chance_nominal": nominal_chance,
    "macro_f1": macro_f1,
    "kappa": weighted_kappa,
}


def evaluate_classes(
    predictions: ClassPredictions,
    settings: EvaluationSettings,
    *,
    rng: np.random.Generator,
    expected: Evaluation | None = None,
    regressor: Correlations | None = None,
    refitted: Floats | None = None,
) -> ClassEvaluation:
    """Return the scores of one classifier on what it had not seen.

    Parameters
    ----------
    predictions : ClassPredictions
    settings : EvaluationSettings
        Draws, smallest shift.
    rng : Generator
    expected : Evaluation, optional
        Of the expectation over levels as a prediction of the BOLD.
    regressor : mapping, optional
        What the regression on the same folds reaches.
    refitted : array, shape (n_draws, n_targets, n_classes, n_classes), optional
        Confusions over all runs of classifiers that were fitted to surrogate labels: p stands against them.
    """
    parts = [_tested(predictions, k) for k in range(len(predictions.runs))]
    used = [k for k, (labels, _) in enumerate(parts) if len(labels)]
    groups = {predictions.runs[k].entities.run_label: [k] for k in used} | {"all": used}
    n_classes = len(predictions.class_names)
    confusions, scores = {}, []
    for label, members in groups.items():
        confusion = np.sum([count_confusions(*parts[k], n_classes) for k in members], axis=0)
        unrelated = _unrelated([parts[k] for k in members], n_classes)
        confusions[label] = confusion
        scores += _rows(predictions, label, confusion, unrelated)
    tests = _test(predictions, confusions["all"], settings, rng=rng, refitted=refitted)
    scores = [replace(s, **tests[s.region]) if s.run == "all" else s for s in scores]
    scores = [_with_correlations(s, expected, regressor or {}) for s in scores]
    return ClassEvaluation(
        predictions=predictions,
        scores=tuple(scores),
        confusions=confusions,
        per_class={run: per_class(confusion) for run, confusion in confusions.items()},
        expected=expected,
    )


def _tested(predictions: ClassPredictions, k: int) -> tuple[Labels, Labels]:
    """Return labels and predicted classes, (n_tested, n_targets) each, of one run."""
    rows = _tested_rows(predictions, k)
    return predictions.labels[k][rows], predictions.predicted(k)[rows]


def _tested_rows(predictions: ClassPredictions, k: int) -> NDArray[np.bool_]:
    return np.asarray((predictions.folds[k] >= 0) & (predictions.labels[k] >= 0).all(axis=1))


def _unrelated(parts: Sequence[tuple[Labels, Labels]], n_classes: int) -> Floats:
    """Return the confusions of labels and predictions that share nothing, (n_targets, n_cl., n_cl.)."""
    n_targets = parts[0][0].shape[1]
    return np.stack(
        [
            unrelated_confusions([p[0][:, t] for p in parts], [p[1][:, t] for p in parts], n_classes)
            for t in range(n_targets)
        ]
    )


def _rows(predictions: ClassPredictions, run: str, confusion: Floats, unrelated: Floats) -> list[ClassScore]:
    """Return the scores of every target, and of their mean where there are several."""
    columns = {name: figure(confusion) for name, figure in _FIGURES.items()}
    columns["chance"] = balanced_accuracy(unrelated)
    names = list(predictions.target_names)
    present = (confusion.sum(axis=2) > 0).sum(axis=1)
    if len(names) > 1:
        columns = {name: np.append(values, _finite_mean(values)) for name, values in columns.items()}
        names.append(MEAN_REGION)
        present = np.append(present, present.max())
    return [
        ClassScore(
            model=predictions.model,
            region=name,
            run=run,
            n_tested=int(confusion[0].sum()),
            n_classes=int(present[i]),
            held_out=predictions.unit,
            **{key: float(values[i]) for key, values in columns.items()},  # type: ignore[arg-type]
        )
        for i, name in enumerate(names)
    ]


def _test(
    predictions: ClassPredictions,
    observed: Floats,
    settings: EvaluationSettings,
    *,
    rng: np.random.Generator,
    refitted: Floats | None,
) -> dict[str, dict[str, Any]]:
    """Return p of balanced accuracy and kappa, and the null, of every target and of their mean."""
    is_refit = refitted is not None
    draws = refitted if refitted is not None else _surrogates(predictions, settings, rng)
    parts = [_tested(predictions, k) for k in range(len(predictions.runs))]
    unrelated = _unrelated([p for p in parts if len(p[0])], len(predictions.class_names))
    null_name = "trials, refitted" if is_refit else "trials" if predictions.trials else "shift"
    p: dict[str, Floats] = {}
    for name, figure in (("p", balanced_accuracy), ("p_kappa", weighted_kappa)):
        values, null = figure(observed), figure(draws)
        if not is_refit:
            null = widen(null, centre=figure(unrelated))
        kept = np.isfinite(values)
        mean = p_value(values[kept].mean(keepdims=True), null[:, kept].mean(axis=1, keepdims=True))
        p[name] = np.append(p_value(values, null), mean if kept.any() else np.nan)
    names = (*predictions.target_names, MEAN_REGION)
    return {
        region: {"p": float(p["p"][i]), "p_kappa": float(p["p_kappa"][i]), "null": null_name}
        for i, region in enumerate(names)
    }


def _surrogates(
    predictions: ClassPredictions, settings: EvaluationSettings, rng: np.random.Generator
) -> Floats:
    """Return confusions over all runs of surrogates, (n_draws, n_targets, n_classes, n_classes)."""
    used = [k for k in range(len(predictions.runs)) if _tested_rows(predictions, k).any()]
    parts = [_tested(predictions, k) for k in used]
    n_classes = len(predictions.class_names)
    if predictions.trials:
        trials = [predictions.trials[k][_tested_rows(predictions, k)] for k in used]
        sides = ([p[0][:, 0] for p in parts], [p[1][:, 0] for p in parts])
        drawn = permuted_confusions(trials, *sides, n_classes=n_classes, n_nulls=settings.n_nulls, rng=rng)
        return drawn[:, None]
    shifts = draw_shifts(
        [len(p[0]) for p in parts],
        [predictions.runs[k].tr for k in used],
        n_nulls=settings.n_nulls,
        min_shift=settings.min_shift,
        rng=rng,
    )
    return np.stack(
        [
            shifted_confusions(
                [p[0][:, t] for p in parts], [p[1][:, t] for p in parts], shifts, n_classes=n_classes
            )
            for t in range(len(predictions.target_names))
        ],
        axis=1,
    )


def _with_correlations(score: ClassScore, expected: Evaluation | None, regressor: Correlations) -> ClassScore:
    """Return the score beside the correlations of expectation and regressor with the BOLD."""
    if expected is None:
        return score
    found = next((s for s in expected.scores if (s.region, s.run) == (score.region, score.run)), None)
    if found is None:
        return score
    return replace(
        score,
        r_expected=found.r,
        r_regressor=regressor.get((score.region, score.run), float("nan")),
        p_expected=found.p,
        p_expected_given_task=found.p_given_task,
    )


def _finite_mean(values: Floats) -> float:
    """Return the mean of the values that are defined."""
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else float("nan")
