"""Every EEG and BOLD recording of a participant: which belong together, and are they fit for use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bids_eeg2fmri.bids.dataset import index_files
from bids_eeg2fmri.bids.derivatives import PreprocessedBold, find_preprocessed, index_derivatives
from bids_eeg2fmri.bids.names import entities_of
from bids_eeg2fmri.bids.pairing import NamedPair, find_recordings, pair_by_name
from bids_eeg2fmri.bids.sidecars import read_sidecar
from bids_eeg2fmri.errors import BadDataError, Eeg2FmriError, MissingInputError
from bids_eeg2fmri.formats.eeg_recording import read_eeg_header
from bids_eeg2fmri.formats.nifti import ImageHeader, read_image_header
from bids_eeg2fmri.records import FoundRun, Marker, SimultaneousRun, VolumeClock
from bids_eeg2fmri.settings import Selection, Settings, SyncSettings
from bids_eeg2fmri.sync.clock import find_volume_clock

#: Relative difference of two repetition times above which they contradict each other.
_TR_TOLERANCE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedRun:
    """A simultaneous run that is fit for use, its volumes on the EEG's clock, and the EEG's markers."""

    run: SimultaneousRun
    clock: VolumeClock
    markers: tuple[Marker, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """All recordings of one participant: each with its status, and the runs fit for use."""

    found: tuple[FoundRun, ...]
    timed: tuple[TimedRun, ...]

    @property
    def unusable(self) -> tuple[FoundRun, ...]:
        """The recordings that belong to a pair but cannot be used."""
        return tuple(run for run in self.found if run.status == "unusable")


def discover_runs(
    bids_dir: Path,
    derivatives: Sequence[Path],
    participant: str,
    *,
    selection: Selection,
    settings: Settings,
) -> Discovery:
    """Find, pair and time the recordings of one participant; headers and markers are read, no signal.

    What is wrong with a pair is told in the status of its two recordings; nothing is raised for it.
    """
    files = index_files(bids_dir, [participant])
    preprocessed = index_derivatives(derivatives, [participant])
    eeg, bold = find_recordings(files, selection)
    pairs, unpaired = pair_by_name(eeg, bold)
    found = [
        FoundRun(
            modality="eeg" if single.modality == "eeg" else "bold",
            path=single.file.path,
            entities=entities_of(single.file.fields),
            status="unpaired",
            reason=single.reason,
        )
        for single in unpaired
    ]
    timed = []
    for pair in pairs:
        source = find_preprocessed(preprocessed, entities_of(pair.bold.fields), space=settings.bold.space)
        try:
            timed.append(_inspect_pair(pair, source, bids_dir, settings))
        except Eeg2FmriError as error:
            found += _both_halves(pair, "unusable", (pair.evidence,), str(error), error.exit_status)
        else:
            found += _both_halves(pair, "paired", timed[-1].run.evidence)
    found.sort(key=lambda run: (run.path.parent.parent, run.entities, run.modality))
    timed.sort(key=lambda item: item.run.entities)
    return Discovery(found=tuple(found), timed=tuple(timed))


def _both_halves(
    pair: NamedPair, status: Any, evidence: tuple[str, ...], reason: str = "", exit_status: int = 0
) -> list[FoundRun]:
    """Return the entries of both recordings of a pair."""
    eeg, bold = pair.eeg.path, pair.bold.path
    return [
        FoundRun(
            modality="eeg" if own is eeg else "bold",
            path=own,
            entities=pair.entities,
            status=status,
            partner=other,
            evidence=evidence,
            reason=reason,
            exit_status=exit_status,
        )
        for own, other in ((eeg, bold), (bold, eeg))
    ]


def _inspect_pair(
    pair: NamedPair, source: PreprocessedBold | None, bids_dir: Path, settings: Settings
) -> TimedRun:
    """Check both halves of a pair against each other and put the volumes on the EEG's clock."""
    eeg_metadata = read_sidecar(pair.eeg.path, bids_dir)
    duration = eeg_metadata.get("RecordingDuration")
    stated = float(duration) if isinstance(duration, int | float) else None
    header = read_eeg_header(pair.eeg.path, stated_duration=stated)
    raw_bold = read_image_header(pair.bold.path)
    metadata = read_sidecar(pair.bold.path, bids_dir)
    tr = _repetition_time(pair.bold.path, raw_bold, metadata)
    if source is None:
        raise MissingInputError(
            f"{pair.bold.path.name} has no preprocessed image in space {settings.bold.space}. Run fMRIPrep "
            "and give its output with --derivatives, or name another space (--set bold.space=NAME)."
        )
    image = read_image_header(source.image)
    _check_volumes(pair.bold.path, raw_bold, source.image, image)
    clock = find_volume_clock(
        header.markers,
        n_volumes=image.shape[3],
        tr=tr,
        duration=header.duration,
        n_slices=len(metadata.get("SliceTiming", ())) or None,
        **_clock_options(settings.sync),
    )
    run = SimultaneousRun(
        entities=pair.entities,
        eeg_path=pair.eeg.path,
        raw_bold_path=pair.bold.path,
        bold_path=source.image,
        mask_path=source.mask,
        confounds_path=source.confounds,
        events_path=_events_path(pair),
        space=settings.bold.space,
        tr=tr,
        n_volumes=image.shape[3],
        start_time=_start_time(source, tr),
        evidence=(pair.evidence, clock.source),
    )
    return TimedRun(run=run, clock=clock, markers=header.markers)


