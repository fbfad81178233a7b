"""EEG recordings as the amplifier wrote them: header and markers, and the signal through MNE-BIDS."""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mne
import mne_bids

from bids_eeg2fmri.errors import BadDataError, MissingInputError
from bids_eeg2fmri.formats.content import check_content
from bids_eeg2fmri.records import Marker

_logger = logging.getLogger(__name__)

#: The other files of a recording, by the extension of the one that names it.
_COMPANIONS = {".vhdr": (".eeg", ".vmrk")}


@dataclass(frozen=True, slots=True, kw_only=True)
class EegHeader:
    """What a recording's header and marker file say.

    ``duration`` is in seconds, computed from the signal that is there.
    """

    n_channels: int
    sfreq: float
    duration: float
    markers: tuple[Marker, ...]


def read_eeg_header(path: Path, *, stated_duration: float | None = None) -> EegHeader:
    """Read header and markers without the signal, and check that the signal is as long as they say.

    Parameters
    ----------
    path : Path
        The file that names the recording (``.vhdr``, ``.edf``, ``.bdf``, ``.set``).
    stated_duration : float or None
        ``RecordingDuration`` of the sidecar, s.

    Raises
    ------
    MissingInputError
        If a file of the recording is not here.
    BadDataError
        If it cannot be read or its signal is cut short.
    """
    for extension in ("", *_COMPANIONS.get(path.suffix, ())):
        check_content(path.with_suffix(extension) if extension else path)
    raw = _open(path)
    sfreq = float(raw.info["sfreq"])
    duration = raw.n_times / sfreq
    markers = _read_markers(path, raw)
    last = max((marker.onset for marker in markers), default=0.0)
    claimed, by_whom = last, "its last marker stands"
    if stated_duration is not None and stated_duration > claimed:
        claimed, by_whom = stated_duration, "its sidecar's RecordingDuration ends"
    # A recording may lack its last packet; more than a second is a cut.
    if claimed > duration + 1.0:
        raise BadDataError(
            f"The signal of {path} is truncated: it ends after {duration:.1f} s, "
            f"but {by_whom} at {claimed:.1f} s. "
            "Copy or fetch the recording again, or leave this run out (--run-label, --bids-filter-file)."
        )
    return EegHeader(n_channels=len(raw.ch_names), sfreq=sfreq, duration=duration, markers=markers)


def read_eeg(path: Path) -> mne.io.BaseRaw:
    """Open a recording through MNE-BIDS: channel types, bad channels and positions from its sidecars.

    The signal is not loaded yet.

    Raises
    ------
    BadDataError
        If MNE-BIDS cannot read it.
    """
    bids_path = mne_bids.get_bids_path_from_fname(path, check=False, verbose="error")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            raw = mne_bids.read_raw_bids(bids_path, verbose="error")
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            raise BadDataError(f"{path} and its sidecars cannot be read by MNE-BIDS: {error}") from error
    for warning in caught:
        _logger.debug("%s: %s", path.name, warning.message)
    return raw


def _open(path: Path) -> Any:
    """Return MNE's view of a recording, nothing loaded."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what matters of them is checked by the caller
        try:
            return mne.io.read_raw(path, preload=False, verbose="error")
        except FileNotFoundError as error:
            raise MissingInputError(f"A file of the recording {path} is missing: {error}") from None
        except Exception as error:  # MNE's readers raise whatever a damaged header leads to
            raise BadDataError(f"{path} cannot be read as EEG: {error}. Fetch or export it again.") from error


def _read_markers(path: Path, raw: Any) -> tuple[Marker, ...]:
    """Return all markers, also those that lie after the end of the signal."""
    annotations = raw.annotations
    if path.suffix == ".vhdr":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                annotations = mne.read_annotations(path.with_suffix(".vmrk"), sfreq=float(raw.info["sfreq"]))
            except (OSError, ValueError, IndexError, KeyError) as error:
                raise BadDataError(f"{path.with_suffix('.vmrk')} cannot be read: {error}") from error
    # BrainVision's file boundary, not an event.
    events = ((a["onset"], str(a["description"])) for a in annotations if a["description"] != "New Segment/")
    return tuple(Marker(onset=float(onset), description=description) for onset, description in events)
