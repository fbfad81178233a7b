"""What minimal preprocessing leaves in the output, each file labelled as such."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bids_eeg2fmri.bids.outputs import Outputs
from bids_eeg2fmri.bold.made_confounds import describe_confounds
from bids_eeg2fmri.bold.minimal import MinimalBold
from bids_eeg2fmri.formats.minimal_bold import write_confounds, write_mask, write_mean
from bids_eeg2fmri.records import BoldRun

#: The label of all these files.
DESC = "minimal"


def write_minimal(
    outputs: Outputs, runs: Sequence[BoldRun], minimal: MinimalBold
) -> tuple[list[Path], list[Path]]:
    """Write the confounds of each run, mean and mask; return the table of each run, and all paths."""
    first = runs[0]
    mean = outputs.of_run(
        first.entities, "func", suffix="boldref", extension=".nii.gz", desc=DESC, space=first.space
    )
    mask = outputs.of_run(
        first.entities, "func", suffix="mask", extension=".nii.gz", desc=DESC, space=first.space
    )
    affine = minimal.grid.affine
    written = write_mean(mean, minimal.mean.volume, affine, minimal.place, steps=minimal.runs[0].steps)
    written += write_mask(mask, minimal.grid.mask, affine)
    tables = []
    for run, made in zip(runs, minimal.runs, strict=True):
        path = outputs.of_run(run.entities, "func", suffix="timeseries", extension=".tsv", desc=DESC)
        written += write_confounds(
            path,
            made.confounds,
            describe_confounds(tuple(made.confounds)),
            tr=run.tr,
            start_time=run.start_time,
            steps=made.steps,
        )
        tables.append(path)
    return tables, written
