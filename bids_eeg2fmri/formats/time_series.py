"""BOLD of regions over a run, measured or predicted: ``*_timeseries.tsv``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.formats.table import write_table


def write_time_series(
    path: Path,
    data: NDArray[np.float64],
    names: Sequence[str],
    *,
    weights: NDArray[np.float64],
    tr: float,
    start_time: float,
    description: str,
    weight: str = "0 where the volume is censored or was not tested, else 1",
    **extra: Any,
) -> list[Path]:
    """Write (n_volumes, n_regions) percent signal change, one row per volume, and its sidecar.

    Volumes are never dropped; the last column, ``weight``, is 0 where one is censored or was not tested (or
    what ``weight`` says). ``extra`` are further entries of the sidecar.
    """
    columns = {
        name: {"Description": f"{description}, region {name}", "Units": "percent signal change"}
        for name in names
    }
    columns["weight"] = {"Description": weight}
    rows = [[*row, weight] for row, weight in zip(data.tolist(), weights.tolist(), strict=True)]
    write_table(path, rows, columns, SamplingFrequency=round(1 / tr, 9), StartTime=start_time, **extra)
    return [path, path.with_suffix(".json")]
