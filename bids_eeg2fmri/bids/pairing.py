"""Which EEG recording belongs to which BOLD run, by their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bids_eeg2fmri.bids.dataset import IndexedFile
from bids_eeg2fmri.bids.names import entities_of
from bids_eeg2fmri.bids.selection import is_selected
from bids_eeg2fmri.records import Entities
from bids_eeg2fmri.settings import Selection

#: The file that names a recording, for each EEG format BIDS allows.
EEG_EXTENSIONS = (".vhdr", ".edf", ".bdf", ".set")
BOLD_EXTENSIONS = (".nii.gz", ".nii")


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedPair:
    """An EEG and a BOLD recording whose names agree, and in what."""

    eeg: IndexedFile
    bold: IndexedFile
    entities: Entities
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpaired:
    """A recording without a partner, and why."""

    modality: str
    file: IndexedFile
    reason: str


def find_recordings(
    files: Sequence[IndexedFile], selection: Selection
) -> tuple[list[IndexedFile], list[IndexedFile]]:
    """Return the selected EEG recordings and raw BOLD images among a dataset's files."""
    eeg = [f for f in files if _is_eeg(f) and is_selected(f, selection, "eeg")]
    bold = [f for f in files if _is_bold(f) and is_selected(f, selection, "bold")]
    return eeg, bold


def pair_by_name(
    eeg: Sequence[IndexedFile], bold: Sequence[IndexedFile]
) -> tuple[list[NamedPair], list[Unpaired]]:
    """Pair recordings whose entities agree; an entity that only one side has does not prevent a pair.

    A recording that fits more than one partner is left unpaired, and the reason names them.
    """
    pairs: list[NamedPair] = []
    unpaired: list[Unpaired] = []
    for file in eeg:
        fits = [b for b in bold if _agree(file, b)]
        back = [e for e in eeg if len(fits) == 1 and _agree(e, fits[0])]
        if len(fits) == 1 and len(back) == 1:
            pairs.append(_pair(file, fits[0]))
        else:
            rivals = fits if len(fits) != 1 else [e for e in back if e is not file]
            unpaired.append(Unpaired(modality="eeg", file=file, reason=_reason("BOLD", rivals, len(fits))))
    taken = {id(pair.bold) for pair in pairs}
    for image in bold:
        if id(image) not in taken:
            fits = [e for e in eeg if _agree(e, image)]
            unpaired.append(Unpaired(modality="bold", file=image, reason=_reason("EEG", fits, len(fits))))
    return pairs, unpaired


def _is_eeg(file: IndexedFile) -> bool:
    """Return whether a file names an EEG recording."""
    return file.fields.get("suffix") == "eeg" and str(file.fields.get("extension")) in EEG_EXTENSIONS


def _is_bold(file: IndexedFile) -> bool:
    """Return whether a file is a raw BOLD image (magnitude and first echo, where there are several)."""
    fields = file.fields
    return (
        fields.get("suffix") == "bold"
        and str(fields.get("extension")) in BOLD_EXTENSIONS
        and str(fields.get("part", "mag")) == "mag"
        and int(fields.get("echo") or 1) == 1
    )


def _agree(eeg: IndexedFile, bold: IndexedFile) -> bool:
    """Return whether two recordings have the same subject and contradict each other in nothing."""
    one, two = entities_of(eeg.fields), entities_of(bold.fields)
    optional = ((one.session, two.session), (one.task, two.task), (one.acquisition, two.acquisition))
    return (
        one.subject == two.subject
        and all(a == b or not a or not b for a, b in optional)
        and (one.run == two.run or not one.run or not two.run)
    )


def _pair(eeg: IndexedFile, bold: IndexedFile) -> NamedPair:
    """Return a pair under the entities of either side, the BOLD's first."""
    one, two = entities_of(eeg.fields), entities_of(bold.fields)
    entities = Entities(
        subject=two.subject,
        session=two.session or one.session,
        task=two.task or one.task,
        acquisition=two.acquisition or one.acquisition,
        run=two.run or one.run,
    )
    shared = [
        word
        for word, a, b in (
            ("subject", one.subject, two.subject),
            ("session", one.session, two.session),
            ("task", one.task, two.task),
            ("acquisition", one.acquisition, two.acquisition),
            ("run", one.run, two.run),
        )
        if a and a == b
    ]
    return NamedPair(eeg=eeg, bold=bold, entities=entities, evidence="same " + ", ".join(shared))


def _reason(other: str, rivals: Sequence[IndexedFile], n_fits: int) -> str:
    """Return why a recording has no partner."""
    if n_fits == 0:
        return f"no {other} of the same session, task and run"
    names = ", ".join(f.path.name for f in rivals)
    return f"not unique: {names} fit too; select with --task-label, --run-label or --bids-filter-file"
