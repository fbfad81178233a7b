"""When each recording began, from ``scans.tsv``: the second rung of the evidence."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from bids_eeg2fmri.errors import Eeg2FmriError
from bids_eeg2fmri.formats.text_table import read_text_table

_logger = logging.getLogger(__name__)

#: Recordings of one run overlap by at least this share of the shorter.
_LEAST_SHARE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Began:
    """When a recording began by the clock of its own computer, and how exactly that is written (s)."""

    time: datetime
    resolution: float


def read_acquisition_times(root: Path, participant: str) -> tuple[dict[Path, Began], tuple[str, ...]]:
    """Return when the recordings of a participant began, and what could not be read.

    The tables are optional and only support other evidence: what is wrong with one is told, not raised.
    """
    folder = root / f"sub-{participant}"
    times: dict[Path, Began] = {}
    complaints: list[str] = []
    for path in (*sorted(folder.glob("*_scans.tsv")), *sorted(folder.glob("ses-*/*_scans.tsv"))):
        try:
            table = read_text_table(path)
            rows = zip(table.texts("filename"), table.texts("acq_time"), strict=True)
        except Eeg2FmriError as error:
            _logger.info("No acquisition times: %s", error)
            complaints.append(f"acquisition times not known: {error}")
            continue
        for name, text in rows:
            began = _parse_time(text)
            if began is not None:
                times[path.parent / name] = began
    return times, tuple(complaints)


def _parse_time(text: str) -> Began | None:
    """Return a time as BIDS writes it (``2009-06-15T13:45:30[.000000]``), None where it is none."""
    try:
        time = datetime.fromisoformat(text.strip().rstrip("Zz"))
    except ValueError:
        return None
    # Written to the second, the truth may lie anywhere within it.
    return Began(time=time.replace(tzinfo=None), resolution=1e-3 if "." in text else 1.0)


def overlap(eeg: Began, eeg_duration: float, bold: Began, bold_duration: float) -> float:
    """Return how long (s) two recordings of these lengths (s) ran at the same time; negative: the gap."""
    offset = (bold.time - eeg.time) / timedelta(seconds=1)
    return min(eeg_duration, offset + bold_duration) - max(0.0, offset)


def is_simultaneous(shared: float, eeg_duration: float, bold_duration: float) -> bool:
    """Return whether an overlap (s) is long enough for one run."""
    return shared >= _LEAST_SHARE * min(eeg_duration, bold_duration)


def offset_of(eeg: Began, bold: Began) -> tuple[float, float]:
    """Return how long (s) after the EEG the BOLD began, and how uncertain that is (s) as it is written."""
    return (bold.time - eeg.time) / timedelta(seconds=1), max(eeg.resolution, bold.resolution)
