"""The list of every EEG and BOLD recording found, as lines for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

from bids_eeg2fmri.bids.names import relative_to
from bids_eeg2fmri.records import FoundRun

_WIDTH = 110


def list_recordings(found: Iterable[FoundRun], roots: Sequence[Path]) -> list[str]:
    """Return one line per recording, and under each pair its evidence and what is wrong with it."""
    lines: list[str] = []
    told: set[Path] = set()
    runs = {run.path: run for run in found}
    for run in runs.values():
        if run.path in told:
            continue
        halves = [run, *([runs[run.partner]] if run.partner in runs else [])]
        told |= {half.path for half in halves}
        lines += [
            f"  {half.status:8}  {half.modality:4}  {relative_to(half.path, roots)}"
            for half in sorted(halves, key=lambda half: half.modality, reverse=True)
        ]
        lines += [line for text in run.evidence for line in _wrap(text, "          + ")]
        lines += _wrap(run.reason, "          ! ") if run.reason else []
    return lines


def _wrap(text: str, mark: str) -> list[str]:
    """Return a text as lines that begin under the mark; paths are not broken."""
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=mark,
        subsequent_indent=" " * len(mark),
        break_long_words=False,
        break_on_hyphens=False,
    )
