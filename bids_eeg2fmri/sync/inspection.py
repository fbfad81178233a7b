"""One pair of recordings: is it fit for use, where are its volumes on the EEG's clock, and how do we know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bids_eeg2fmri.bids.anatomy import find_anatomy
from bids_eeg2fmri.bids.dataset import IndexedFile
from bids_eeg2fmri.bids.derivatives import PreprocessedBold, find_preprocessed
from bids_eeg2fmri.bids.pairing import NamedPair
from bids_eeg2fmri.bids.sidecars import find_table, read_sidecar
from bids_eeg2fmri.errors import BadDataError, Eeg2FmriError, MissingInputError
from bids_eeg2fmri.formats.content import check_content
from bids_eeg2fmri.formats.nifti import ImageHeader, read_image_header
from bids_eeg2fmri.records import SimultaneousRun, TaskEvent, VolumeClock
from bids_eeg2fmri.settings import Settings
from bids_eeg2fmri.sync.marker_fit import describe_clock, marked_volumes
from bids_eeg2fmri.sync.markers import describe_markers, group_markers
from bids_eeg2fmri.sync.matching import Evidence, describe_times
from bids_eeg2fmri.sync.recordings import TR_TOLERANCE, BoldSide, EegSide
from bids_eeg2fmri.sync.run_clock import find_run_clock
from bids_eeg2fmri.sync.sampling_time import find_start_time
from bids_eeg2fmri.sync.task import read_task_events

_FETCH = "datalad get "
#: The template that nilearn ships, which minimal preprocessing registers to.
_MINIMAL_SPACE = "MNI152NLin2009aSym"
_MINIMAL = (
    "minimal preprocessing of the raw BOLD by this app; fMRIPrep's output (--derivatives) is recommended"
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Inspection:
    """What is known of a pair: the evidence, and either a run that can be used or the problems."""

    evidence: tuple[str, ...]
    problems: tuple[Eeg2FmriError, ...] = ()
    run: SimultaneousRun | None = None
    clock: VolumeClock | None = None
    events: tuple[TaskEvent, ...] = ()


def inspect_pair(
    pair: NamedPair,
    evidence: Evidence,
    derivatives: Sequence[tuple[Path, IndexedFile]],
    *,
    bids_dir: Path,
    settings: Settings,
    contradiction: BadDataError | None = None,
    raw_files: Sequence[IndexedFile] | None = None,
) -> Inspection:
    """Check both halves of a pair and put its volumes on the EEG's clock.

    All that is wrong is told, not only the first thing, what concerns the recordings before what concerns
    their preprocessing; and what can be said of the timing is said also of a pair that cannot be used.

    Parameters
    ----------
    raw_files : sequence of IndexedFile, or None
        The participant's files in the dataset, where the raw BOLD is to be used instead of derivatives.
    """
    eeg, bold = evidence.eeg[pair.eeg.path], evidence.bold[pair.bold.path]
    known = [*pair.evidence, *describe_times(pair, evidence), *eeg.notes]
    problems: list[Eeg2FmriError] = [*eeg.problems, *bold.problems]
    clock = None
    if contradiction is not None:
        problems.append(contradiction)
    else:
        clock, more = _find_clock(pair, eeg, bold, evidence, settings)
        problems += more
    known += _describe_markers(eeg, bold, clock)
    events_path = find_table(pair.bold.path, bids_dir, "events")
    events: tuple[TaskEvent, ...] = ()
    if clock is not None:
        try:
            events, told = read_task_events(events_path, clock, eeg.markers, source=settings.sync.events)
            known.append(told)
        except Eeg2FmriError as error:
            problems.append(error)
    if raw_files is None:
        source, image, more = _find_preprocessed(pair, bold, derivatives, settings)
    else:
        source, image, more = _take_raw(pair, bold, raw_files, bids_dir)
        known.append(_MINIMAL)
    problems += more
    problems.sort(key=_urgency)
    if problems or source is None or image is None or clock is None:
        return Inspection(evidence=tuple(known), problems=tuple(problems))
    sidecar = {"SliceTimingCorrected": False} if source.is_raw else read_sidecar(source.image, source.root)
    start_time, words = find_start_time(sidecar, bold.metadata, tr=bold.tr)
    run = SimultaneousRun(
        entities=pair.entities,
        eeg_path=eeg.path,
        raw_bold_path=pair.bold.path,
        bold_path=source.image,
        mask_path=source.mask,
        confounds_path=source.confounds,
        events_path=events_path,
        space=_MINIMAL_SPACE if source.is_raw else settings.bold.space,
        tr=bold.tr,
        n_volumes=bold.n_volumes,
        start_time=start_time,
        evidence=(*known, words),
        preprocessing="minimal" if source.is_raw else "derivatives",
        anatomy_path=source.anatomy,
    )
    return Inspection(evidence=run.evidence, run=run, clock=clock, events=events)


def describe_problems(problems: Sequence[Eeg2FmriError]) -> str:
    """Return all problems as one text; what has to be fetched in one command."""
    texts = list(dict.fromkeys(str(problem) for problem in problems))
    to_fetch = [text.rpartition(_FETCH)[2] for text in texts if _FETCH in text]
    rest = " ".join(text for text in texts if _FETCH not in text)
    if not to_fetch:
        return rest
    paths = list(dict.fromkeys(path for text in to_fetch for path in text.split()))
    several = f"The content of {len(paths)} files is not here. Run: {_FETCH}{' '.join(paths)}"
    first = several if len(to_fetch) > 1 else next(text for text in texts if _FETCH in text)
    # The command must not run on into the next sentence.
    return f"{first} ; also: {rest}" if rest else first


def _find_clock(
    pair: NamedPair, eeg: EegSide, bold: BoldSide, evidence: Evidence, settings: Settings
) -> tuple[VolumeClock | None, list[Eeg2FmriError]]:
    """Return the clock of a pair, or of the EEG alone where the image cannot say how many volumes it has."""
    if eeg.header is None or not bold.tr:
        return None, []
    if eeg.problems or not bold.n_volumes:
        # Not to be used, but what the markers say helps to know what is there.
        return marked_volumes(eeg, bold, settings.sync), []
    try:
        clock = find_run_clock(
            eeg,
            bold,
            settings.sync,
            eeg_began=evidence.times.get(pair.eeg.path),
            bold_began=evidence.times.get(pair.bold.path),
        )
    except Eeg2FmriError as error:
        return None, [error]
    return clock, []


def _describe_markers(eeg: EegSide, bold: BoldSide, clock: VolumeClock | None) -> list[str]:
    """Return what the markers say in words."""
    if clock is not None:
        text = describe_clock(clock)
        if bold.n_volumes:
            return [f"{text}; the image has {bold.n_volumes}"]
        return [f"{text}; how many the image has is not known"]
    if eeg.header is None or not bold.tr:
        return []
    groups = describe_markers(group_markers(eeg.markers), at_most=4)
    return [f"no marker of the EEG is a volume every {bold.tr:.3f} s; the markers are: {groups}"]


def _find_preprocessed(
    pair: NamedPair, bold: BoldSide, derivatives: Sequence[tuple[Path, IndexedFile]], settings: Settings
) -> tuple[PreprocessedBold | None, ImageHeader | None, list[Eeg2FmriError]]:
    """Return the preprocessed BOLD of a pair with its header, and what is wrong with it."""
    source = find_preprocessed(derivatives, pair.bold, space=settings.bold.space)
    if source is None:
        text = (
            f"{pair.bold.path.name} has no preprocessed image in space {settings.bold.space}. Run fMRIPrep "
            "and give its output with --derivatives, name another space (--set bold.space=NAME), or use the "
            "raw images (--set bold.preprocessing=minimal)."
        )
        return None, None, [MissingInputError(text)]
    problems: list[Eeg2FmriError] = []
    for path in (source.mask, source.confounds):
        try:
            if path is not None:
                check_content(path)
        except Eeg2FmriError as error:
            problems.append(error)
    try:
        read_sidecar(source.image, source.root)
        image = read_image_header(source.image)
        if bold.header is not None and bold.n_volumes:
            _check_volumes(pair.bold.path, bold.header, source.image, image)
    except Eeg2FmriError as error:
        return source, None, [*problems, error]
    return source, image, problems


def _take_raw(
    pair: NamedPair, bold: BoldSide, raw_files: Sequence[IndexedFile], bids_dir: Path
) -> tuple[PreprocessedBold, ImageHeader | None, list[Eeg2FmriError]]:
    """Return the raw BOLD of a pair with its header and its T1w image, and what is wrong with the latter."""
    problems: list[Eeg2FmriError] = []
    anatomy = find_anatomy(raw_files, pair.bold)
    if anatomy is not None:
        try:
            shape = read_image_header(anatomy).shape
            if len(shape) != 3:
                problems.append(
                    BadDataError(f"{anatomy} is {len(shape)}D; a T1w image is 3D. Check the image.")
                )
        except Eeg2FmriError as error:
            problems.append(error)
    source = PreprocessedBold(
        root=bids_dir, image=pair.bold.path, mask=None, confounds=None, anatomy=anatomy, is_raw=True
    )
    return source, bold.header, problems


def _check_volumes(raw_path: Path, raw: ImageHeader, path: Path, image: ImageHeader) -> None:
    """Raise if the preprocessed image is not the raw one's."""
    if len(image.shape) != 4 or image.shape[3] != raw.shape[3]:
        raise BadDataError(
            f"{path} has {image.shape[3] if len(image.shape) == 4 else 1} volumes but {raw_path.name} has "
            f"{raw.shape[3]}. Preprocess the run again without dropping volumes."
        )
    if image.tr > 0 and raw.tr > 0 and abs(image.tr - raw.tr) > TR_TOLERANCE * raw.tr:
        raise BadDataError(
            f"{path}: the header says TR {image.tr:g} s but that of {raw_path.name} says {raw.tr:g} s."
        )


def _urgency(problem: Eeg2FmriError) -> int:
    """Return a rank: content to fetch, then damage, then what has still to be computed."""
    if _FETCH in str(problem):
        return 0
    return 2 if "no preprocessed image" in str(problem) else 1
