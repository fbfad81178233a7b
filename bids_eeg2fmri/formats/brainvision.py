"""BrainVision's header and marker files, which are text: read without MNE, and without the signal.

The format: https://www.brainproducts.com/support-resources/brainvision-core-data-format-1-0/
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from bids_eeg2fmri.errors import BadDataError, MissingInputError, printable
from bids_eeg2fmri.formats.content import LARGEST_TEXT, check_content
from bids_eeg2fmri.formats.recording_limits import check_channels, check_sfreq
from bids_eeg2fmri.records import Marker

#: Bytes in a file's name that common file systems take.
_LONGEST_NAME = 255
#: The files of a recording as its header names them, however configuration files may write that.
_NAMES = re.compile(r"^[^\S\n]*(DataFile|MarkerFile)[^\S\n]*[=:](.*)$", re.IGNORECASE | re.MULTILINE)
#: Encodings in which ASCII is ASCII; in others a header would say two things.
_CODEPAGE = re.compile(
    r"utf-?8|ansi|us-ascii|ascii|latin-?1|iso-?8859-\d+|(cp|windows-?)?125\d", re.IGNORECASE
)
#: Slices of ten hours of multiband BOLD are half as many.
_MOST_MARKERS = 1_000_000
_BYTES = {"INT_16": 2, "UINT_16": 2, "INT_32": 4, "IEEE_FLOAT_32": 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class BrainVisionHeader:
    """What a ``.vhdr`` file says.

    ``sfreq`` is in Hz; ``bytes_per_sample`` are those of all channels together, 0 where the signal is text.
    """

    n_channels: int
    sfreq: float
    signal: Path
    markers: Path | None
    bytes_per_sample: int


def read_brainvision_header(path: Path) -> BrainVisionHeader:
    """Read a ``.vhdr`` file.

    Raises
    ------
    MissingInputError
        If it, or a file that it names, is not here.
    BadDataError
        If it is not such a file.
    """
    check_content(path, largest=LARGEST_TEXT)
    text = _read_text(path)
    _check_names(path, text)
    values = _common_values(text)
    try:
        n_channels = int(values["numberofchannels"])
        sfreq = 1e6 / float(values["samplinginterval"])
        signal = values["datafile"]
    except (KeyError, ValueError, ZeroDivisionError) as error:
        raise BadDataError(
            f"{path} cannot be read as EEG: it is no BrainVision header ({error}). Fetch or export it again."
        ) from None
    check_channels(path, n_channels)
    check_sfreq(path, sfreq)
    is_binary = values.get("dataformat", "BINARY").upper() == "BINARY"
    size = _BYTES.get(values.get("binaryformat", "INT_16").upper(), 0) if is_binary else 0
    markers = values.get("markerfile", "")
    return BrainVisionHeader(
        n_channels=n_channels,
        sfreq=sfreq,
        signal=_named_file(path, signal, "DataFile"),
        markers=_named_file(path, markers, "MarkerFile") if markers else None,
        bytes_per_sample=size * n_channels,
    )


def read_brainvision_markers(path: Path, sfreq: float) -> tuple[Marker, ...]:
    """Read a ``.vmrk`` file; descriptions as MNE writes them (``Response/R128``), in order of time.

    Parameters
    ----------
    sfreq : float
        Sampling rate of the recording, Hz.

    Raises
    ------
    MissingInputError
        If its content is not here.
    BadDataError
        If it is not such a file.
    """
    check_content(path, largest=LARGEST_TEXT)
    markers: list[Marker] = []
    is_inside = found_section = False
    for raw_line in _read_text(path).splitlines():
        line = raw_line.strip()
        if line.startswith("["):
            is_inside = line.casefold() == "[marker infos]"
            found_section = found_section or is_inside
        elif is_inside and line.startswith("Mk") and "=" in line:
            markers += _parse_marker(path, line, sfreq)
            if len(markers) > _MOST_MARKERS:
                raise BadDataError(
                    f"{path} has more than {_MOST_MARKERS} markers, as no scan has. Fetch or export it again."
                )
    if not found_section:
        raise BadDataError(f"{path} cannot be read: it has no [Marker Infos]. Fetch or export it again.")
    return tuple(sorted(markers, key=lambda marker: marker.onset))


def _parse_marker(path: Path, line: str, sfreq: float) -> list[Marker]:
    """Return the marker of one line; none for the file's own boundary."""
    try:
        kind, description, position = line.partition("=")[2].split(",")[:3]
        onset = (int(position) - 1) / sfreq
    except (ValueError, OverflowError):
        raise BadDataError(f"{path} is damaged at '{line}'. Fetch or export it again.") from None
    if kind == "New Segment":
        return []
    return [Marker(onset=onset, description=printable(f"{kind}/{description}".replace(r"\1", ",")))]


def _check_names(path: Path, text: str) -> None:
    """Refuse a header that names files elsewhere, which are none of the dataset, or hides what it says.

    MNE reads the header too, and by other rules: it counts wherever such a line stands.
    """
    head = text.partition("[Comment]")[0]
    for key, value in _NAMES.findall(head):
        name = value.strip()
        is_plain = PurePosixPath(name).name == PureWindowsPath(name).name == name
        if name and (not is_plain or name in (".", "..") or "\x00" in name):
            raise BadDataError(
                f"{path} names a file elsewhere: {key}={name}. BrainVision's files lie side by side: {key} "
                "is a name without folders. Correct the header."
            )
    for codepage in re.findall(r"Codepage=(.+)", text):
        if not _CODEPAGE.fullmatch(codepage.strip()):
            raise BadDataError(
                f"{path} says Codepage={codepage.strip()}; allowed are UTF-8, ANSI and its relatives. Export "
                "it again."
            )


def _named_file(header: Path, name: str, key: str) -> Path:
    """Return the file that a header names; say so if it was renamed and the header was not."""
    full = name.replace("$b", header.stem).strip()
    if len(full.encode(errors="replace")) > _LONGEST_NAME:
        raise BadDataError(f"{header} is damaged: its {key} is {full[:40]}... Fetch or export it again.")
    path = header.with_name(full)
    own = header.with_suffix(path.suffix)
    if not (path.exists() or path.is_symlink()) and own != path and (own.exists() or own.is_symlink()):
        raise MissingInputError(
            f"{header} names {path.name}, which is not there, but {own.name} is. The files were renamed "
            f"without their header: correct its {key}= line."
        )
    return path


def _common_values(text: str) -> dict[str, str]:
    """Return keys (lower case) and values of all sections."""
    values: dict[str, str] = {}
    for raw_line in text.splitlines():
        line = raw_line.strip()
        if line.casefold() == "[comment]":
            break  # free text follows, which may look like anything
        key, equals, value = line.partition("=")
        if equals and not line.startswith(";"):
            values.setdefault(key.strip().casefold(), value.strip())
    return values


def _read_text(path: Path) -> str:
    """Return the text of a file: UTF-8, or what older recorders write."""
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")
