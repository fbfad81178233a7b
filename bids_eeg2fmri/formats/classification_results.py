"""Everything of one participant that goes to disk where the question is a class."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bids_eeg2fmri.bids.names import common_entities
from bids_eeg2fmri.bids.outputs import Outputs
from bids_eeg2fmri.formats.classification_tables import (
    write_class_scores,
    write_classes,
    write_confusions,
)
from bids_eeg2fmri.formats.model_file import write_model
from bids_eeg2fmri.formats.results import write_prediction, write_regions, write_run
from bids_eeg2fmri.formats.table import write_table
from bids_eeg2fmri.records import ClassificationResults, ClassPredictions, Labels, PreparedRun


def write_classification(outputs: Outputs, results: ClassificationResults, *, raw_root: Path) -> list[Path]:
    """Write cleaned EEG, measured BOLD, predicted classes, scores and models; return all paths."""
    written: list[Path] = []
    for k, prepared in enumerate(results.runs):
        written += write_run(outputs, prepared, raw_root)
        for expected in results.expected:
            written += write_prediction(outputs, prepared, expected, k)
        for n, evaluation in enumerate(results.evaluations):
            predictions = evaluation.predictions
            if results.objective == "condition":
                written += _write_windows(outputs, prepared, predictions, k)
                continue
            if n == 0:
                written += _write_levels(outputs, prepared, predictions, predictions.labels[k], "levels")
            said = predictions.predicted(k)
            written += _write_levels(outputs, prepared, predictions, said, f"{predictions.model}levels")
    everyone = common_entities(prepared.run.entities for prepared in results.runs)
    regions = results.runs[0].regions
    labels = outputs.of_participant(
        everyone, suffix="dseg", extension=".nii.gz", desc="regions", space=regions.space
    )
    written += write_regions(labels, regions)

    def table(desc: str) -> Path:
        return outputs.of_participant(everyone, suffix="metrics", extension=".tsv", desc=desc)

    written += write_class_scores(table(results.objective), results.scores)
    written += write_classes(table("classes"), results.evaluations)
    written += write_confusions(table("confusions"), results.evaluations)
    for model in results.models:
        path = outputs.of_participant(everyone, suffix="model", extension=".safetensors", desc=model.model)
        written += write_model(path, model)
    return written


def _write_levels(
    outputs: Outputs, prepared: PreparedRun, predictions: ClassPredictions, levels: Labels, desc: str
) -> list[Path]:
    """Write the level of every volume and region, measured or predicted."""
    run = prepared.run
    path = outputs.of_run(run.entities, "func", suffix="timeseries", extension=".tsv", desc=desc)
    last = len(predictions.class_names) - 1
    columns: dict[str, dict[str, Any]] = {
        name: {"Description": f"Level of region {name}: 0 (lowest) to {last}; n/a where none was tested"}
        for name in predictions.target_names
    }
    rows = ([None if level < 0 else int(level) for level in row] for row in levels)
    write_table(path, rows, columns, SamplingFrequency=round(1 / run.tr, 9), StartTime=run.start_time)
    return [path, path.with_suffix(".json")]


def _write_windows(
    outputs: Outputs, prepared: PreparedRun, predictions: ClassPredictions, k: int
) -> list[Path]:
    """Write every window of a run with its condition and the probability of each."""
    path = outputs.of_run(
        prepared.run.entities, "eeg", suffix="windows", extension=".tsv", desc=predictions.model
    )
    columns: dict[str, dict[str, Any]] = {
        "end": {"Description": "Last sample of the window, after the first of the EEG", "Units": "s"},
        "trial": {"Description": "Trial that the window lies in, counted from 0 within the run"},
        "condition": {"Description": "Condition of the trial"},
        "predicted": {"Description": "Most probable condition by the EEG"},
    }
    columns |= {
        f"p_{name}": {"Description": f"Probability of {name} by the EEG"} for name in predictions.class_names
    }
    write_table(path, _window_rows(predictions, k), columns)
    return [path, path.with_suffix(".json")]


def _window_rows(predictions: ClassPredictions, k: int) -> Iterator[tuple[Any, ...]]:
    """Yield one row per window."""
    run, names = predictions.runs[k], predictions.class_names
    said = predictions.predicted(k)[:, 0]
    for i, sample in enumerate(run.volume_samples):
        label = predictions.labels[k][i, 0]
        yield (
            float(sample / run.sfreq),
            int(predictions.trials[k][i]),
            names[label] if label >= 0 else None,
            names[said[i]] if said[i] >= 0 else None,
            *predictions.probabilities[k][i, 0].tolist(),
        )
