"""Which EEG recording belongs to which BOLD run, by their names: the first rung of the evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bids_eeg2fmri.bids.dataset import IndexedFile
from bids_eeg2fmri.bids.names import entities_of
from bids_eeg2fmri.bids.selection import is_selected
from bids_eeg2fmri.records import Entities
from bids_eeg2fmri.settings import Selection

#: The file that names a recording, for each EEG format BIDS allows; the first is taken where there are two.
EEG_EXTENSIONS = (".vhdr", ".edf", ".bdf", ".set", ".fif")
BOLD_EXTENSIONS = (".nii.gz", ".nii")

#: EEG task to the BOLD tasks it belongs to, where the two are labelled differently.
TaskPairs = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedPair:
    """An EEG and a BOLD recording taken for one run, and why."""

    eeg: IndexedFile
    bold: IndexedFile
    entities: Entities
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpaired:
    """A recording without a partner, and why."""

    modality: Literal["eeg", "bold"]
    file: IndexedFile
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecided:
    """Recordings of which the names leave open which belong together."""

    eeg: tuple[IndexedFile, ...]
    bold: tuple[IndexedFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NamePairing:
    """What the names say of all recordings of a participant."""

    pairs: tuple[NamedPair, ...]
    undecided: tuple[Undecided, ...]
    unpaired: tuple[Unpaired, ...]


def find_recordings(
    files: Sequence[IndexedFile], selection: Selection, task_pairs: TaskPairs | None = None
) -> tuple[list[IndexedFile], list[IndexedFile]]:
    """Return the selected EEG recordings and raw BOLD images among a dataset's files."""
    eeg = [f for f in files if _is_eeg(f)]
    bold = [f for f in files if _is_bold(f)]
    to_bold = dict(task_pairs or {})
    to_eeg = {
        name: [e for e, names in to_bold.items() if name in names]
        for names in to_bold.values()
        for name in names
    }
    return (
        [f for f in eeg if is_selected(f, selection, "eeg", unused=_unused(eeg), task_names=to_bold)],
        [f for f in bold if is_selected(f, selection, "bold", unused=_unused(bold), task_names=to_eeg)],
    )


def drop_other_formats(
    files: Sequence[IndexedFile], extensions: Sequence[str], modality: Literal["eeg", "bold"]
) -> tuple[list[IndexedFile], list[Unpaired]]:
    """Return each recording once, and those that are the same recording in another format."""
    kept: dict[str, IndexedFile] = {}
    others: list[Unpaired] = []
    for file in sorted(files, key=lambda f: extensions.index(str(f.fields.get("extension")))):
        stem = str(file.path).removesuffix(str(file.fields.get("extension")))
        first = kept.setdefault(stem, file)
        if first is not file:
            reason = f"the same recording as {first.path.name}, in another format"
            others.append(Unpaired(modality=modality, file=file, reason=reason))
    return [f for f in files if f in kept.values()], others


def pair_by_name(
    eeg: Sequence[IndexedFile], bold: Sequence[IndexedFile], task_pairs: TaskPairs | None = None
) -> NamePairing:
    """Pair recordings whose entities agree.

    Recordings with all the same entities go first; after them, an entity that only one side has does not
    prevent a pair that stays unique. What fits more than one partner is left undecided.
    """
    task_pairs = task_pairs or {}
    pairs = _mutual(eeg, bold, lambda e, b: _agree(e, b, task_pairs) and _same_labels(e, b))
    taken = {id(f) for pair in pairs for f in pair}
    left_eeg = [e for e in eeg if id(e) not in taken]
    left_bold = [b for b in bold if id(b) not in taken]
    undecided: list[Undecided] = []
    for group in _groups(left_eeg, left_bold, lambda e, b: _agree(e, b, task_pairs)):
        if len(group.eeg) == len(group.bold) == 1:
            pairs.append((group.eeg[0], group.bold[0]))
        else:
            undecided.append(group)
    taken = {id(f) for pair in pairs for f in pair} | {id(f) for u in undecided for f in (*u.eeg, *u.bold)}
    lonely_eeg = [e for e in eeg if id(e) not in taken]
    lonely_bold = [b for b in bold if id(b) not in taken]
    unpaired = [
        Unpaired(modality="eeg", file=e, reason=_why_alone(e, bold, lonely_bold, "BOLD", task_pairs))
        for e in lonely_eeg
    ]
    unpaired += [
        Unpaired(modality="bold", file=b, reason=_why_alone(b, eeg, lonely_eeg, "EEG", task_pairs))
        for b in lonely_bold
    ]
    return NamePairing(
        pairs=tuple(make_pair(e, b, _what_agrees(e, b)) for e, b in pairs),
        undecided=tuple(undecided),
        unpaired=tuple(unpaired),
    )


def make_pair(eeg: IndexedFile, bold: IndexedFile, *evidence: str) -> NamedPair:
    """Return a pair under the entities of either side, the BOLD's first."""
    one, two = entities_of(eeg.fields), entities_of(bold.fields)
    entities = Entities(
        subject=two.subject,
        session=two.session or one.session,
        task=two.task or one.task,
        acquisition=two.acquisition or one.acquisition,
        run=two.run or one.run,
    )
    return NamedPair(eeg=eeg, bold=bold, entities=entities, evidence=evidence)


