"""Scores of predictors and group tests as tables, and back."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pandas as pd

from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.formats.table import read_table, write_table
from bids_eeg2fmri.records import GroupTest, Score, column_names

_SCORE_COLUMNS: dict[str, dict[str, Any]] = {
    "model": {"Description": "Predictor; task, nuisance, tasknuisance and drift know no EEG"},
    "region": {"Description": "Region; 'mean' is the mean over the regions"},
    "run": {"Description": "Held-out run, block or session; 'all' is over all runs"},
    "n_volumes": {"Description": "Volumes tested"},
    "r": {
        "Description": "Pearson correlation of predicted and measured BOLD; over runs by Fisher z. A model's "
        "prediction that does not vary counts as 0"
    },
    "fisher_z": {"Description": "Fisher z of r; over runs the mean"},
    "fisher_z_sd": {"Description": "Standard deviation of Fisher z over runs"},
    "r_low": {"Description": "Lower end of the 95 % interval of r: bootstrap of blocks of 20 s within runs"},
    "r_high": {"Description": "Upper end of that interval"},
    "r_given_task": {
        "Description": "Correlation of predicted and measured BOLD, both cleaned of the task design"
    },
    "r_given_task_nuisance": {
        "Description": "The same, cleaned of task design and nuisance (motion, heart rate, residual "
        "artefact, muscles, blinks)"
    },
    "r2": {"Description": "1 - squared error / squared distance to the training mean; can be negative"},
    "r2_gain": {"Description": "R2 of task and EEG together less that of the task alone"},
    "mse": {"Description": "Mean squared error", "Units": "(% signal change)^2"},
    "ccc": {"Description": "Concordance correlation coefficient of Lin"},
    "slope": {"Description": "Slope of measured on predicted BOLD; 1 is calibrated"},
    "coherence": {
        "Description": "Magnitude-squared coherence, mean from 0.01 to 0.1 Hz, less what chance gives"
    },
    "best_lag": {
        "Description": "Lag of the highest correlation; above 0: the measured BOLD comes later",
        "Units": "s",
    },
    "change_accuracy": {
        "Description": "Share of changes over 4 s that go the same way in predicted and measured BOLD; "
        "0.5 by chance"
    },
    "n_effective": {"Description": "Independent volumes that would tell as much (autocorrelation)"},
    "p": {
        "Description": "p of r, one-sided, (b + 1) / (n + 1): against refitted models where there are such "
        "draws, else against circular shifts"
    },
    "p_given_task": {"Description": "The same of r_given_task"},
    "p_given_task_nuisance": {"Description": "The same of r_given_task_nuisance"},
    "held_out": {
        "Description": "What was held out of training",
        "Levels": {
            "task": "All runs of another task",
            "session": "A whole session",
            "run": "A whole run",
            "block": "A part of a run, with a gap (within-run: the weakest test)",
        },
    },
}
_TEST_COLUMNS: dict[str, dict[str, Any]] = {
    "model": {"Description": "Predictor; 'task' is the task design alone, on the same folds"},
    "measure": {
        "Description": "What is tested",
        "Levels": {
            "r": "Correlation of predicted and measured BOLD",
            "r_given_task": "The same with both sides cleaned of the task design",
            "r_given_task_nuisance": "The same with both sides cleaned of task design and nuisance",
            "r_minus_task": "Fisher z of r minus that of the task design alone, as a correlation",
        },
    },
    "region": {"Description": "Region; 'mean' is the mean over the regions"},
    "n_participants": {"Description": "Participants with a score"},
    "r": {"Description": "Mean over participants, by Fisher z"},
    "fisher_z": {"Description": "Mean over participants of Fisher z"},
    "fisher_z_sd": {"Description": "Standard deviation over participants of Fisher z"},
    "p": {"Description": "One-sided sign-flip permutation test of fisher_z > 0"},
    "p_max_t": {"Description": "The same corrected over regions by the largest statistic (family-wise)"},
    "p_fdr": {
        "Description": "The same corrected over regions by Benjamini and Hochberg (false discovery rate)"
    },
}


def write_scores(path: Path, scores: Iterable[Score]) -> list[Path]:
    """Write the scores of one participant; return the table and its sidecar."""
    write_table(path, (astuple(score) for score in scores), _SCORE_COLUMNS)
    return [path, path.with_suffix(".json")]


def read_scores(path: Path) -> tuple[Score, ...]:
    """Read the scores of one participant.

    Raises
    ------
    MissingInputError
        If the table is not there.
    BadDataError
        If it is not a table of scores.
    """
    table = read_table(path)
    missing = [name for name in column_names(Score) if name not in table]
    if missing:
        raise BadDataError(f"{path} is no table of scores: it lacks {', '.join(missing)}. Compute it again.")
    try:
        scores = tuple(_score(row) for row in table.to_dict("records"))
    except (TypeError, ValueError, OverflowError) as error:
        raise BadDataError(f"{path} is damaged ({error}). Compute it again.") from None
    for score in scores:
        # The group level names files by models.
        if not re.fullmatch(r"[A-Za-z0-9]+", score.model):
            raise BadDataError(
                f"{path} names a model {score.model!r}; names are letters and digits. Compute it again."
            )
    return scores


def write_group_scores(path: Path, scores: Iterable[tuple[str, Score]]) -> list[Path]:
    """Write the scores of all participants with a column ``participant_id`` first."""
    columns = {"participant_id": {"Description": "Participant"}, **_SCORE_COLUMNS}
    write_table(path, ((f"sub-{label}", *astuple(score)) for label, score in scores), columns)
    return [path, path.with_suffix(".json")]


def write_group_tests(path: Path, tests: Iterable[GroupTest]) -> list[Path]:
    """Write the tests across participants."""
    write_table(path, (astuple(test) for test in tests), _TEST_COLUMNS)
    return [path, path.with_suffix(".json")]


def _score(row: dict[Any, Any]) -> Score:
    """Return one row as a record; n/a is NaN."""
    texts = ("model", "region", "run", "held_out")
    values: dict[str, Any] = {name: str(row[name]) for name in texts}
    for name in column_names(Score):
        if name not in (*texts, "n_volumes"):
            values[name] = float("nan") if pd.isna(row[name]) else float(row[name])
    return Score(**values, n_volumes=int(row["n_volumes"]))