def _repetition_time(path: Path, header: ImageHeader, metadata: Mapping[str, Any]) -> float:
    """Return the TR (s) of a raw BOLD image, from its sidecar, checked against its header."""
    if len(header.shape) != 4:
        raise BadDataError(f"{path} is {len(header.shape)}D; a BOLD run is 4D. Check the image.")
    stated = metadata.get("RepetitionTime")
    if not isinstance(stated, int | float) or not stated > 0:
        raise BadDataError(
            f"{path} has no RepetitionTime above 0 in its JSON (seen: {stated!r}). BIDS requires it; add it."
        )
    if header.tr > 0 and abs(header.tr - stated) > _TR_TOLERANCE * stated:
        raise BadDataError(
            f"{path}: RepetitionTime in the JSON is {stated:g} s but the image header says {header.tr:g} s. "
            "Correct the one that is wrong."
        )
    return float(stated)


def _check_volumes(raw_path: Path, raw: ImageHeader, path: Path, image: ImageHeader) -> None:
    """Raise if the preprocessed image is not the raw one's."""
    if len(image.shape) != 4 or image.shape[3] != raw.shape[3]:
        raise BadDataError(
            f"{path} has {image.shape[3] if len(image.shape) == 4 else 1} volumes but {raw_path.name} has "
            f"{raw.shape[3]}. Preprocess the run again without dropping volumes."
        )
    if image.tr > 0 and raw.tr > 0 and abs(image.tr - raw.tr) > _TR_TOLERANCE * raw.tr:
        raise BadDataError(
            f"{path}: the header says TR {image.tr:g} s but that of {raw_path.name} says {raw.tr:g} s."
        )


def _clock_options(settings: SyncSettings) -> dict[str, Any]:
    """Return the user's word on the clock."""
    return {
        "volume_marker": settings.volume_marker or None,
        "eeg_offset": settings.eeg_offset,
        "dummies": settings.dummies,
    }


def _start_time(source: PreprocessedBold, tr: float) -> float:
    """Return the moment within a volume that its values refer to, s.

    ``StartTime`` of the sidecar; half a TR, the middle of the slices, where it has none.
    """
    value = read_sidecar(source.image, source.root).get("StartTime")
    return float(value) if isinstance(value, int | float) else tr / 2


def _events_path(pair: NamedPair) -> Path | None:
    """Return the table of events of the BOLD run, else None."""
    path = pair.bold.path
    events = path.with_name(path.name.split("_bold.")[0] + "_events.tsv")
    return events if events.exists() else None
