"""BIDS file names: from a path to its entities, and from entities to a name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath
from typing import Any

from bids_eeg2fmri.records import Entities

#: Prefixes that labels may be given with on the command line.
_PREFIX = re.compile(r"^(sub|ses|task|run|acq)-")


def strip_prefix(label: str) -> str:
    """Return a label without ``sub-``, ``ses-``, ``task-``, ``run-`` or ``acq-``."""
    return _PREFIX.sub("", label)


def entities_of(fields: Mapping[str, Any]) -> Entities:
    """Return the entities of one recording from pybids' fields."""
    return Entities(
        subject=str(fields.get("subject", "")),
        session=str(fields.get("session", "")),
        task=str(fields.get("task", "")),
        acquisition=str(fields.get("acquisition", "")),
        run=int(fields.get("run") or 0),
    )


def file_name(entities: Entities, *, suffix: str, extension: str, space: str = "", desc: str = "") -> str:
    """Return ``sub-01_task-imagery_run-1_space-X_desc-Y_suffix.ext``."""
    parts = [str(entities)]
    parts += [f"space-{space}"] if space else []
    parts += [f"desc-{desc}"] if desc else []
    return "_".join([*parts, suffix]) + extension


def split_entities(path: PurePath) -> tuple[dict[str, str], str]:
    """Return the ``key-value`` pairs of a file name and its suffix with extension (``_bold.json``)."""
    *pairs, last = path.name.split("_")
    return dict(pair.split("-", 1) for pair in pairs if "-" in pair), last


#: Entities anywhere in a name or in the folders above it, whatever else the name holds.
_ENTITY = re.compile(r"(?:^|[/_.\- ])(sub|ses|task|acq|run)-([A-Za-z0-9]+)")
_LONG = {"sub": "subject", "ses": "session", "task": "task", "acq": "acquisition", "run": "run"}


def parse_leniently(path: PurePath) -> dict[str, Any]:
    """Return the entities (pybids' names) that a path holds, though its name may not be BIDS.

    The file's name counts before its folders: ``sub-1/eeg_pp/sub-1_task-a_eeg_pp.vhdr``.
    """
    fields: dict[str, Any] = {}
    for key, label in reversed(_ENTITY.findall(path.as_posix())):
        fields.setdefault(_LONG[key], label)
    if not str(fields.get("run", "0")).isdigit():
        del fields["run"]
    return fields


def dataset_root(path: Path) -> Path:
    """Return the folder that holds the ``sub-*`` folder a file lies in, else the file's own folder."""
    inside = [folder.parent for folder in path.parents if folder.name.startswith("sub-")]
    return inside[-1] if inside else path.parent


def common_entities(entities: Iterable[Entities]) -> Entities:
    """Return what all recordings of one participant share (run and acquisition are left out)."""
    every = list(entities)
    sessions, tasks = {e.session for e in every}, {e.task for e in every}
    return Entities(
        subject=every[0].subject,
        session=sessions.pop() if len(sessions) == 1 else "",
        task=tasks.pop() if len(tasks) == 1 else "",
    )


def relative_to(path: Path, roots: Iterable[Path]) -> str:
    """Return the path relative to the first root that holds it, else in full; always with ``/``."""
    for root in roots:
        if path.is_relative_to(root):
            return path.relative_to(root).as_posix()
    return path.as_posix()
