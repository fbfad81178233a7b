"""Scores of classifiers, figures per class, and matrices of confusion, as tables and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pandas as pd

from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.formats.table import read_table, write_table
from bids_eeg2fmri.records import ClassEvaluation, ClassScore, column_names

_WHERE: dict[str, dict[str, Any]] = {
    "model": {"Description": "Classifier"},
    "region": {"Description": "Region, or 'condition'; 'mean' is the mean over the regions"},
    "run": {"Description": "Held-out run; 'all' is over all runs"},
}
_SCORE_COLUMNS: dict[str, dict[str, Any]] = {
    **_WHERE,
    "n_tested": {"Description": "Volumes, or windows of EEG, that were tested"},
    "n_classes": {"Description": "Classes that occur in them"},
    "accuracy": {"Description": "Share of right classes"},
    "balanced_accuracy": {"Description": "Mean recall over the classes that occur"},
    "chance": {
        "Description": "Balanced accuracy if predictions had nothing to do with the labels within each run, "
        "given how often each class occurs and is predicted there"
    },
    "chance_nominal": {"Description": "1 / n_classes"},
    "macro_f1": {"Description": "Mean F1 over the classes that occur or were predicted"},
    "kappa": {"Description": "Cohen's kappa with quadratic weights; 0 by chance"},
    "r_expected": {
        "Description": "Levels: correlation of the expectation over levels with the BOLD, by Fisher z"
    },
    "r_regressor": {"Description": "Levels: correlation of the regression on the same features and folds"},
    "p": {"Description": "p of the balanced accuracy, one-sided, (b + 1) / (n + 1)"},
    "p_kappa": {"Description": "p of kappa, likewise"},
    "p_expected": {"Description": "p of r_expected against circular shifts"},
    "p_expected_given_task": {"Description": "The same with both sides cleaned of the task design"},
    "null": {
        "Description": "What p and p_kappa stand against",
        "Levels": {
            "shift": "Circular shifts of the prediction within runs, spread for cross-validation",
            "trials": "Conditions of whole trials permuted within runs, spread for cross-validation",
            "trials, refitted": "The same, and every fold trained anew",
        },
    },
    "held_out": {"Description": "What was held out of training: task, session, run or block (within-run)"},
}
_CLASS_COLUMNS: dict[str, dict[str, Any]] = {
    **_WHERE,
    "class": {"Description": "Level, 0 being the lowest, or condition"},
    "precision": {"Description": "Share of what was taken for this class that was of it"},
    "recall": {"Description": "Share of what was of this class that was taken for it"},
    "f1": {"Description": "Harmonic mean of precision and recall"},
    "support": {"Description": "Volumes or windows of this class"},
}
_CONFUSION_COLUMNS: dict[str, dict[str, Any]] = {
    **_WHERE,
    "class": {"Description": "What it was"},
    "predicted": {"Description": "What it was taken for"},
    "count": {"Description": "Volumes or windows"},
}


def write_class_scores(path: Path, scores: Iterable[ClassScore]) -> list[Path]:
    """Write the scores of one participant; return the table and its sidecar."""
    write_table(path, (astuple(score) for score in scores), _SCORE_COLUMNS)
    return [path, path.with_suffix(".json")]


def read_class_scores(path: Path) -> tuple[ClassScore, ...]:
    """Read the scores of one participant.

    Raises
    ------
    MissingInputError
        If the table is not there.
    BadDataError
        If it is not such a table.
    """
    table = read_table(path)
    names = column_names(ClassScore)
    missing = [name for name in names if name not in table]
    if missing:
        raise BadDataError(f"{path} is no table of class scores: it lacks {', '.join(missing)}.")
    words = ("model", "region", "run", "null", "held_out")
    counts = ("n_tested", "n_classes")

    def cell(name: str, value: Any) -> Any:
        """Return a value of the kind that the record holds."""
        if name in words:
            return "" if pd.isna(value) else str(value)
        return int(value) if name in counts else float(value)

    return tuple(
        ClassScore(**{name: cell(name, row[name]) for name in names}) for row in table.to_dict("records")
    )


def write_classes(path: Path, evaluations: Iterable[ClassEvaluation]) -> list[Path]:
    """Write precision, recall, F1 and support of every class; return the table and its sidecar."""
    write_table(path, (row for e in evaluations for row in _class_rows(e)), _CLASS_COLUMNS)
    return [path, path.with_suffix(".json")]


def write_confusions(path: Path, evaluations: Iterable[ClassEvaluation]) -> list[Path]:
    """Write how often each class was taken for each; return the table and its sidecar."""
    write_table(path, (row for e in evaluations for row in _confusion_rows(e)), _CONFUSION_COLUMNS)
    return [path, path.with_suffix(".json")]


def _class_rows(evaluation: ClassEvaluation) -> Iterator[tuple[Any, ...]]:
    """Yield one row per run, target and class."""
    predictions = evaluation.predictions
    for run, figures in evaluation.per_class.items():
        for t, target in enumerate(predictions.target_names):
            for c, name in enumerate(predictions.class_names):
                values = (float(figures[key][t, c]) for key in ("precision", "recall", "f1"))
                yield predictions.model, target, run, name, *values, int(figures["support"][t, c])


def _confusion_rows(evaluation: ClassEvaluation) -> Iterator[tuple[Any, ...]]:
    """Yield one row per run, target and pair of classes."""
    predictions = evaluation.predictions
    names = predictions.class_names
    for run, confusion in evaluation.confusions.items():
        for t, target in enumerate(predictions.target_names):
            for a, name in enumerate(names):
                for b, other in enumerate(names):
                    yield predictions.model, target, run, name, other, int(confusion[t, a, b])
