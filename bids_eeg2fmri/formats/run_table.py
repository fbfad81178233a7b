"""The list of every EEG and BOLD recording found: ``sub-01_runs.tsv``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from bids_eeg2fmri.bids.names import relative_to
from bids_eeg2fmri.formats.table import write_table
from bids_eeg2fmri.records import FoundRun

_COLUMNS = {
    "modality": {"Description": "eeg or bold"},
    "recording": {"Description": "File, relative to its dataset"},
    "status": {"Description": "paired, unpaired, unusable, or usable (EEG that models are applied to)"},
    "partner": {"Description": "The other half of a pair"},
    "evidence": {"Description": "Why the two belong together"},
    "reason": {"Description": "Why the recording is not used"},
}


def write_runs(path: Path, found: Iterable[FoundRun], roots: Sequence[Path]) -> list[Path]:
    """Write one row per recording; return the table and its sidecar."""
    rows = [
        (
            run.modality,
            relative_to(run.path, roots),
            run.status,
            relative_to(run.partner, roots) if run.partner else "",
            "; ".join(run.evidence),
            run.reason,
        )
        for run in found
    ]
    write_table(path, rows, _COLUMNS)
    return [path, path.with_suffix(".json")]
