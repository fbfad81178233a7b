"""Every EEG recording of a participant, for what needs no BOLD."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bids_eeg2fmri.bids.clean_eeg import find_preprocessed_eeg
from bids_eeg2fmri.bids.dataset import index_files
from bids_eeg2fmri.bids.names import entities_of
from bids_eeg2fmri.bids.pairing import EEG_EXTENSIONS, drop_other_formats, find_recordings
from bids_eeg2fmri.records import Entities, FoundRun
from bids_eeg2fmri.settings import Selection
from bids_eeg2fmri.sync.discovery import match_preprocessed
from bids_eeg2fmri.sync.inspection import describe_problems
from bids_eeg2fmri.sync.recordings import EegSide, read_eeg_side


@dataclass(frozen=True, slots=True, kw_only=True)
class EegRun:
    """An EEG recording that can be used."""

    entities: Entities
    eeg: EegSide


@dataclass(frozen=True, slots=True, kw_only=True)
class EegDiscovery:
    """All EEG recordings of one participant: each with its status, and those that can be used."""

    found: tuple[FoundRun, ...]
    runs: tuple[EegRun, ...]

    @property
    def unusable(self) -> tuple[FoundRun, ...]:
        """The recordings that are damaged or not here."""
        return tuple(run for run in self.found if run.status == "unusable")


def discover_eeg(
    bids_dir: Path,
    derivatives: Sequence[Path],
    participant: str,
    *,
    selection: Selection,
    database_dir: Path | None = None,
) -> EegDiscovery:
    """Find the EEG recordings of one participant and check their headers; BOLD is not looked at.

    Parameters
    ----------
    derivatives : sequence of Path
        Datasets that may hold preprocessed EEG, which then takes the place of the raw recording.
    database_dir : Path or None
        Keeps the index of the dataset.
    """
    files = index_files(bids_dir, [participant], database_dir=database_dir)
    preprocessed, added = match_preprocessed(find_preprocessed_eeg(derivatives, participant), files)
    recordings, _ = find_recordings([*files, *added], selection)
    recordings, others = drop_other_formats(recordings, EEG_EXTENSIONS, "eeg")
    found = [
        FoundRun(
            modality="eeg",
            path=other.file.path,
            entities=entities_of(other.file.fields),
            status="unpaired",
            reason=other.reason,
        )
        for other in others
    ]
    named = [entities_of(file.fields) for file in recordings]
    runs = []
    for file, entities in zip(recordings, named, strict=True):
        side = read_eeg_side(file, bids_dir, preprocessed.get(file.path, ()))
        reason = describe_problems(side.problems)
        if named.count(entities) > 1:
            reason = f"{reason} Another recording has the same entities, {entities}: rename one.".strip()
        status = side.problems[0].exit_status if side.problems else 65
        found.append(
            FoundRun(
                modality="eeg",
                path=file.path,
                entities=entities,
                status="unusable" if reason else "usable",
                evidence=side.notes,
                reason=reason,
                exit_status=status if reason else 0,
            )
        )
        if not reason:
            runs.append(EegRun(entities=entities, eeg=side))
    found.sort(key=lambda run: (run.path.parent.parent, run.entities))
    runs.sort(key=lambda run: run.entities)
    return EegDiscovery(found=tuple(found), runs=tuple(runs))
