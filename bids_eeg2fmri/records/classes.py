"""Classes in the place of BOLD: predictions and how well they did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.records.models import SavedModel
from bids_eeg2fmri.records.scores import Evaluation
from bids_eeg2fmri.records.shapes import Floats, Labels
from bids_eeg2fmri.records.training import AlignedRun, Predictions, PreparedRun, Split


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassPredictions:
    """The classes that one model took unseen volumes or windows for, beside what they were.

    Attributes
    ----------
    runs : tuple of AlignedRun
        Where classes are of windows of EEG, these stand in the place of volumes.
    target_names : tuple of str
        The regions; or ``condition`` alone.
    class_names : tuple of str
        In their order: level 0 is the lowest.
    labels : tuple of array of int64, shape (n_volumes, n_targets), one per run
        The classes by the rule that was learned with the fold; -1 where no fold tested.
    probabilities : tuple of array, shape (n_volumes, n_targets, n_classes), one per run
        NaN where no fold tested.
    folds : tuple of array of int64, shape (n_volumes,), one per run
        The fold that tested each volume, -1 for none.
    trials : tuple of array of int64, shape (n_volumes,), one per run, or empty
        The trial each window lies in, where classes are those of trials.
    """

    model: str
    runs: tuple[AlignedRun, ...]
    target_names: tuple[str, ...]
    class_names: tuple[str, ...]
    labels: tuple[Labels, ...]
    probabilities: tuple[Floats, ...]
    folds: tuple[NDArray[np.int64], ...]
    unit: Literal["task", "session", "run", "block"]
    trials: tuple[NDArray[np.int64], ...] = ()

    def __post_init__(self) -> None:
        """Check shapes."""
        n_targets, n_classes = len(self.target_names), len(self.class_names)
        for run, labels, values in zip(self.runs, self.labels, self.probabilities, strict=True):
            if labels.shape != (run.n_volumes, n_targets) or values.shape != (*labels.shape, n_classes):
                raise ValueError(
                    f"ClassPredictions: expected ({run.n_volumes}, {n_targets}, {n_classes}), got "
                    f"{labels.shape} and {values.shape}."
                )

    def predicted(self, k: int) -> Labels:
        """Return the most probable classes of run ``k``, (n_volumes, n_targets), -1 where no fold tested."""
        best = np.argmax(np.nan_to_num(self.probabilities[k]), axis=2)
        return np.where(self.folds[k][:, None] >= 0, best, -1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassScore:
    """How well one model told classes apart, of one region or of conditions, in one run or over all runs.

    A figure that cannot be computed is NaN. Region ``mean`` is the mean over the regions.
    """

    model: str
    region: str
    run: str
    #: Volumes or windows tested.
    n_tested: int
    #: Classes that occur in what was tested.
    n_classes: int
    accuracy: float
    #: Mean recall over the classes that occur.
    balanced_accuracy: float
    #: What predictions that have nothing to do with the labels give, from how often each class occurs and is
    #: predicted in each run; and 1 / n_classes.
    chance: float
    chance_nominal: float
    macro_f1: float
    #: Cohen's kappa with quadratic weights; 0 by chance.
    kappa: float
    #: Levels: correlation of the expectation over the levels with the BOLD, and that of the regressor on the
    #: same folds.
    r_expected: float = float("nan")
    r_regressor: float = float("nan")
    #: One-sided, (b + 1) / (n + 1), of balanced accuracy and of kappa; only over all runs.
    p: float = float("nan")
    p_kappa: float = float("nan")
    #: Of r_expected, and of it given the task.
    p_expected: float = float("nan")
    p_expected_given_task: float = float("nan")
    #: What p stands against.
    null: str = ""
    held_out: str = "run"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassEvaluation:
    """All that the test of one classifier showed.

    Attributes
    ----------
    confusions : mapping of run (``all`` over all runs) to array, shape (n_targets, n_classes, n_classes)
        How often each class (row) was taken for each (column).
    per_class : mapping of run to mapping of figure to array, shape (n_targets, n_classes)
        ``precision``, ``recall``, ``f1`` and ``support``.
    expected : Evaluation or None
        Of the expectation over levels as a prediction of the BOLD.
    """

    predictions: ClassPredictions
    scores: tuple[ClassScore, ...]
    confusions: Mapping[str, Floats]
    per_class: Mapping[str, Mapping[str, Floats]]
    expected: Evaluation | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassificationResults:
    """What was trained and tested for one participant where the question is a class.

    Attributes
    ----------
    expected : tuple of Predictions
        The expectation over levels of each model, percent signal change; empty for conditions.
    notes : tuple of str
        What a reader must know of how classes were made, in sentences.
    """

    objective: Literal["levels", "condition"]
    runs: tuple[PreparedRun, ...]
    evaluations: tuple[ClassEvaluation, ...]
    models: tuple[SavedModel, ...]
    splits: tuple[Split, ...]
    descriptions: Mapping[str, str]
    expected: tuple[Predictions, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def scores(self) -> tuple[ClassScore, ...]:
        """The scores of all models."""
        return tuple(score for evaluation in self.evaluations for score in evaluation.scores)
