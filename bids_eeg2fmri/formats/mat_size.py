"""The size of MATLAB files (EEGLAB's ``.set``) once decompressed, known before they are read.

The format: https://www.mathworks.com/help/pdf_doc/matlab/matfile_format.pdf, level 5.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import BinaryIO

from bids_eeg2fmri.errors import BadDataError

_HEADER = 128
#: Type of an element that is another one, compressed.
_COMPRESSED = 15
_CHUNK = 1 << 18
#: What may always come of a file, bytes, and how many bytes of each byte beyond: no recording is compressed
#: so far, while zlib makes a thousand zeros of one byte.
_ALLOWED, _LARGEST_RATIO = 256 * 2**20, 20


def check_mat(path: Path) -> None:
    """Raise if a MATLAB file claims more bytes than it has, or holds far more than recordings do.

    Files of level 4 and HDF5 (7.3) hold nothing compressed that is looked at here.

    Raises
    ------
    BadDataError
        With what was seen and what is allowed.
    """
    size = path.stat().st_size
    limit = max(_ALLOWED, _LARGEST_RATIO * size)
    with path.open("rb") as file:
        head = file.read(_HEADER)
        order = {b"IM": "<", b"MI": ">"}.get(head[126:128])
        if order is None or head[:4] == b"\x89HDF" or b"MATLAB 7.3" in head[:20]:
            return
        total = 0
        while tag := file.read(8):
            kind, n_bytes = struct.unpack(f"{order}II", tag.ljust(8, b"\x00"))
            if n_bytes > size - file.tell():
                raise BadDataError(
                    f"{path} announces {n_bytes} bytes where {size - file.tell()} are left. It is damaged or "
                    "cut short: fetch or export it again."
                )
            if kind == _COMPRESSED:
                total += _decompressed(path, file, n_bytes, limit - total)
            else:
                total += n_bytes
                file.seek(n_bytes, 1)
            if total > limit:
                raise BadDataError(
                    f"{path} of {size} bytes holds more than {limit} once decompressed, which no recording "
                    "does. Fetch or export it again, without compression."
                )


def _decompressed(path: Path, file: BinaryIO, n_bytes: int, limit: int) -> int:
    """Return how many bytes an element holds, and no more than a chunk beyond a limit; none are kept."""
    stream = zlib.decompressobj()
    total = 0
    try:
        while n_bytes > 0 and total <= limit:
            chunk = file.read(min(_CHUNK, n_bytes))
            n_bytes -= len(chunk)
            while chunk and total <= limit:
                total += len(stream.decompress(chunk, _CHUNK))
                chunk = stream.unconsumed_tail
    except zlib.error as error:
        raise BadDataError(f"{path} is damaged ({error}). Fetch or export it again.") from None
    return total
