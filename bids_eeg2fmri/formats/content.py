"""Is the content of a file here? Datasets from DataLad hold links or pointers in its place."""

from __future__ import annotations

from pathlib import Path

from bids_eeg2fmri.errors import BadDataError, MissingInputError

#: A pointer to the content of an annex is one line of text; git-annex allows 32 KiB.
_LONGEST_POINTER = 32768


def check_content(path: Path) -> None:
    """Raise if a file is a link to nowhere, an annex pointer, or empty.

    Raises
    ------
    MissingInputError
        If the content is not on this machine.
    BadDataError
        If the file is empty or cannot be read.
    """
    if path.is_symlink() and not path.exists():
        raise MissingInputError(f"The content of {path} is not here. Run: datalad get {path}")
    if not path.exists():
        raise MissingInputError(f"There is no file {path}.")
    try:
        size = path.stat().st_size
        if size == 0:
            raise BadDataError(f"{path} is empty. Fetch or make it again.")
        with path.open("rb") as file:
            start = file.read(512)
    except OSError as error:
        raise BadDataError(f"{path} cannot be read ({error.strerror}). Check its permissions.") from None
    if size <= _LONGEST_POINTER and is_pointer(start):
        raise MissingInputError(f"{path} holds an annex pointer, not data. Run: datalad get {path}")


def is_pointer(start: bytes) -> bool:
    """Return whether a file that starts like this is an annex pointer, or a link written out as text."""
    first = start.split(b"\n", 1)[0]
    return first.startswith(b"/annex/objects/") or (
        first.startswith((b"../", b".git/")) and b".git/annex/objects/" in first
    )
