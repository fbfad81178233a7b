"""What tests of models showed beside their scores, as tables: nulls, lags, specificity, controls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import astuple
from pathlib import Path
from typing import Any

from bids_eeg2fmri.formats.table import write_table
from bids_eeg2fmri.records import ControlScore, Evaluation

_MODEL = {"Description": "Predictor; task, nuisance, tasknuisance and drift know no EEG"}
_NULL_COLUMNS: dict[str, dict[str, Any]] = {
    "model": _MODEL,
    "region": {"Description": "Region; 'mean' is the mean over the regions"},
    "measure": {"Description": "Correlation that is tested; see the table of scores"},
    "null": {
        "Description": "What it is tested against",
        "Levels": {
            "shift": "Circular shifts of the prediction by at least 20 s, spread for cross-validation",
            "phase": "Predictions with random phases, spread for cross-validation",
            "wrong-run": "Predictions from the EEG of other runs, spread for cross-validation",
            "refit": "Models fitted anew to shifted BOLD",
        },
    },
    "fisher_z": {"Description": "Mean Fisher z over runs"},
    "n_draws": {"Description": "Draws of the null; p cannot be below 1 / (n_draws + 1)"},
    "null_mean": {"Description": "Mean of the draws"},
    "null_sd": {"Description": "Standard deviation of the draws"},
    "p": {"Description": "One-sided, (b + 1) / (n + 1), uncorrected"},
    "p_max_t": {"Description": "Against the largest over regions in each draw (family-wise)"},
}
_LAG_COLUMNS: dict[str, dict[str, Any]] = {
    "model": _MODEL,
    "region": {"Description": "Region"},
    "lag": {
        "Description": "The measured BOLD is taken this much later than the predicted; below 0: control side",
        "Units": "s",
    },
    "r": {"Description": "Correlation over runs, by Fisher z"},
    "null_high": {"Description": "What 2.5 % of circular shifts beyond the longest lag exceed"},
}
_SPECIFICITY_COLUMNS: dict[str, dict[str, Any]] = {
    "model": _MODEL,
    "predicted": {"Description": "Region that the prediction is for"},
    "measured": {"Description": "Region whose BOLD it is compared with"},
    "r": {"Description": "Correlation over runs, by Fisher z"},
}
_CONTROL_COLUMNS: dict[str, dict[str, Any]] = {
    "model": _MODEL,
    "control": {
        "Description": "Negative control",
        "Levels": {
            "other target": "Another series in the place of the BOLD of regions",
            "reversed time": "Recordings played backwards: BOLD predicted from later EEG",
            "wrong run": "EEG of other runs",
        },
    },
    "target": {"Description": "What was predicted; 'mean' is the mean over the regions"},
    "r": {"Description": "Correlation over runs, by Fisher z"},
    "p": {"Description": "One-sided, against circular shifts"},
}


def write_nulls(path: Path, evaluations: Iterable[Evaluation]) -> list[Path]:
    """Write the tests of every model against every null; return the table and its sidecar."""
    write_table(path, (astuple(test) for e in evaluations for test in e.nulls), _NULL_COLUMNS)
    return [path, path.with_suffix(".json")]


def write_lags(path: Path, evaluations: Iterable[Evaluation]) -> list[Path]:
    """Write the correlations over lags; return the table and its sidecar."""
    write_table(path, (row for e in evaluations for row in _lag_rows(e)), _LAG_COLUMNS)
    return [path, path.with_suffix(".json")]


def write_specificity(path: Path, evaluations: Iterable[Evaluation]) -> list[Path]:
    """Write what predictions for one region have in common with others; return table and sidecar."""
    rows = (
        (e.model, predicted, measured, float(e.specificity[a, b]))
        for e in evaluations
        for a, predicted in enumerate(e.region_names)
        for b, measured in enumerate(e.region_names)
    )
    write_table(path, rows, _SPECIFICITY_COLUMNS)
    return [path, path.with_suffix(".json")]


def write_controls(path: Path, controls: Iterable[ControlScore]) -> list[Path]:
    """Write the negative controls; return the table and its sidecar."""
    write_table(path, (astuple(score) for score in controls), _CONTROL_COLUMNS)
    return [path, path.with_suffix(".json")]


def _lag_rows(evaluation: Evaluation) -> Iterator[tuple[Any, ...]]:
    """Yield one row per region and lag."""
    curve = evaluation.lags
    for k, region in enumerate(evaluation.region_names):
        for lag, r in zip(curve.lags, curve.r[:, k], strict=True):
            yield evaluation.model, region, float(lag), float(r), float(curve.null_high[k])
