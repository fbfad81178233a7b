"""Every EEG and BOLD recording of a participant: which belong together, and are they fit for use."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bids_eeg2fmri.bids.clean_eeg import find_epochs, find_preprocessed_eeg
from bids_eeg2fmri.bids.dataset import IndexedFile, index_files
from bids_eeg2fmri.bids.derivatives import index_derivatives
from bids_eeg2fmri.bids.names import entities_of
from bids_eeg2fmri.bids.pairing import (
    BOLD_EXTENSIONS,
    EEG_EXTENSIONS,
    NamedPair,
    Unpaired,
    drop_other_formats,
    find_recordings,
    pair_by_name,
)
from bids_eeg2fmri.errors import BadDataError, Eeg2FmriError, MissingInputError
from bids_eeg2fmri.records import FoundRun, Marker, SimultaneousRun, TaskEvent, VolumeClock
from bids_eeg2fmri.settings import Selection, Settings
from bids_eeg2fmri.sync.acquisition_times import read_acquisition_times
from bids_eeg2fmri.sync.bold_source import is_minimal
from bids_eeg2fmri.sync.inspection import Inspection, describe_problems, inspect_pair
from bids_eeg2fmri.sync.matching import Evidence, decide, find_contradictions
from bids_eeg2fmri.sync.recordings import EegSide, read_bold_side, read_eeg_side

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedRun:
    """A simultaneous run that is fit for use, its volumes and task events on the EEG's clock."""

    run: SimultaneousRun
    clock: VolumeClock
    markers: tuple[Marker, ...]
    events: tuple[TaskEvent, ...]


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
    database_dir: Path | None = None,
) -> Discovery:
    """Find, pair and time the recordings of one participant from their headers and markers.

    The signal is read only where there is no marker and no offset. What is wrong with a pair is told in the
    status of its two recordings; nothing is raised for it.

    Parameters
    ----------
    derivatives : sequence of Path
        Datasets that may hold preprocessed BOLD or EEG.
    database_dir : Path or None
        Keeps the index of the datasets.
    """
    files = index_files(bids_dir, [participant], database_dir=database_dir)
    task_pairs = settings.sync.task_pairs
    clean = find_preprocessed_eeg(derivatives, participant)
    preprocessed, added = match_preprocessed(clean, files)
    eeg, bold = find_recordings([*files, *added], selection, task_pairs)
    eeg, other_eeg = drop_other_formats(eeg, EEG_EXTENSIONS, "eeg")
    bold, other_bold = drop_other_formats(bold, BOLD_EXTENSIONS, "bold")
    names = pair_by_name(eeg, bold, task_pairs)
    unpaired = [*names.unpaired, *other_eeg, *other_bold]

    in_reach = {f.path for p in names.pairs for f in (p.eeg, p.bold)}
    in_reach |= {f.path for u in names.undecided for f in (*u.eeg, *u.bold)}
    times, complaints = read_acquisition_times(bids_dir, participant)
    evidence = Evidence(
        eeg=_read_eeg_sides([f for f in eeg if f.path in in_reach], bids_dir, preprocessed),
        bold={f.path: read_bold_side(f, bids_dir) for f in bold if in_reach},
        times={path: began for path, began in times.items() if path not in preprocessed},
        settings=settings.sync,
    )
    pairs = list(names.pairs)
    for group in names.undecided:
        decided, left = decide(group, evidence)
        pairs += decided
        unpaired += left
    contradicted = find_contradictions(names.pairs, evidence)
    bold_files = index_derivatives(derivatives, [participant], database_dir=database_dir) if pairs else ()
    raw_files = files if is_minimal(settings.bold, derivatives) else None
    found = [_found_alone(single) for single in unpaired]
    timed = []
    for pair in pairs:
        inspection = inspect_pair(
            pair,
            evidence,
            bold_files,
            bids_dir=bids_dir,
            settings=settings,
            contradiction=contradicted.get(pair.eeg.path),
            raw_files=raw_files,
        )
        hint: tuple[str, ...] = ()
        if pair.eeg.path not in preprocessed:
            hint = (
                *_unused_preprocessed(bids_dir, derivatives, pair),
                *_unused_epochs(derivatives, pair),
            )
        found += _found_pair(pair, inspection, (*complaints, *hint))
        if inspection.run is not None and inspection.clock is not None:
            timed.append(
                TimedRun(
                    run=inspection.run,
                    clock=inspection.clock,
                    markers=evidence.eeg[pair.eeg.path].markers,
                    events=inspection.events,
                )
            )
    found.sort(key=lambda run: (run.path.parent.parent, run.entities, run.modality))
    timed.sort(key=lambda item: item.run.entities)
    return Discovery(found=tuple(found), timed=tuple(timed))


