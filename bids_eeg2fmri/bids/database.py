"""pybids' index of a dataset, made anew or kept in a folder outside the dataset."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from bids.layout import BIDSLayout, BIDSLayoutIndexer
from bids.layout.models import Tag
from sqlalchemy.exc import SQLAlchemyError

from bids_eeg2fmri.bids.dataset import ASIDE
from bids_eeg2fmri.bids.json_object import load_object
from bids_eeg2fmri.bids.name_patterns import CONFIGS
from bids_eeg2fmri.errors import OutputError

_logger = logging.getLogger(__name__)

_STATE = "folders.json"


def read_index(root: Path, participants: Iterable[str], database_dir: Path) -> dict[Path, dict[str, str]]:
    """Return the files of some participants and their entities from the kept index of the dataset.

    The index lies in a folder of its own within ``database_dir``. It is made again when a folder of the
    dataset has changed since. Jobs that make it at the same time do not harm each other: each writes its
    own, and one of them stays.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    stamp = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:10]
    kept = database_dir / f"{root.name}-{stamp}"
    labels = list(participants)
    if not _is_fresh(kept, root, labels):
        _keep_index(root, kept)
    try:
        return _query(root, kept, labels)
    except SQLAlchemyError as error:
        _logger.warning("The index in %s is damaged (%s); it is made again.", kept, type(error).__name__)
        shutil.rmtree(kept)
        _keep_index(root, kept)
        return _query(root, kept, labels)


def _keep_index(root: Path, kept: Path) -> None:
    """Make the index of a dataset and put it in its place."""
    _logger.info("Indexing %s into %s", root, kept)
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f"{kept.name}.", dir=kept.parent))
        state = _folder_times(root, [p.name[4:] for p in root.glob("sub-*")])
        make_index(root, fresh)
        (fresh / _STATE).write_text(json.dumps(state), encoding="utf-8")
        _put_in_place(fresh, kept, state)
    except OSError as error:
        raise OutputError(
            f"The index cannot be kept in {kept.parent}: {error.strerror}. Check --bids-database-dir."
        ) from error


def _query(root: Path, kept: Path, labels: Sequence[str]) -> dict[Path, dict[str, str]]:
    """Return the files of some participants and their entities from a kept index."""
    layout = BIDSLayout(root, validate=False, database_path=kept)
    own = layout.session.query(Tag.file_path).filter(Tag.entity_name == "subject", Tag._value.in_(labels))
    # All tags at once: asking pybids for the entities of each file is a query per file.
    rows = layout.session.query(Tag.file_path, Tag.entity_name, Tag._value).filter(Tag.file_path.in_(own))
    found: dict[Path, dict[str, str]] = {}
    for path, name, value in rows:
        found.setdefault(Path(path), {})[name] = value
    layout.session.close()
    return found


def make_index(root: Path, database: Path) -> None:
    """Make pybids' index of a dataset, without metadata, and store it in a folder."""
    indexer = BIDSLayoutIndexer(validate=False, index_metadata=False, ignore=[re.compile(ASIDE)])
    BIDSLayout(root, validate=False, indexer=indexer, config=list(CONFIGS), database_path=database)


def _is_fresh(kept: Path, root: Path, participants: Sequence[str]) -> bool:
    """Return whether an index was made of the participants' folders as they are now."""
    state = _read_state(kept)
    if state is None:
        return False
    own = {".", *(f"sub-{label}" for label in participants)}
    known = {folder: time for folder, time in state.items() if folder.partition(os.sep)[0] in own}
    return known == _folder_times(root, participants)


def _folder_times(root: Path, participants: Iterable[str]) -> dict[str, int]:
    """Return the time of the last change (ns) of the dataset's and the participants' folders.

    Files that appear, disappear or are renamed change the time of their folder.
    """
    times = {".": root.stat().st_mtime_ns}
    pending = [root / f"sub-{label}" for label in participants]
    while pending:
        folder = pending.pop()
        if folder.is_dir():
            times[str(folder.relative_to(root))] = folder.stat().st_mtime_ns
            pending += [
                Path(entry.path) for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)
            ]
    return times


def _read_state(kept: Path) -> dict[str, int] | None:
    """Return the state that a kept index was made of, None where there is none."""
    try:
        state: dict[str, int] = load_object(kept / _STATE)
    except (OSError, ValueError):
        return None
    return state


def _put_in_place(fresh: Path, kept: Path, state: dict[str, int]) -> None:
    """Replace a stale index by a fresh one; if another job was faster, its index stays."""
    # The folder is this user's alone as made; a shared one should be readable.
    fresh.chmod(0o755)
    try:
        if kept.exists() and _read_state(kept) != state:
            # A folder that is not empty cannot simply be replaced.
            old = Path(tempfile.mkdtemp(prefix=f"{kept.name}.old.", dir=kept.parent))
            kept.replace(old / "index")
            shutil.rmtree(old, ignore_errors=True)
        fresh.replace(kept)
    except OSError:
        if _read_state(kept) != state:
            raise
        shutil.rmtree(fresh, ignore_errors=True)
