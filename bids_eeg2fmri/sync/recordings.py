"""Each recording of a participant as it is on this disk: what its headers say and all that is wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bids_eeg2fmri.bids.dataset import IndexedFile
from bids_eeg2fmri.bids.sidecars import absent_sidecars, read_sidecar
from bids_eeg2fmri.errors import BadDataError, Eeg2FmriError, MissingInputError
from bids_eeg2fmri.formats.eeg_recording import EegHeader, inspect_eeg
from bids_eeg2fmri.formats.nifti import ImageHeader, read_image_header
from bids_eeg2fmri.formats.text_table import read_text_table
from bids_eeg2fmri.records import Floats, Marker

#: Relative difference of two repetition times above which they contradict each other.
TR_TOLERANCE = 0.01
#: Resampling moves a marker by less than this, s.
_SAME_MARKER = 0.01


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EegSide:
    """An EEG recording; ``path`` is what is read: the raw file, or what a pipeline made of it."""

    file: IndexedFile
    path: Path
    header: EegHeader | None
    metadata: Mapping[str, Any]
    problems: tuple[Eeg2FmriError, ...]
    notes: tuple[str, ...]

    @property
    def markers(self) -> tuple[Marker, ...]:
        """The markers, none where they cannot be read."""
        return self.header.markers if self.header is not None else ()

    @property
    def duration(self) -> float:
        """How long the recording lasted, s, as far as the signal that is here, a marker or a sidecar says."""
        stated = _number(self.metadata, "RecordingDuration") or 0.0
        last = max((marker.onset for marker in self.markers), default=0.0)
        return max(stated, last, self.header.duration if self.header is not None else 0.0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BoldSide:
    """A raw BOLD run; ``n_volumes`` is 0 and ``tr`` (s) is 0 where they are not known."""

    file: IndexedFile
    header: ImageHeader | None
    metadata: Mapping[str, Any]
    n_volumes: int
    tr: float
    problems: tuple[Eeg2FmriError, ...]

    @property
    def n_slices(self) -> int | None:
        """Slices per volume, where the sidecar times them."""
        timing = self.metadata.get("SliceTiming")
        return len(timing) if isinstance(timing, list) and timing else None


def read_eeg_side(file: IndexedFile, root: Path, preprocessed: Sequence[Path] = ()) -> EegSide:
    """Read the headers of an EEG recording; a ``preprocessed`` file takes the place of the raw one.

    Of several, none is chosen: the recording cannot be used until the user says which.
    """
    problems: list[Eeg2FmriError] = []
    metadata: Mapping[str, Any] = {}
    try:
        metadata = read_sidecar(file.path, root)
    except Eeg2FmriError as error:
        problems.append(error)
    if not preprocessed:
        state = inspect_eeg(file.path, stated_duration=_number(metadata, "RecordingDuration"))
        header, notes = _with_table_markers(file.path, state.header)
        return EegSide(
            file=file,
            path=file.path,
            header=header,
            metadata=metadata,
            problems=(*state.problems, *problems),
            notes=notes,
        )
    if len(preprocessed) > 1:
        names = ", ".join(str(path) for path in preprocessed)
        problems.append(
            BadDataError(
                f"{len(preprocessed)} preprocessed files fit {file.path.name}: {names}. Keep one of them in "
                "a folder of its own and name that with --derivatives."
            )
        )
    state = inspect_eeg(preprocessed[0])
    # It may be cropped and resampled: what the raw recording's sidecar says of time does not apply.
    of_time = ("RecordingDuration", "SamplingFrequency", "StartTime")
    metadata = {key: value for key, value in metadata.items() if key not in of_time}
    header, notes = _with_raw_markers(file.path, state.header)
    return EegSide(
        file=file,
        path=preprocessed[0],
        header=header,
        metadata=metadata,
        problems=(*state.problems, *problems),
        notes=(f"EEG as preprocessed in {preprocessed[0]}, in place of the raw recording", *notes),
    )


def read_bold_side(file: IndexedFile, root: Path) -> BoldSide:
    """Read the headers of a raw BOLD run."""
    problems: list[Eeg2FmriError] = []
    header: ImageHeader | None = None
    metadata: Mapping[str, Any] = {}
    n_volumes, tr = 0, 0.0
    try:
        header = read_image_header(file.path)
        if len(header.shape) == 4:
            n_volumes = header.shape[3]
        else:
            text = f"{file.path} is {len(header.shape)}D; a BOLD run is 4D. Check the image."
            problems.append(BadDataError(text))
    except Eeg2FmriError as error:
        problems.append(error)
    try:
        metadata = read_sidecar(file.path, root)
        tr = _repetition_time(file.path, root, header, metadata)
    except Eeg2FmriError as error:
        problems.append(error)
    return BoldSide(
        file=file, header=header, metadata=metadata, n_volumes=n_volumes, tr=tr, problems=tuple(problems)
    )


def _repetition_time(
    path: Path, root: Path, header: ImageHeader | None, metadata: Mapping[str, Any]
) -> float:
    """Return the TR (s) of a raw BOLD image, from its sidecar, checked against its header."""
    stated = _number(metadata, "RepetitionTime")
    if stated is None or not stated > 0:
        absent = absent_sidecars(path, root)
        if absent:
            files = " ".join(map(str, absent))
            raise MissingInputError(
                f"{path.name} has no RepetitionTime: the content of {files} is not here. Run: datalad get "
                f"{files}"
            )
        raise BadDataError(
            f"{path} has no RepetitionTime above 0 in its JSON (seen: {metadata.get('RepetitionTime')!r}). "
            "BIDS requires it; add it."
        )
    if header is not None and header.tr > 0 and abs(header.tr - stated) > TR_TOLERANCE * stated:
        raise BadDataError(
            f"{path}: RepetitionTime in the JSON is {stated:g} s but the image header says {header.tr:g} s. "
            "Correct the one that is wrong."
        )
    return stated


def _with_table_markers(path: Path, header: EegHeader | None) -> tuple[EegHeader | None, tuple[str, ...]]:
    """Return the header with the markers of the EEG's events table, where the recording itself has none."""
    table = path.with_name(path.stem.removesuffix("_eeg") + "_events.tsv")
    if header is None or header.markers or not table.exists():
        return header, ()
    try:
        rows = read_text_table(table)
        onsets = rows.numbers("onset")
        names = rows.texts("trial_type" if "trial_type" in rows else "value")
    except Eeg2FmriError as error:
        return header, (f"no markers in the recording, and its events table is of no use: {error}",)
    markers = tuple(
        Marker(onset=float(onset), description=name)
        for onset, name in sorted(zip(onsets.tolist(), names, strict=True))
        if name and math.isfinite(onset)
    )
    return _replace_markers(header, markers), (f"markers of {table.name}, none in the recording",)


