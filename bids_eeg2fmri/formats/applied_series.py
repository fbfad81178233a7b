"""BOLD that a trained model predicts for EEG of its own: ``*_desc-<model>_timeseries.tsv`` in ``eeg/``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from bids_eeg2fmri.formats.time_series import write_time_series
from bids_eeg2fmri.records import AppliedModel

#: What every reader of the numbers must know.
NOT_SCORED = (
    "Predicted from the EEG alone; BOLD was not looked at and nothing was scored. HeldOutR and HeldOutError "
    "(root mean square, percent signal change) are those of such models on parts of their training data "
    "(runs, or blocks of one run) that they had not seen; in another session, or in somebody else, they may "
    "do worse."
)


def write_applied_series(path: Path, applied: AppliedModel, *, roots: Mapping[str, Path]) -> list[Path]:
    """Write one row per moment, and a sidecar that says when they are and which model it was.

    ``StartTime`` is that of the first row, s after the first EEG sample.

    Parameters
    ----------
    roots : mapping of name to folder
        The datasets that files are told relative to, as BIDS URIs.
    """
    times = applied.times
    interval = float(times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else applied.tr
    return write_time_series(
        path,
        applied.values,
        applied.region_names,
        weights=applied.weights,
        tr=interval,
        start_time=round(float(times[0]), 9),
        description=f"BOLD predicted by {applied.model}",
        weight="0 where the moment lies outside the EEG, else 1",
        Sources=[_uri(applied.recording, roots), _uri(applied.model_path, roots)],
        ModelDigest=f"sha256:{applied.digest}",
        TrainedOn=list(applied.trained_on),
        TimesFrom=applied.clock.source,
        LargestDistanceFromGrid=_irregularity(times),
        HeldOutR=_by_region(applied.region_names, applied.held_out_r),
        HeldOutError=_by_region(applied.region_names, applied.held_out_error),
        Channels=applied.channels or "all channels of the model are in the recording",
        Note=NOT_SCORED,
    )


def _by_region(names: Sequence[str], values: Sequence[float]) -> dict[str, float | None]:
    """Return what is known of each region as JSON can hold it."""
    known = {name: round(x, 6) if math.isfinite(x) else None for name, x in zip(names, values, strict=False)}
    return {name: known.get(name) for name in names}


def _irregularity(times: np.ndarray) -> float:
    """Return how far (s) any time (n,) lies from the grid of StartTime and SamplingFrequency."""
    grid = np.linspace(times[0], times[-1], len(times))
    return round(float(np.abs(times - grid).max()), 6)


def _uri(path: Path, roots: Mapping[str, Path]) -> str:
    """Return a file as BIDS URI of the first dataset that holds it, else as file URI."""
    for name, root in roots.items():
        if path.is_relative_to(root):
            return f"bids:{name}:{path.relative_to(root).as_posix()}"
    return path.as_uri()
