"""A file appears whole or not at all."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bids_eeg2fmri.errors import OutputError

#: In the name of every file and folder that is not finished yet; see :func:`remove_parts`.
_PART = ".part."


def part_of(path: Path) -> Path:
    """Return a name beside a path for what is not finished yet, another one with every call.

    It is no process number: those of two containers or machines may be the same.
    """
    return path.with_name(f".{secrets.token_hex(8)}{_PART}{path.name}")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a path beside the final one, and move it there once the block ends without an error.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    part = part_of(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        part.replace(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"{path} cannot be written: {reason}. Check permissions and free space.") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8, whole or not at all; what UTF-8 cannot hold stands there as an escape."""
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8", errors="backslashreplace")


def remove_parts(folder: Path, stems: Iterable[str] = ("",), *, min_age: float = 0.0) -> None:
    """Remove what killed jobs have left unfinished in a folder.

    Parameters
    ----------
    stems : iterable of str
        How the names of the files begin; only where no other job can be writing such files.
    min_age : float
        Where others can: seconds since it was last written to. Files are written in one go.
    """
    for path in [path for stem in stems for path in folder.glob(f".*{_PART}{stem}*")]:
        with suppress(OSError):
            if min_age and time.time() - path.lstat().st_mtime < min_age:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
