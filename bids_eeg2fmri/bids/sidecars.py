"""JSON sidecars by BIDS' inheritance principle, read so that one bad file does not stop the rest."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bids_eeg2fmri.bids.names import split_entities
from bids_eeg2fmri.errors import BadDataError

_logger = logging.getLogger(__name__)


def read_sidecar(recording: Path, root: Path) -> Mapping[str, Any]:
    """Return the metadata of a recording: every JSON file that applies to it, nearest last.

    A sidecar whose content is not there (a link into an annex) is passed over with a warning.

    Raises
    ------
    BadDataError
        If a sidecar is not JSON.
    """
    metadata: dict[str, Any] = {}
    for path in _applicable(recording, root):
        try:
            metadata |= json.loads(path.read_text(encoding="utf-8-sig"))
        except FileNotFoundError:
            _logger.warning("%s has no content here (datalad get fetches it); passed over.", path)
        except (OSError, ValueError, TypeError) as error:
            raise BadDataError(f"The sidecar {path} cannot be read as JSON ({error}). Repair it.") from None
    return metadata


def _applicable(recording: Path, root: Path) -> list[Path]:
    """Return the sidecars that apply, from the root down, the less specific first."""
    entities, last = split_entities(recording)
    wanted = last.split(".")[0] + ".json"
    folders = [f for f in (recording.parent, *recording.parent.parents) if f.is_relative_to(root)]
    found: list[tuple[int, int, Path]] = []
    for depth, folder in enumerate(reversed(folders)):
        for path in folder.glob(f"*{wanted}"):
            own, own_last = split_entities(path)
            if own_last == wanted and own.items() <= entities.items():
                found.append((depth, len(own), path))
    return [path for _, _, path in sorted(found)]
