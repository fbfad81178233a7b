"""What minimal preprocessing leaves behind: confounds of each run, mean image and brain mask."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.formats.json_file import write_json
from bids_eeg2fmri.formats.nifti import write_volume
from bids_eeg2fmri.formats.table import write_table
from bids_eeg2fmri.records import Floats, TemplatePlace


def write_confounds(
    path: Path,
    confounds: Mapping[str, Floats],
    descriptions: Mapping[str, Mapping[str, Any]],
    *,
    tr: float,
    start_time: float,
    steps: tuple[str, ...],
) -> list[Path]:
    """Write the confounds, each (n_volumes,), one row per volume, and their sidecar."""
    rows = np.stack(list(confounds.values()), axis=1).tolist()
    write_table(
        path,
        rows,
        {name: descriptions[name] for name in confounds},
        SamplingFrequency=round(1 / tr, 9),
        StartTime=start_time,
        Preprocessing="minimal",
        Steps=list(steps),
    )
    return [path, path.with_suffix(".json")]


def write_mean(
    path: Path, mean: NDArray[np.float32], affine: Floats, place: TemplatePlace, *, steps: tuple[str, ...]
) -> list[Path]:
    """Write the mean BOLD on its own grid, the header placing it in the template, and how it got there."""
    write_volume(path, mean, affine)
    sidecar = path.with_name(path.name.replace(".nii.gz", ".json"))
    write_json(
        sidecar,
        {
            "Description": "Mean of realigned raw volumes on their grid; its header places it in MNI152",
            "Preprocessing": "minimal",
            "Steps": list(steps),
            "ScannerToTemplate": np.round(place.matrix, 6).tolist(),
            "BrainOverlap": round(place.overlap, 4),
        },
    )
    return [path, sidecar]


def write_mask(path: Path, mask: NDArray[np.bool_], affine: Floats) -> list[Path]:
    """Write the brain mask on the same grid."""
    write_volume(path, mask.astype(np.int32), affine)
    sidecar = path.with_name(path.name.replace(".nii.gz", ".json"))
    write_json(sidecar, {"Type": "Brain", "Preprocessing": "minimal"})
    return [path, sidecar]
