"""A BIDS dataset on disk: is it one, whom does it hold, which files has it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bids_eeg2fmri.bids.json_object import load_object
from bids_eeg2fmri.errors import MissingInputError, NotBidsError

#: Folders further down than this are no dataset's, but a link that leads back into itself.
_DEEPEST = 8
#: Top-level folders of a raw dataset that hold no recordings of it.
ASIDE = r"^/(derivatives|sourcedata|code|stimuli|phenotype|logs|\.[^/]*)(/|$)"


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedFile:
    """One file and what its name says, as texts (pybids' names: subject, session, task, suffix, ...)."""

    path: Path
    fields: Mapping[str, Any]


def read_description(root: Path) -> Mapping[str, Any]:
    """Return the content of ``dataset_description.json``.

    Raises
    ------
    MissingInputError
        If there is no such folder.
    NotBidsError
        If the folder has no readable description.
    """
    if not root.is_dir():
        raise MissingInputError(f"There is no folder {root}. Give the root folder of a BIDS dataset.")
    path = root / "dataset_description.json"
    if path.is_symlink() and not path.exists():
        raise MissingInputError(f"The content of {path} is not here. Run: datalad get {path}")
    try:
        return load_object(path)
    except FileNotFoundError:
        raise NotBidsError(
            f"{root} is not a BIDS dataset: it has no dataset_description.json. "
            "Give the folder that holds that file and the sub-* folders."
        ) from None
    except (OSError, ValueError) as error:
        raise NotBidsError(f"{path} cannot be read as JSON ({error}). Repair the file.") from None


def list_participants(root: Path) -> tuple[str, ...]:
    """Return the labels of the ``sub-*`` folders, sorted."""
    return tuple(sorted(p.name[4:] for p in root.iterdir() if p.name.startswith("sub-") and p.is_dir()))


def index_files(
    root: Path, participants: Iterable[str], *, database_dir: Path | None = None
) -> tuple[IndexedFile, ...]:
    """Return the files of some participants and what pybids makes of their names, in order of their paths.

    Without a ``database_dir`` only the folders of these participants are looked at. With one, pybids' index
    of the whole dataset is kept there and made again where it is stale. Sidecars are not read: that costs
    seconds, and one link to nowhere would stop it all.
    """
    # pybids takes half a second to import, too long for --help.
    from bids_eeg2fmri.bids.name_patterns import parse_name  # noqa: PLC0415

    labels = tuple(participants)
    if database_dir is not None:
        from bids_eeg2fmri.bids.database import read_index  # noqa: PLC0415

        fields_of = read_index(root, labels, database_dir)
    else:
        paths = (path for label in labels for path in _participant_files(root, label))
        fields_of = {path: parse_name(path.relative_to(root)) for path in paths}
    files = (IndexedFile(path=path, fields=fields) for path, fields in sorted(fields_of.items()))
    return tuple(f for f in files if f.fields.get("subject") in labels)


def _participant_files(root: Path, label: str) -> Iterator[Path]:
    """Yield the files of a participant: those of the own folder, and those at the top of a flat dataset."""
    yield from (p for p in root.glob(f"sub-{label}_*") if not p.is_dir())
    pending = [root / f"sub-{label}"]
    while pending:
        folder = pending.pop()
        if not folder.is_dir() or len(folder.relative_to(root).parts) > _DEEPEST:
            continue
        for entry in os.scandir(folder):
            # Links to folders are followed, as pybids does; links to nowhere are files.
            if entry.is_dir():
                pending.append(Path(entry.path))
            else:
                yield Path(entry.path)
