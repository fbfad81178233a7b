"""Sidecars by BIDS' inheritance principle, read so that one bad file does not stop the rest."""

from __future__ import annotations

import logging
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bids_eeg2fmri.bids.json_object import load_object
from bids_eeg2fmri.bids.names import split_entities
from bids_eeg2fmri.errors import BadDataError

_logger = logging.getLogger(__name__)


def read_sidecar(recording: Path, root: Path) -> Mapping[str, Any]:
    """Return the metadata of a recording: every JSON file that applies to it, nearest last.

    A sidecar whose content is not there (a link into an annex, or a pointer) is passed over with a warning.

    Raises
    ------
    BadDataError
        If a sidecar is not JSON.
    """
    metadata: dict[str, Any] = {}
    for path in _applicable(recording, root, _suffix(recording), ".json"):
        if _is_absent(path):
            _logger.warning("%s has no content here (datalad get fetches it); passed over.", path)
            continue
        try:
            metadata |= load_object(path)
        except (OSError, ValueError) as error:
            raise BadDataError(f"The sidecar {path} cannot be read as JSON ({error}). Repair it.") from None
    return metadata


def absent_sidecars(recording: Path, root: Path) -> tuple[Path, ...]:
    """Return the JSON files that apply to a recording and whose content is not here."""
    return tuple(p for p in _applicable(recording, root, _suffix(recording), ".json") if _is_absent(p))


def find_table(recording: Path, root: Path, suffix: str) -> Path | None:
    """Return the nearest table (``events``, ``channels``) that applies to a recording, None if none does.

    It may be a link to content that is not here.
    """
    found = _applicable(recording, root, suffix, ".tsv")
    return found[-1] if found else None


def _suffix(recording: Path) -> str:
    """Return ``bold`` of ``sub-1_task-a_bold.nii.gz``."""
    return split_entities(recording)[1].split(".")[0]


def _is_absent(path: Path) -> bool:
    """Return whether a JSON file is a link to nowhere or an annex pointer."""
    if not path.exists():
        return True
    if not stat.S_ISREG(path.stat().st_mode):
        return False  # to open a pipe would wait for ever; reading it is refused
    with path.open("rb") as file:
        start = file.read(512)
    return b"annex/objects/" in start and not start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")


def _applicable(recording: Path, root: Path, suffix: str, extension: str) -> list[Path]:
    """Return the files that apply to a recording, from the root down, the less specific first."""
    entities, _ = split_entities(recording)
    wanted = f"{suffix}{extension}"
    folders = [f for f in (recording.parent, *recording.parent.parents) if f.is_relative_to(root)]
    found: list[tuple[int, int, Path]] = []
    for depth, folder in enumerate(reversed(folders)):
        for path in folder.glob(f"*{wanted}"):
            own, last = split_entities(path)
            if last == wanted and own.items() <= entities.items():
                found.append((depth, len(own), path))
    return [path for _, _, path in sorted(found)]
