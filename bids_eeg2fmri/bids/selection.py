"""Which participants and recordings the user asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from bids_eeg2fmri.bids.dataset import IndexedFile
from bids_eeg2fmri.bids.names import strip_prefix
from bids_eeg2fmri.errors import NothingSelectedError, UsageError, did_you_mean
from bids_eeg2fmri.settings import Selection


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
        _passes(fields.get(entity), _as_labels(wanted))
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


def _as_labels(value: Any) -> tuple[str, ...]:
    """Return one label or a list of them as labels without prefix."""
    values = value if isinstance(value, list | tuple) else [value]
    return tuple(strip_prefix(str(v)) for v in values)


def parse_filters(table: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the filters of a filter file as they are given: ``{"bold": {"task": "imagery"}}``.

    Raises
    ------
    UsageError
        If a key is no modality or holds no entities.
    """
    if not isinstance(table, Mapping):
        raise UsageError(f"it holds {table!r}; expected an object with 'eeg' and 'bold'.")
    for modality, filters in table.items():
        if modality not in ("eeg", "bold"):
            raise UsageError(f"'{modality}' is no modality; allowed are 'eeg' and 'bold'.")
        if not isinstance(filters, Mapping):
            raise UsageError(f"'{modality}' holds {filters!r}; expected an object of entities.")
    return dict(table)


def _shorten(labels: tuple[str, ...], most: int = 12) -> str:
    """Return the first labels, and how many more there are."""
    more = len(labels) - most
    return ", ".join(labels[:most]) + (f" and {more} more" if more > 0 else "")
