"""One pair of recordings: is it fit for use, where are its volumes on the EEG's clock, and how do we know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from bids_eeg2fmri.bids.dataset import IndexedFile
from bids_eeg2fmri.bids.derivatives import PreprocessedBold
from bids_eeg2fmri.bids.pairing import NamedPair
from bids_eeg2fmri.bids.sidecars import find_table
from bids_eeg2fmri.errors import BadDataError, Eeg2FmriError
from bids_eeg2fmri.records import SimultaneousRun, TaskEvent, VolumeClock
from bids_eeg2fmri.settings import Settings
from bids_eeg2fmri.sync.bold_source import describe_bold_run, find_bold_source, take_raw_bold
from bids_eeg2fmri.sync.marker_fit import describe_clock, marked_volumes
from bids_eeg2fmri.sync.markers import describe_markers, group_markers
from bids_eeg2fmri.sync.matching import Evidence, describe_times
from bids_eeg2fmri.sync.recordings import BoldSide, EegSide
from bids_eeg2fmri.sync.run_clock import find_run_clock
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
    source: PreprocessedBold | None
    if raw_files is None:
        source, more = find_bold_source(pair.bold, bold, derivatives, settings.bold)
    else:
        source, more = take_raw_bold(pair.bold, raw_files, bids_dir)
    problems += more
    problems.sort(key=_urgency)
    if problems or source is None or clock is None:
        return Inspection(evidence=tuple(known), problems=tuple(problems))
    half, words = describe_bold_run(pair.bold, bold, source, events_path, settings.bold)
    run = SimultaneousRun(
        **{f.name: getattr(half, f.name) for f in fields(half)} | {"entities": pair.entities},
        eeg_path=eeg.path,
        evidence=(*known, *words),
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
        return marked_volumes(eeg, settings.sync, tr=bold.tr, n_slices=bold.n_slices), []
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


def _urgency(problem: Eeg2FmriError) -> int:
    """Return a rank: content to fetch, then damage, then what has still to be computed."""
    if _FETCH in str(problem):
        return 0
    return 2 if "no preprocessed image" in str(problem) else 1
