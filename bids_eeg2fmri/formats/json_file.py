"""JSON files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bids_eeg2fmri.bids.json_object import load_object
from bids_eeg2fmri.errors import BadDataError, MissingInputError
from bids_eeg2fmri.formats.atomic import write_text


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write an object, keys in the order given; numbers that JSON has no name for are refused."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Read an object.

    Raises
    ------
    MissingInputError
        If the file is not there.
    BadDataError
        If it holds no JSON object.
    """
    try:
        return load_object(path)
    except FileNotFoundError:
        raise MissingInputError(f"There is no file {path}.") from None
    except (OSError, ValueError) as error:
        raise BadDataError(f"{path} cannot be read as JSON ({error}). Repair it or make it again.") from None
