"""Everything of one participant that goes to disk, each file under its BIDS name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bids_eeg2fmri.bids.names import common_entities
from bids_eeg2fmri.bids.outputs import Outputs
from bids_eeg2fmri.formats.clean_eeg import write_clean_eeg
from bids_eeg2fmri.formats.evaluation_tables import (
    write_controls,
    write_lags,
    write_nulls,
    write_specificity,
)
from bids_eeg2fmri.formats.model_file import write_model
from bids_eeg2fmri.formats.nifti import write_volume
from bids_eeg2fmri.formats.score_table import write_scores
from bids_eeg2fmri.formats.table import write_table
from bids_eeg2fmri.formats.time_series import write_time_series
from bids_eeg2fmri.records import (
    ControlScore,
    Evaluation,
    Predictions,
    PreparedRun,
    RegionSeries,
    SavedModel,
    Score,
    SimultaneousRun,
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Results:
    """What was measured, predicted, scored and trained for one participant."""

    runs: tuple[PreparedRun, ...]
    predictions: tuple[Predictions, ...]
    evaluations: tuple[Evaluation, ...]
    models: tuple[SavedModel, ...]
    controls: tuple[ControlScore, ...] = ()
    #: Of a localiser: how much the voxels of a region agree between folds (mean Jaccard index).
    overlap: Mapping[str, float] = field(default_factory=dict)

    @property
    def scores(self) -> tuple[Score, ...]:
        """The scores of all models."""
        return tuple(score for evaluation in self.evaluations for score in evaluation.scores)


def write_results(outputs: Outputs, results: Results, *, raw_root: Path) -> list[Path]:
    """Write cleaned EEG, measured and predicted BOLD, regions, scores and models; return all paths."""
    written: list[Path] = []
    for index, prepared in enumerate(results.runs):
        written += write_run(outputs, prepared, raw_root)
        for prediction in results.predictions:
            written += write_prediction(outputs, prepared, prediction, index)
    everyone = common_entities(prepared.run.entities for prepared in results.runs)
    regions = results.runs[0].regions
    labels = outputs.of_participant(
        everyone, suffix="dseg", extension=".nii.gz", desc="regions", space=regions.space
    )
    written += write_regions(labels, regions, results.overlap)

    def table(desc: str) -> Path:
        return outputs.of_participant(everyone, suffix="metrics", extension=".tsv", desc=desc)

    written += write_scores(table("scores"), results.scores)
    written += write_nulls(table("nulls"), results.evaluations)
    written += write_lags(table("lags"), results.evaluations)
    written += write_specificity(table("specificity"), results.evaluations)
    if results.controls:
        written += write_controls(table("controls"), results.controls)
    for model in results.models:
        path = outputs.of_participant(everyone, suffix="model", extension=".safetensors", desc=model.model)
        written += write_model(path, model)
    return written


def write_regions(
    path: Path, regions: RegionSeries, overlap: Mapping[str, float] | None = None
) -> list[Path]:
    """Write the label image of the regions and the table of their names; what they are in its JSON."""
    write_volume(path, regions.labels, regions.affine)
    table = path.with_name(path.name.replace(".nii.gz", ".tsv"))
    columns = {
        "index": {"Description": "Value of the region's voxels in the label image", "Format": "integer"},
        "name": {"Description": "Region"},
        "n_voxels": {"Description": "Number of its voxels"},
    }
    names = regions.region_names[: len(regions.region_names) - len(regions.differences)]
    counts = np.bincount(regions.labels.ravel(), minlength=len(names) + 1)
    rows: list[tuple[object, ...]] = [(k, name, int(counts[k])) for k, name in enumerate(names, start=1)]
    if overlap:
        columns["fold_overlap"] = {
            "Description": "Share of the localiser's voxels that two folds have in common (Jaccard index), "
            "mean over pairs of folds"
        }
        rows = [(*row, overlap[name]) for row, name in zip(rows, names, strict=True)]
    write_table(table, rows, columns, Regions="; ".join(regions.steps))
    return [path, table, table.with_suffix(".json")]


def write_run(outputs: Outputs, prepared: PreparedRun, raw_root: Path) -> list[Path]:
    """Write cleaned EEG and measured BOLD of one run."""
    run = prepared.run
    is_raw = run.eeg_path.is_relative_to(raw_root)
    source = f"bids:raw:{run.eeg_path.relative_to(raw_root).as_posix()}" if is_raw else run.eeg_path.as_uri()
    header = outputs.of_run(run.entities, "eeg", suffix="eeg", extension=".vhdr", desc="clean")
    written = write_clean_eeg(header, prepared.eeg, prepared.clock, task=run.entities.task, source=source)
    path = outputs.of_run(run.entities, "func", suffix="timeseries", extension=".tsv", desc="regions")
    return written + write_time_series(
        path,
        prepared.regions.data,
        prepared.regions.region_names,
        weights=prepared.aligned.weights,
        tr=run.tr,
        start_time=run.start_time,
        description=f"Measured BOLD{_how_preprocessed(run)}",
    )


def _how_preprocessed(run: SimultaneousRun) -> str:
    """Return a note where the BOLD did not come from fMRIPrep or the like."""
    return " (minimal preprocessing)" if run.preprocessing == "minimal" else ""


def write_prediction(
    outputs: Outputs, prepared: PreparedRun, prediction: Predictions, index: int
) -> list[Path]:
    """Write the BOLD that one model predicted for one run it had not seen."""
    run = prepared.run
    path = outputs.of_run(run.entities, "func", suffix="timeseries", extension=".tsv", desc=prediction.model)
    tested = (prediction.folds[index] >= 0).astype(np.float64)
    return write_time_series(
        path,
        prediction.values[index],
        prepared.aligned.region_names,
        weights=prepared.aligned.weights * tested,
        tr=run.tr,
        start_time=run.start_time,
        description=f"BOLD predicted by {prediction.model}{_how_preprocessed(run)}",
    )
