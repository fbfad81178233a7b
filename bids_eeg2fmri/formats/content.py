"""Is the content of a file here? Datasets from DataLad hold links or pointers in its place."""

from __future__ import annotations

from pathlib import Path

from bids_eeg2fmri.errors import BadDataError, MissingInputError


def check_content(path: Path) -> None:
    """Raise if a file is a link to nowhere, an annex pointer, or empty.

    Raises
    ------
    MissingInputError
        If the content is not on this machine.
    BadDataError
        If the file is empty.
    """
    if path.is_symlink() and not path.exists():
        raise MissingInputError(f"The content of {path} is not here. Run: datalad get {path}")
    if not path.exists():
        raise MissingInputError(f"There is no file {path}.")
    if path.stat().st_size == 0:
        raise BadDataError(f"{path} is empty. Fetch or make it again.")
    with path.open("rb") as file:
        if file.read(16).startswith(b"/annex/objects/"):
            raise MissingInputError(f"{path} holds an annex pointer, not data. Run: datalad get {path}")
