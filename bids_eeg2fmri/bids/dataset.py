"""A BIDS dataset on disk: is it one, whom does it hold, which files has it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bids_eeg2fmri.errors import MissingInputError, NotBidsError

#: Top-level folders of a raw dataset that hold no recordings of it.
_ASIDE = r"^/(derivatives|sourcedata|code|stimuli|phenotype|logs|\.[^/]*)(/|$)"


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedFile:
    """One file and what its name says (pybids' names: subject, session, task, suffix, desc, ...)."""

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
    try:
        description = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise NotBidsError(
            f"{root} is not a BIDS dataset: it has no dataset_description.json. "
            "Give the folder that holds that file and the sub-* folders."
        ) from None
    except (OSError, ValueError) as error:
        raise NotBidsError(f"{path} cannot be read as JSON ({error}). Repair the file.") from None
    if not isinstance(description, dict):
        raise NotBidsError(f"{path} holds no JSON object. Repair the file.")
    return description


def list_participants(root: Path) -> tuple[str, ...]:
    """Return the labels of the ``sub-*`` folders, sorted."""
    return tuple(sorted(p.name[4:] for p in root.iterdir() if p.name.startswith("sub-") and p.is_dir()))


def index_files(root: Path, participants: Iterable[str]) -> tuple[IndexedFile, ...]:
    """Return the files of some participants, found by pybids without looking at any other participant.

    Metadata is not indexed: reading every sidecar costs seconds, and one dangling link would stop it all.
    """
    from bids.layout import BIDSLayout, BIDSLayoutIndexer  # noqa: PLC0415  (half a second, not for --help)

    wanted = "|".join(re.escape(label) for label in participants)
    others = re.compile(rf"^/sub-(?!(?:{wanted})(?:/|$))")
    indexer = BIDSLayoutIndexer(validate=False, index_metadata=False, ignore=[others, re.compile(_ASIDE)])
    layout = BIDSLayout(root, validate=False, indexer=indexer, config=["bids", "derivatives"])
    found = (IndexedFile(path=Path(f.path), fields=f.get_entities()) for f in layout.get())
    return tuple(sorted((f for f in found if "subject" in f.fields), key=lambda f: f.path))