def _with_raw_markers(raw: Path, header: EegHeader | None) -> tuple[EegHeader | None, tuple[str, ...]]:
    """Return the header with the markers of the raw recording that the preprocessed one has lost.

    MNE-BIDS puts the events table in the place of all markers, so that those of volumes are gone from what
    MNE-BIDS-Pipeline writes.
    """
    own = inspect_eeg(raw).header if header is not None else None
    # Only a recording of the same length has the same time zero.
    if header is None or own is None or abs(own.duration - header.duration) > 0.1:
        return header, ()
    lost = _lost_markers(own.markers, header.markers)
    if not lost:
        return header, ()
    markers = tuple(sorted((*header.markers, *lost), key=lambda marker: marker.onset))
    kinds = ", ".join(dict.fromkeys(f"'{marker.description}'" for marker in lost))
    note = f"markers of the raw {raw.name}, which is as long: {kinds}"
    return _replace_markers(header, markers), (note,)


def _lost_markers(own: Sequence[Marker], kept: Sequence[Marker]) -> list[Marker]:
    """Return the markers of each kind of which not all stand, under whatever name, among those kept."""
    times = [np.array([m.onset for m in same]) for same in _by_kind(kept)]
    lost: list[Marker] = []
    for same in _by_kind(own):
        onsets = np.array([marker.onset for marker in same])
        if not any(_holds(there, onsets) for there in times):
            lost += same
    return lost


def _by_kind(markers: Sequence[Marker]) -> list[list[Marker]]:
    """Return the markers of each description."""
    kinds: dict[str, list[Marker]] = {}
    for marker in markers:
        kinds.setdefault(marker.description, []).append(marker)
    return list(kinds.values())


def _holds(there: Floats, onsets: Floats) -> bool:
    """Return whether each onset (n_onsets,) s is among those (n_there,) s that are there, both sorted."""
    after = np.searchsorted(there, onsets).clip(1, max(len(there) - 1, 1))
    nearest = np.minimum(abs(there[after - 1] - onsets), abs(there[after.clip(max=len(there) - 1)] - onsets))
    return bool((nearest < _SAME_MARKER).all())


def _replace_markers(header: EegHeader, markers: tuple[Marker, ...]) -> EegHeader:
    """Return a header with other markers."""
    return EegHeader(
        n_channels=header.n_channels, sfreq=header.sfreq, duration=header.duration, markers=markers
    )


def _number(metadata: Mapping[str, Any], key: str) -> float | None:
    """Return a number of the metadata, None where it is none."""
    value = metadata.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)
