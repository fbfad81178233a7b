"""EEG recordings as the amplifier or another pipeline wrote them: what their headers and markers say.

BrainVision files are read without MNE, whose import takes as long as a whole dataset's headers.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.errors import BadDataError, Eeg2FmriError, MissingInputError, printable
from bids_eeg2fmri.formats.brainvision import (
    BrainVisionHeader,
    read_brainvision_header,
    read_brainvision_markers,
)
from bids_eeg2fmri.formats.content import LARGEST_TEXT, check_content
from bids_eeg2fmri.formats.edf_header import check_edf
from bids_eeg2fmri.formats.fif_tags import check_fif
from bids_eeg2fmri.formats.mat_size import check_mat
from bids_eeg2fmri.formats.recording_limits import check_channels, check_samples, check_sfreq
from bids_eeg2fmri.records import Marker

#: A recording may lack its last packet; more than this (s) is a cut.
_LOST_PACKET = 1.0
#: Samples read at once: a minute at 5 kHz.
_BLOCK = 300_000
#: What MNE says of an EDF file that is shorter than its header.
_SHORT_EDF = "Number of records from the header does not match"


@dataclass(frozen=True, slots=True, kw_only=True)
class EegHeader:
    """What a recording's header and marker file say.

    ``duration`` is in seconds, computed from the signal that is there: 0 where none is.
    """

    n_channels: int
    sfreq: float
    duration: float
    markers: tuple[Marker, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EegState:
    """A recording as it is on this disk: the header, if it can be read, and all that is wrong."""

    header: EegHeader | None
    problems: tuple[Eeg2FmriError, ...]


def inspect_eeg(path: Path, *, stated_duration: float | None = None) -> EegState:
    """Read header and markers, also of a recording whose signal is not here or cut short; raise nothing.

    Parameters
    ----------
    path : Path
        The file that names the recording (``.vhdr``, ``.edf``, ``.bdf``, ``.set``, ``.fif``).
    stated_duration : float or None
        ``RecordingDuration`` of the sidecar, s.
    """
    try:
        if path.suffix.casefold() == ".vhdr":
            return _inspect_brainvision(path, stated_duration)
        header, problems = _read_with_mne(path)
    except Eeg2FmriError as error:
        return EegState(header=None, problems=(error,))
    return EegState(header=header, problems=(*problems, *_check_length(path, header, stated_duration)))


def read_eeg_header(path: Path, *, stated_duration: float | None = None) -> EegHeader:
    """Read header and markers without the signal, and check that the signal is as long as they say.

    Raises
    ------
    MissingInputError
        If a file of the recording is not here.
    BadDataError
        If it cannot be read or its signal is cut short.
    """
    state = inspect_eeg(path, stated_duration=stated_duration)
    if state.problems or state.header is None:
        raise state.problems[0]
    return state.header


def open_eeg(path: Path) -> Any:
    """Return MNE's view of a recording, nothing loaded.

    Raises
    ------
    MissingInputError
        If a file of it is missing.
    BadDataError
        If MNE cannot read it.
    """
    import mne  # noqa: PLC0415  (heavy; BrainVision headers do without)

    check_recording(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what matters of them is checked by the caller
        try:
            raw = mne.io.read_raw(path, preload=False, verbose="error")
        except FileNotFoundError as error:
            raise MissingInputError(f"A file of the recording {path} is missing: {error}") from None
        except Exception as error:  # MNE's readers raise whatever a damaged header leads to
            raise BadDataError(f"{path} cannot be read as EEG: {error}. Fetch or export it again.") from error
    check_opened(path, raw)
    return raw


def check_recording(path: Path) -> None:
    """Raise for a header that MNE must not see: one that claims what cannot be, or names files elsewhere.

    Raises
    ------
    MissingInputError
        If the content of the file is not here.
    BadDataError
        With what was seen and what is allowed.
    """
    suffix = path.suffix.casefold()
    if suffix == ".vhdr":
        markers = read_brainvision_header(path).markers
        if markers is not None and markers.exists():
            check_content(markers, largest=LARGEST_TEXT)
        return
    check_content(path)
    checks = {".edf": check_edf, ".bdf": check_edf, ".set": check_mat, ".fif": check_fif}
    if suffix in checks:
        checks[suffix](path)


def check_opened(path: Path, raw: Any) -> None:
    """Raise if what MNE made of a header is more than the files can hold, or of files elsewhere.

    Raises
    ------
    BadDataError
        With what was seen and what is allowed.
    """
    files = [Path(name) for name in raw.filenames if name is not None]
    for file in files:
        if file.absolute().parent != path.absolute().parent:
            raise BadDataError(
                f"{path} names a file elsewhere, {file}. The files of a recording lie side by side: correct "
                "its header."
            )
    try:
        raw.get_channel_types()
    except (KeyError, ValueError) as error:
        raise BadDataError(
            f"{path} has a channel of a kind that there is not ({error}). Fetch or export it again."
        ) from None
    check_channels(path, len(raw.ch_names))
    check_sfreq(path, float(raw.info["sfreq"]))
    there = [file for file in files if file.exists()]
    check_samples(path, n_channels=len(raw.ch_names), n_times=int(raw.n_times), files=there)


def _inspect_brainvision(path: Path, stated_duration: float | None) -> EegState:
    """Return the state of a BrainVision recording; its three files may be in any state each."""
    text = read_brainvision_header(path)
    problems: list[Eeg2FmriError] = []
    markers: tuple[Marker, ...] = ()
    if text.markers is not None:
        try:
            markers = read_brainvision_markers(text.markers, text.sfreq)
        except Eeg2FmriError as error:
            problems.append(error)
    duration = 0.0
    try:
        check_content(text.signal)
        duration = _signal_duration(path, text)
    except Eeg2FmriError as error:
        problems.append(error)
    header = EegHeader(n_channels=text.n_channels, sfreq=text.sfreq, duration=duration, markers=markers)
    if duration > 0:
        problems += _check_length(path, header, stated_duration)
    return EegState(header=header, problems=tuple(problems))


def _signal_duration(path: Path, text: BrainVisionHeader) -> float:
    """Return the length (s) of a BrainVision signal."""
    if text.bytes_per_sample:
        return text.signal.stat().st_size // text.bytes_per_sample / text.sfreq
    raw = open_eeg(path)
    return float(raw.n_times / raw.info["sfreq"])


def _read_with_mne(path: Path) -> tuple[EegHeader, list[Eeg2FmriError]]:
    """Return the header of a recording in another format, and what is wrong with it."""
    check_content(path)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        raw = open_eeg(path)
    sfreq = float(raw.info["sfreq"])
    duration = raw.n_times / sfreq
    problems: list[Eeg2FmriError] = []
    if any(_SHORT_EDF in str(warning.message) for warning in caught):
        problems.append(_truncated(path, duration, "its header announces more"))
    for name in raw.filenames:
        # EEGLAB keeps the signal in a second file, which MNE opens only to read it.
        if name is not None and Path(name).suffix.casefold() == ".fdt":
            check_content(Path(name))
            n_there = Path(name).stat().st_size // (4 * len(raw.ch_names))
            if n_there < raw.n_times:
                duration = n_there / sfreq
                problems.append(_truncated(path, duration, f"its header ends at {raw.n_times / sfreq:.1f} s"))
    header = EegHeader(
        n_channels=len(raw.ch_names), sfreq=sfreq, duration=duration, markers=_markers_of(path, raw)
    )
    return header, problems


def _markers_of(path: Path, raw: Any) -> tuple[Marker, ...]:
    """Return the annotations of a recording, else the values of its trigger channel."""
    # With a date, annotations count from the time of sample 0, which a cropped file no longer has.
    start = raw.first_time if raw.annotations.orig_time is not None else 0.0
    found = [(float(a["onset"]) - start, str(a["description"])) for a in raw.annotations]
    if not found and "stim" in raw.get_channel_types():
        import mne  # noqa: PLC0415

        try:
            events = mne.find_events(raw, shortest_event=1, verbose="error")
        except (ValueError, RuntimeError, OSError) as error:
            raise BadDataError(f"The trigger channel of {path} cannot be read: {error}") from error
        found = [((sample - raw.first_samp) / raw.info["sfreq"], str(value)) for sample, _, value in events]
    return tuple(Marker(onset=float(onset), description=printable(text)) for onset, text in sorted(found))


def _check_length(path: Path, header: EegHeader, stated_duration: float | None) -> list[Eeg2FmriError]:
    """Return what is wrong if the signal ends before a marker or before its sidecar says."""
    last = max((marker.onset for marker in header.markers), default=0.0)
    claimed, words = last, f"its last marker stands at {last:.1f} s"
    if stated_duration is not None and stated_duration > claimed:
        claimed, words = stated_duration, f"its sidecar's RecordingDuration ends at {stated_duration:.1f} s"
    return [_truncated(path, header.duration, words)] if claimed > header.duration + _LOST_PACKET else []


def _truncated(path: Path, duration: float, words: str) -> BadDataError:
    """Return the error of a signal that is cut short."""
    return BadDataError(
        f"The signal of {path} is truncated: it ends after {duration:.1f} s, but {words}. "
        "Copy or fetch the recording again, or leave this run out (--run-label, --bids-filter-file)."
    )


def read_first_channels(path: Path, *, n_channels: int = 8) -> tuple[NDArray[np.float32], float]:
    """Return the first EEG channels of a recording as they are, (n_channels, n_times) V, and the rate, Hz.

    Raises
    ------
    MissingInputError
        If a file of the recording is missing.
    BadDataError
        If it cannot be read or has no EEG channel.
    """
    raw = open_eeg(path)
    picks = [i for i, kind in enumerate(raw.get_channel_types()) if kind == "eeg"][:n_channels]
    if not picks:
        raise BadDataError(f"{path} has no EEG channel.")
    data = np.empty((len(picks), raw.n_times), dtype=np.float32)
    try:
        # In blocks: MNE reads float64, and most formats hold all channels of a sample together.
        for start in range(0, raw.n_times, _BLOCK):
            stop = min(start + _BLOCK, raw.n_times)
            data[:, start:stop] = raw.get_data(picks=picks, start=start, stop=stop, verbose="error")
    except (OSError, ValueError, RuntimeError) as error:
        raise BadDataError(f"The signal of {path} cannot be read: {error}") from error
    return data, float(raw.info["sfreq"])