def refuse_unusable(found: Iterable[FoundRun]) -> None:
    """Raise if a recording cannot be used: a result from fewer runs than are there must be asked for.

    Raises
    ------
    MissingInputError
        If all that is wrong is that files are not here.
    BadDataError
        If anything else is.
    """
    unusable = [run for run in found if run.status == "unusable"]
    if not unusable:
        return
    reasons = list(dict.fromkeys(run.reason for run in unusable))
    statuses = {run.exit_status for run in unusable}
    kind: type[Eeg2FmriError] = (
        MissingInputError if statuses == {MissingInputError.exit_status} else BadDataError
    )
    raise kind(" ".join(reasons))


def _read_eeg_sides(
    files: Sequence[IndexedFile], bids_dir: Path, preprocessed: Mapping[Path, tuple[Path, ...]]
) -> dict[Path, EegSide]:
    """Return the state of EEG recordings, each from its preprocessed file where there is one."""
    return {f.path: read_eeg_side(f, bids_dir, preprocessed.get(f.path, ())) for f in files}


def match_preprocessed(
    clean: Sequence[IndexedFile], files: Sequence[IndexedFile]
) -> tuple[dict[Path, tuple[Path, ...]], list[IndexedFile]]:
    """Return the preprocessed files of each raw EEG recording, and those without a raw one."""
    raw, _ = find_recordings(files, Selection())
    matched: dict[Path, tuple[Path, ...]] = {}
    rest = list(clean)
    pairing = pair_by_name(clean, raw)
    for pair in pairing.pairs:
        matched[pair.bold.path] = (pair.eeg.path,)
        rest.remove(pair.eeg)
    for group in pairing.undecided:
        for own in group.bold:
            same = tuple(f.path for f in group.eeg if entities_of(f.fields) == entities_of(own.fields))
            matched |= {own.path: same} if same else {}
        rest = [f for f in rest if f not in group.eeg]
    return matched, rest


def _unused_preprocessed(bids_dir: Path, derivatives: Sequence[Path], pair: NamedPair) -> tuple[str, ...]:
    """Return a hint at preprocessed EEG in a folder that was not named and does not describe itself."""
    folder = bids_dir / "derivatives"
    if folder in derivatives or not (folder / f"sub-{pair.entities.subject}").is_dir():
        return ()
    clean = find_preprocessed_eeg([folder], pair.entities.subject)
    matched = pair_by_name(clean, [pair.eeg]).pairs
    return tuple(
        f"preprocessed EEG that is not used: {m.eeg.path} (--derivatives NAME={folder} would)"
        for m in matched
    )


def _unused_epochs(derivatives: Sequence[Path], pair: NamedPair) -> tuple[str, ...]:
    """Return a hint at epochs of the same task, where a pipeline kept no continuous EEG."""
    own = entities_of(pair.eeg.fields)
    alike = [
        file.path
        for file in find_epochs(derivatives, pair.entities.subject)
        if (them := entities_of(file.fields)).task == own.task and them.session in ("", own.session)
    ]
    advice = "only continuous EEG can be used; MNE-BIDS-Pipeline keeps it with process_raw_clean = True"
    return (f"epochs that are not used: {alike[0]} ({advice})",) if alike else ()


def _found_alone(single: Unpaired) -> FoundRun:
    """Return the entry of a recording without a partner."""
    return FoundRun(
        modality=single.modality,
        path=single.file.path,
        entities=entities_of(single.file.fields),
        status="unpaired",
        reason=single.reason,
    )


def _found_pair(pair: NamedPair, inspection: Inspection, notes: tuple[str, ...]) -> list[FoundRun]:
    """Return the entries of both recordings of a pair."""
    status: Literal["paired", "unusable"] = "unusable" if inspection.problems else "paired"
    halves: tuple[tuple[Literal["eeg", "bold"], Path, Path], ...] = (
        ("eeg", pair.eeg.path, pair.bold.path),
        ("bold", pair.bold.path, pair.eeg.path),
    )
    return [
        FoundRun(
            modality=modality,
            path=own,
            entities=pair.entities,
            status=status,
            partner=other,
            evidence=(*inspection.evidence, *notes),
            reason=describe_problems(inspection.problems),
            exit_status=inspection.problems[0].exit_status if inspection.problems else 0,
        )
        for modality, own, other in halves
    ]
