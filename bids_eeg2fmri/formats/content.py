"""Is the content of a file here? Datasets from DataLad hold links or pointers in its place."""

from __future__ import annotations

import stat
from pathlib import Path

from bids_eeg2fmri.errors import BadDataError, MissingInputError

#: A pointer to the content of an annex is one line of text; git-annex allows 32 KiB.
_LONGEST_POINTER = 32768
#: Tables of numbers are read as a whole: 500 confounds of 10,000 volumes are 100 MB of text.
LARGEST_TABLE = 256 * 2**20
#: Headers, markers, and tables that are split in cells of text; a million markers are 40 MB.
LARGEST_TEXT = 64 * 2**20


def check_content(path: Path, *, largest: int | None = None) -> None:
    """Raise if a file is a link to nowhere, an annex pointer, empty, a device, or larger than allowed.

    Parameters
    ----------
    largest : int or None
        The most bytes that are read.

    Raises
    ------
    MissingInputError
        If the content is not on this machine.
    BadDataError
        If the file is empty, too large, no regular file, or cannot be read.
    """
    if path.is_symlink() and not path.exists():
        raise MissingInputError(f"The content of {path} is not here. Run: datalad get {path}")
    if not path.exists():
        raise MissingInputError(f"There is no file {path}.")
    try:
        size, mode = path.stat().st_size, path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise BadDataError(f"{path} is no file but a folder, pipe or device. Put the file there.")
        if size == 0:
            raise BadDataError(f"{path} is empty. Fetch or make it again.")
        if largest is not None and size > largest:
            raise BadDataError(
                f"{path} has {size} bytes; the most that is read of such a file is {largest}. Fetch or make "
                "it again; if it is right, cut it into runs."
            )
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
