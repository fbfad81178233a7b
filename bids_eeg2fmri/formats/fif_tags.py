"""The tags of FIF files, checked before MNE follows them: sizes within the file, and no way in circles.

The format: https://github.com/mne-tools/fiff-constants; every number is big-endian.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import BinaryIO

from bids_eeg2fmri.errors import BadDataError

_HEADER = struct.Struct(">iIii")  # kind, type, size, next
_ENTRY = struct.Struct(">iIii")  # kind, type, size, position
_DIR_POINTER = 101
#: Tags of a block that names another file, and the role of the file that continues a recording.
_ROLE, _FILE_NUMBER, _FILE_NAME = 115, 117, 118
_NEXT_FILE = 2
_MOST_TAGS = 5_000_000
_ADVICE = "The file is damaged: fetch or export it again."


@dataclass(slots=True, kw_only=True)
class _Tags:
    """What the tags of a file say: kind, type and size of each by its place, and where it is continued."""

    at: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    role: int = _NEXT_FILE
    number: int | None = None
    name: str = ""


def check_fif(path: Path) -> None:
    """Raise if tags of a file, or of those that continue it, lie outside of it or lead back.

    Raises
    ------
    BadDataError
        With what was seen and what is allowed.
    """
    seen: list[Path] = []
    following: Path | None = path
    while following is not None and following.exists():
        if following in seen:
            raise BadDataError(
                f"{seen[-1]} is continued by {following.name}, which comes before it. {_ADVICE}"
            )
        seen.append(following)
        following = _check_file(following)


def _check_file(path: Path) -> Path | None:
    """Check the tags of one file; return the file that continues it."""
    size = path.stat().st_size
    tags = _Tags()
    position: int | None = 0
    with path.open("rb") as file:
        while position is not None and position + _HEADER.size <= size:
            if len(tags.at) >= _MOST_TAGS:
                raise BadDataError(f"{path} has more than {_MOST_TAGS} tags. {_ADVICE}")
            position = _check_tag(path, file, position, size, tags)
        _check_directory(path, file, size, tags)
    if not tags.name and tags.number is not None:
        stem, dash, old = path.stem.rpartition("-")
        tags.name = f"{stem if dash and old.isdigit() else path.stem}-{tags.number}{path.suffix}"
    return path.with_name(tags.name) if tags.name else None


def _check_tag(path: Path, file: BinaryIO, position: int, size: int, tags: _Tags) -> int | None:
    """Check one tag and take down what it says; return where the next is, None where there is none."""
    file.seek(position)
    kind, type_, n_bytes, following = _HEADER.unpack(file.read(_HEADER.size))
    end = position + _HEADER.size + n_bytes
    if n_bytes < 0 or end > size:
        raise BadDataError(
            f"{path}: the tag at byte {position} announces {n_bytes} bytes, but the file has {size}. "
            f"{_ADVICE}"
        )
    if following > 0 and following <= position:
        raise BadDataError(f"{path}: the tag at byte {position} leads back to {following}. {_ADVICE}")
    tags.at[position] = kind, type_, n_bytes
    if kind in (_ROLE, _FILE_NUMBER) and n_bytes == 4:
        (value,) = struct.unpack(">i", file.read(4))
        if kind == _ROLE:
            tags.role = value
        elif tags.role == _NEXT_FILE:
            tags.number = value
    elif kind == _FILE_NAME and tags.role == _NEXT_FILE:  # of the one before, nobody opens it
        name = file.read(n_bytes).decode("latin-1")
        if PurePosixPath(name).name != name or PureWindowsPath(name).name != name or name in ("", ".", ".."):
            raise BadDataError(f"{path} is continued elsewhere, in {name[:200]!r}. {_ADVICE}")
        tags.name = name
    return None if following < 0 else following or end


def _check_directory(path: Path, file: BinaryIO, size: int, tags: _Tags) -> None:
    """Raise if the directory of a file lists what is not there: MNE goes by it."""
    pointers = [
        place for place, (kind, _, n_bytes) in tags.at.items() if kind == _DIR_POINTER and n_bytes == 4
    ]
    for pointer in pointers:
        file.seek(pointer + _HEADER.size)
        (place,) = struct.unpack(">i", file.read(4))
        if place <= 0:
            continue
        file.seek(min(place, size))
        head = file.read(_HEADER.size)
        n_bytes = _HEADER.unpack(head)[2] if len(head) == _HEADER.size else -1
        if not 0 <= n_bytes <= size - place - _HEADER.size:
            raise BadDataError(f"{path} has no directory at byte {place}, where it says one is. {_ADVICE}")
        last = -1
        for kind, type_, length, where in _ENTRY.iter_unpack(file.read(n_bytes - n_bytes % _ENTRY.size)):
            if where != -1 and (where <= last or tags.at.get(where) != (kind, type_, length)):
                raise BadDataError(
                    f"{path}: its directory lists a tag at byte {where} that is not there. {_ADVICE}"
                )
            last = max(last, where)
