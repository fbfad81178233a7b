"""What an image can be: the header is checked from its first bytes, before a library allocates what it says.

The format: https://nifti.nimh.nih.gov/pub/dist/src/niftilib/nifti1.h and nifti2.h
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bids_eeg2fmri.errors import BadDataError

#: Voxels of one volume: 512 at each side are 0.4 mm over a whole head. In float32 they are 1 GiB.
MOST_VOXELS = 2**28
#: A day of volumes every 0.5 s.
MOST_VOLUMES = 200_000
#: An image of more bytes than this that was compressed more than so many times is zeros, not data.
_LARGE, _LARGEST_RATIO = 2**30, 200
#: zlib makes at most 1032 bytes of one; a header that claims more is wrong, and nothing need be read.
_ZLIB_RATIO = 1032
#: Bytes of extensions between header and data; they are read as a whole.
_LONGEST_EXTENSIONS = 16 * 2**20
#: Bytes of a voxel by NIfTI's codes of data types; images of BOLD, masks and labels hold real numbers.
_REAL_TYPES = {2: 1, 4: 2, 8: 4, 16: 4, 64: 8, 256: 1, 512: 2, 768: 4, 1024: 8, 1280: 8}
_LONGEST_HEADER = 540


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """Where the fields of a header are, as formats of ``struct`` and offsets."""

    dim: tuple[str, int]
    pixdim: tuple[str, int]
    datatype: int
    offset: tuple[str, int]


_LAYOUTS = {
    348: _Layout(dim=("8h", 40), pixdim=("8f", 76), datatype=70, offset=("f", 108)),
    540: _Layout(dim=("8q", 16), pixdim=("8d", 104), datatype=12, offset=("q", 168)),
}


def check_nifti(path: Path) -> None:
    """Raise if an image cannot be what its header says.

    Raises
    ------
    BadDataError
        With what was seen and what is allowed.
    """
    head = _read_head(path)
    order = next((o for o in "<>" if len(head) >= 4 and struct.unpack(f"{o}i", head[:4])[0] in _LAYOUTS), "")
    size = struct.unpack(f"{order}i", head[:4])[0] if order else 0
    if not order or len(head) < size:
        raise BadDataError(f"{path} cannot be read as NIfTI: it has no such header. Fetch or make it again.")
    layout = _LAYOUTS[size]

    def fields(place: tuple[str, int]) -> tuple[float, ...]:
        return struct.unpack_from(order + place[0], head, place[1])

    dim = [int(n) for n in fields(layout.dim)]
    shape = dim[1 : 1 + dim[0]] if 1 <= dim[0] <= 7 else []
    if not shape or min(shape) < 1:
        raise _refused(path, f"dimensions {dim}", "1 to 7, each of 1 or more voxels")
    (datatype,) = fields(("h", layout.datatype))
    if datatype not in _REAL_TYPES:
        raise _refused(path, f"data type {datatype:g}", "whole and real numbers")
    _check_sides(path, shape, fields(layout.pixdim))
    (offset,) = fields(layout.offset)
    if not (math.isfinite(offset) and 0 <= offset <= size + _LONGEST_EXTENSIONS):
        raise _refused(path, f"data from byte {offset:g} on", f"up to {size + _LONGEST_EXTENSIONS}")
    _check_size(path, shape, _REAL_TYPES[int(datatype)])


def _read_head(path: Path) -> bytes:
    """Return the first bytes of an image, decompressed."""
    try:
        if path.suffix == ".gz":
            with gzip.open(path) as stream:
                return stream.read(_LONGEST_HEADER)
        with path.open("rb") as file:
            return file.read(_LONGEST_HEADER)
    except (OSError, EOFError, zlib.error) as error:
        raise BadDataError(f"{path} cannot be read as NIfTI ({error}). Fetch or make it again.") from None


def _check_sides(path: Path, shape: Sequence[int], pixdim: Sequence[float]) -> None:
    """Raise unless voxels have a size and time goes on; a TR of 0 is one that is not known."""
    sides = pixdim[1 : 1 + min(len(shape), 3)]
    if not all(math.isfinite(side) and 1e-3 <= abs(side) <= 1e3 for side in sides):
        raise _refused(path, f"voxels of {' x '.join(f'{s:g}' for s in sides)} mm", "0.001 to 1000 mm")
    if len(shape) > 3 and not (math.isfinite(pixdim[4]) and 0 <= pixdim[4] <= 1e8):
        raise _refused(path, f"a repetition time of {pixdim[4]:g}", "0 (not known) or more")


def _check_size(path: Path, shape: Sequence[int], item_bytes: int) -> None:
    """Raise if there are more voxels than in any image, or more than the file can hold."""
    n_voxels, n_volumes = math.prod(shape[:3]), math.prod(shape[3:])
    words = " x ".join(map(str, shape))
    if n_voxels > MOST_VOXELS or n_volumes > MOST_VOLUMES:
        raise _refused(path, f"{words} voxels", f"{MOST_VOXELS} in a volume, {MOST_VOLUMES} volumes")
    n_bytes, there = n_voxels * n_volumes * item_bytes, path.stat().st_size
    ratio = _ZLIB_RATIO if path.suffix == ".gz" else 1
    if n_bytes > ratio * there:
        raise BadDataError(
            f"{path} is cut short: its header announces {words} voxels ({n_bytes} bytes), fewer are there. "
            "Fetch or make it again."
        )
    if n_bytes > _LARGE and n_bytes > _LARGEST_RATIO * there:
        raise _refused(
            path,
            f"{n_bytes} bytes compressed to {there}",
            f"a ratio of {_LARGEST_RATIO}, which data never reach",
        )


def _refused(path: Path, seen: str, allowed: str) -> BadDataError:
    """Return the error of a header that cannot be right."""
    return BadDataError(
        f"The header of {path} announces {seen}; allowed are {allowed}. It is damaged: fetch or make it "
        "again."
    )
