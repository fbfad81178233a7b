"""Which participants and recordings the user asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from bids_eeg2fmri.bids.dataset import IndexedFile
from bids_eeg2fmri.bids.names import strip_prefix
from bids_eeg2fmri.errors import NothingSelectedError, UsageError, did_you_mean
from bids_eeg2fmri.settings import Selection

#: What a filter file speaks of.
_MODALITIES = ("eeg", "bold")
#: Entities as file names spell them.
_LONG = {"sub": "subject", "ses": "session", "acq": "acquisition", "rec": "reconstruction"}
#: What one that is made for fMRIPrep speaks of, too.
_OF_FMRIPREP = ("t1w", "t2w", "flair", "fmap", "sbref", "roi", "dwi")


def select_participants(available: Iterable[str], selection: Selection) -> tuple[str, ...]:
    """Return the selected participants in order.

    Raises
    ------
    NothingSelectedError
        If a participant asked for does not exist, or none is left.
    """
    known = tuple(available)
    if not known:
        raise NothingSelectedError("The dataset has no sub-* folder: there is nobody to work on.")
    for label in (*selection.participants, *selection.excluded):
        if label not in known:
            raise NothingSelectedError(
                f"There is no participant '{label}'.{did_you_mean(label, known)} "
                f"The dataset has {_shorten(known)}."
            )
    chosen = selection.participants or known
    left = tuple(label for label in known if label in chosen and label not in selection.excluded)
    if not left:
        raise NothingSelectedError("--exclude-participant-label leaves no participant. Exclude fewer.")
    return left


def is_selected(
    file: IndexedFile,
    selection: Selection,
    modality: str,
    *,
    unused: Collection[str] = (),
    task_names: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> bool:
    """Return whether a recording passes the session, task and run labels and the filter file.

    Parameters
    ----------
    unused : collection of str
        Entities that no recording of this modality has: a label cannot be asked of them.
    task_names : mapping
        What tasks of this modality are called in the other; a task is selected under either name.
    """
    fields = file.fields
    tasks = [fields.get("task"), *task_names.get(str(fields.get("task")), ())]
    by_label = (
        ("session" in unused or _passes(fields.get("session"), selection.sessions))
        and ("task" in unused or any(_passes(task, selection.tasks) for task in tasks))
        and ("run" in unused or _passes(fields.get("run"), selection.runs))
    )
    return by_label and all(
        _passes_filter(fields.get(entity), wanted)
        for entity, wanted in selection.filters.get(modality, {}).items()
    )


def _passes(value: Any, wanted: tuple[str, ...]) -> bool:
    """Compare labels; numbers as numbers, so that run 1 is run 01."""
    if not wanted:
        return True
    if value is None:
        return False
    text = str(value)
    return any(_plain(text) == _plain(label) for label in wanted)


def _plain(label: str) -> str:
    """Return a label, a number without leading zeros; it may be too long to be made a number."""
    return label.lstrip("0") or "0" if label.isdecimal() else label


def _passes_filter(value: Any, wanted: Any) -> bool:
    """Compare with what a filter file asks for: labels, ``null`` for none, ``"*"`` for any."""
    if wanted is None or wanted == "*":
        return (value is None) == (wanted is None)
    return _passes(value, _as_labels(wanted))


def _as_labels(value: Any) -> tuple[str, ...]:
    """Return one label or a list of them as labels without prefix."""
    values = value if isinstance(value, list | tuple) else [value]
    return tuple(strip_prefix(str(v)) for v in values)


def parse_filters(table: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the filters of a filter file as they are given: ``{"bold": {"task": "imagery"}}``.

    What fMRIPrep's filter files say of other images is left out, so that one file serves both.

    Raises
    ------
    UsageError
        If a key is no modality or holds no entities, or a value is no label.
    """
    # pybids takes half a second to import, too long for --help.
    from bids_eeg2fmri.bids.name_patterns import entity_names  # noqa: PLC0415

    if not isinstance(table, Mapping):
        raise UsageError(f"it holds {table!r}; expected an object with 'eeg' and 'bold'.")
    for modality, filters in table.items():
        if modality in _OF_FMRIPREP:
            continue
        if modality not in _MODALITIES:
            raise UsageError(f"'{modality}' is no modality; allowed are 'eeg' and 'bold'.")
        if not isinstance(filters, Mapping):
            raise UsageError(f"'{modality}' holds {filters!r}; expected an object of entities.")
        for name, value in filters.items():
            if name not in entity_names():
                raise UsageError(
                    f"'{name}' of '{modality}' is no entity; names are those of pybids, such as session, "
                    f"task, acquisition, run.{did_you_mean(_LONG.get(name, str(name)), entity_names())}"
                )
            labels = value if isinstance(value, list) else [value]
            if not labels or not all(isinstance(v, str | int | None) for v in labels):
                raise UsageError(f"'{name}' is {value!r}; expected a label, a list of labels, null or \"*\".")
    return {modality: filters for modality, filters in table.items() if modality in _MODALITIES}


def _shorten(labels: tuple[str, ...], most: int = 12) -> str:
    """Return the first labels, and how many more there are."""
    more = len(labels) - most
    return ", ".join(labels[:most]) + (f" and {more} more" if more > 0 else "")
