"""The header of EDF and BDF files, checked against the file before anything is made of it.

The formats: https://www.edfplus.info/specs/edf.html and https://www.biosemi.com/faq/file_format.htm
"""

from __future__ import annotations

import math
from pathlib import Path

from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.formats.recording_limits import check_channels, check_samples

#: Bytes of the header before and for each signal.
_FIXED = _PER_SIGNAL = 256
#: Where the samples per record of all signals begin, in bytes per signal after the fixed part.
_SAMPLES_AT = 216
_SAMPLE_BYTES = {".edf": 2, ".bdf": 3}


def check_edf(path: Path) -> None:
    """Raise if a header announces what the file cannot hold.

    That a recording is shorter than announced is not refused here: MNE reads what is there, and says so.

    Raises
    ------
    BadDataError
        With what was seen and what is allowed.
    """
    with path.open("rb") as file:
        fixed = file.read(_FIXED)
        n_signals = int(_number(path, fixed[252:256], "number of signals"))
        check_channels(path, n_signals)
        rest = file.read(_PER_SIGNAL * n_signals)
    if len(rest) < _PER_SIGNAL * n_signals:
        raise BadDataError(f"{path} ends within its header. Fetch or export it again.")
    n_records = int(_number(path, fixed[236:244], "number of records"))
    length = _number(path, fixed[244:252], "length of a record")
    if n_records < -1 or length < 0:
        raise BadDataError(
            f"{path} announces {n_records} records of {length:g} s. Its header is damaged: fetch or export "
            "it again."
        )
    begin = _SAMPLES_AT * n_signals
    samples = [
        int(_number(path, rest[begin + 8 * k : begin + 8 * (k + 1)], "samples of a record"))
        for k in range(n_signals)
    ]
    record_bytes = sum(samples) * _SAMPLE_BYTES[path.suffix.casefold()]
    body = path.stat().st_size - _FIXED - _PER_SIGNAL * n_signals
    if min(samples) < 0 or not 0 < record_bytes <= body:
        raise BadDataError(
            f"{path} announces records of {record_bytes} bytes, but {body} are there. Its header is damaged "
            "or the file cut short: fetch or export it again."
        )
    # What is sampled more slowly is repeated up to the fastest signal.
    n_times = max(samples) * (body // record_bytes)
    check_samples(path, n_channels=n_signals, n_times=n_times, files=())


def _number(path: Path, text: bytes, what: str) -> float:
    """Return a number of the header, which is text."""
    try:
        value = float(text.decode("ascii").strip().strip("\x00"))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise BadDataError(f"{path} cannot be read as EEG: its {what} is {text!r}. Fetch or export it again.")
    return value
