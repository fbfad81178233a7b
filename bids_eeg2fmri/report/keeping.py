"""Keeping what a report shows, so that its page and figures can be made again without training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.formats.report_content import read_content, write_content
from bids_eeg2fmri.records import AlignedRun, CleanEeg, RegionSignals, SavedModel
from bids_eeg2fmri.report.application import ApplicationReport, write_application_report
from bids_eeg2fmri.report.classification import ClassificationReport, write_classification_report
from bids_eeg2fmri.report.participant import ParticipantReport, RunContent, write_participant_report
from bids_eeg2fmri.report.recording import measure_spectrum

Report = ParticipantReport | ClassificationReport | ApplicationReport
_KINDS: Mapping[str, type[Any]] = {
    kind.__name__: kind for kind in (ParticipantReport, ClassificationReport, ApplicationReport)
}


def keep_report(path: Path, report: Report) -> list[Path]:
    """Write what a report shows; signals, of which it shows the length only, are left out."""
    return write_content(path, _without_signals(report), version=report.version)


def remake_pages(path: Path, *, version: str, html_path: Path, figures_dir: Path) -> tuple[Path, ...]:
    """Read what was kept of a report and write its page and figures again; return their paths.

    Raises
    ------
    MissingInputError, BadDataError
        As :func:`bids_eeg2fmri.formats.report_content.read_content`.
    OutputError
        If a file cannot be written.
    """
    report = read_content(path, _KINDS, version=version)
    if isinstance(report, ParticipantReport):
        return write_participant_report(report, html_path=html_path, figures_dir=figures_dir)
    if isinstance(report, ClassificationReport):
        return write_classification_report(report, html_path=html_path, figures_dir=figures_dir)
    return tuple(write_application_report(report, html_path=html_path, figures_dir=figures_dir))


def _without_signals(value: Any) -> Any:
    """Return a report whose recordings and tensors are replaced by zeros that take no space."""
    if isinstance(value, tuple):
        return tuple(_without_signals(item) for item in value)
    if isinstance(value, Mapping):
        return {key: _without_signals(item) for key, item in value.items()}
    if not is_dataclass(value) or isinstance(value, type):
        return value
    changes = {f.name: _without_signals(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, AlignedRun):
        changes["eeg"] = _zeros(value.eeg)
    if isinstance(value, CleanEeg | RegionSignals):
        changes["data"] = _zeros(value.data)
    if isinstance(value, RunContent) and value.final_spectrum is None:
        changes["final_spectrum"] = measure_spectrum(value.aligned)
    if isinstance(value, SavedModel):
        changes["tensors"] = {}
    return replace(value, **changes)


def _zeros(signal: NDArray[Any]) -> NDArray[Any]:
    """Return zeros of a signal's shape and kind, in the place of one value."""
    return np.broadcast_to(np.zeros((), dtype=signal.dtype), signal.shape)