def _mutual(
    eeg: Sequence[IndexedFile],
    bold: Sequence[IndexedFile],
    fits: Callable[[IndexedFile, IndexedFile], bool],
) -> list[tuple[IndexedFile, IndexedFile]]:
    """Return the pairs in which each is the only one that fits the other."""
    found = []
    for e in eeg:
        partners = [b for b in bold if fits(e, b)]
        if len(partners) == 1 and sum(fits(other, partners[0]) for other in eeg) == 1:
            found.append((e, partners[0]))
    return found


def _groups(
    eeg: Sequence[IndexedFile],
    bold: Sequence[IndexedFile],
    fits: Callable[[IndexedFile, IndexedFile], bool],
) -> list[Undecided]:
    """Return the groups of recordings that hang together by fitting each other, both kinds in each."""
    groups: list[Undecided] = []
    pending = list(eeg)
    while pending:
        some_eeg, some_bold = [pending.pop(0)], list[IndexedFile]()
        while True:
            new_bold = [b for b in bold if b not in some_bold and any(fits(e, b) for e in some_eeg)]
            some_bold += new_bold
            new_eeg = [e for e in pending if any(fits(e, b) for b in some_bold)]
            some_eeg += new_eeg
            pending = [e for e in pending if e not in new_eeg]
            if not new_bold and not new_eeg:
                break
        if some_bold:
            groups.append(Undecided(eeg=tuple(some_eeg), bold=tuple(some_bold)))
    return groups


def _unused(files: Iterable[IndexedFile]) -> set[str]:
    """Return the entities that none of the recordings has."""
    return {"session", "task", "run"} - {
        name for f in files for name, value in f.fields.items() if value is not None
    }


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


def _agree(eeg: IndexedFile, bold: IndexedFile, task_pairs: TaskPairs) -> bool:
    """Return whether two recordings have the same subject and contradict each other in nothing."""
    one, two = entities_of(eeg.fields), entities_of(bold.fields)
    optional = ((one.session, two.session), (one.acquisition, two.acquisition))
    return (
        one.subject == two.subject
        and all(a == b or not a or not b for a, b in optional)
        and _same_task(one.task, two.task, task_pairs)
        and (one.run == two.run or not one.run or not two.run)
    )


def _same_task(eeg: str, bold: str, task_pairs: TaskPairs) -> bool:
    """Return whether two tasks are one; a task that was paired by the user pairs with nothing else."""
    if eeg in task_pairs:
        return bold in task_pairs[eeg]
    return eeg == bold or not eeg or not bold


def _same_labels(eeg: IndexedFile, bold: IndexedFile) -> bool:
    """Return whether two recordings that agree also have the same entities."""
    one, two = entities_of(eeg.fields), entities_of(bold.fields)
    return (one.session, one.acquisition, one.run, bool(one.task)) == (
        two.session,
        two.acquisition,
        two.run,
        bool(two.task),
    )


def _what_agrees(eeg: IndexedFile, bold: IndexedFile) -> str:
    """Return in words what two names have in common, and what only one has."""
    one, two = entities_of(eeg.fields), entities_of(bold.fields)
    both = [
        ("subject", one.subject, two.subject),
        ("session", one.session, two.session),
        ("task", one.task, two.task),
        ("acquisition", one.acquisition, two.acquisition),
        ("run", one.run, two.run),
    ]
    text = "same " + ", ".join(word for word, a, b in both if a and a == b)
    if one.task and two.task and one.task != two.task:
        text += f"; task {one.task} of the EEG is {two.task} of the BOLD, as --pair-task says"
    single = [f"{word} only in the {'EEG' if a else 'BOLD'}" for word, a, b in both if bool(a) != bool(b)]
    return "; ".join([text, *single])


def _why_alone(
    file: IndexedFile,
    others: Sequence[IndexedFile],
    lonely: Sequence[IndexedFile],
    other: str,
    task_pairs: TaskPairs,
) -> str:
    """Return why a recording has no partner."""

    def fits(candidate: IndexedFile) -> bool:
        pair = (file, candidate) if other == "BOLD" else (candidate, file)
        return _agree(*pair, task_pairs)

    rivals = [f.path.name for f in others if fits(f)]
    if rivals:
        return f"the {other} that fits, {', '.join(rivals)}, belongs to another recording by its name"
    text = f"no {other} of the same session, task and run"
    own = str(file.fields.get("task", ""))
    tasks = sorted({str(f.fields.get("task", "")) for f in lonely} - {own, ""})
    if own and tasks:
        example = f"{own}={tasks[0]}" if other == "BOLD" else f"{tasks[0]}={own}"
        text += (
            f"; the {other} without a partner has the task {', '.join(tasks)}: if it is the same, "
            f"--pair-task {example}"
        )
    return text
