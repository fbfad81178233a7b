"""The mark that a participant is finished: the digest of settings and inputs, and what was written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath
from typing import Any

from bids_eeg2fmri.bids.names import dataset_root, relative_to
from bids_eeg2fmri.errors import BadDataError, MissingInputError
from bids_eeg2fmri.formats.json_file import read_json, write_json

#: Tables and descriptions that say nothing of a recording.
_OF_THE_DATASET = ("dataset_description", "participants", "descriptions", "genetic_info", "samples")


def digest_inputs(settings: str, version: str, inputs: Iterable[Path], roots: Sequence[Path]) -> str:
    """Return the SHA-256 of settings, version, and names, sizes and times of the input files."""
    state: list[Any] = [settings, version]
    for path in sorted(set(inputs)):
        if path.exists():
            stat = path.stat()
            state.append((relative_to(path, roots), stat.st_size, stat.st_mtime_ns))
    return hashlib.sha256(json.dumps(state).encode()).hexdigest()


def applicable_files(path: Path) -> list[Path]:
    """Return the files of a recording or image, and the sidecars and tables that may hold for it."""
    stem = path.name.split(".")[0].rpartition("_")[0]
    texts = (".json", ".tsv")
    found = [p for p in path.parent.iterdir() if p.name.startswith(stem) or p.suffix in texts]
    root = dataset_root(path)
    for folder in path.parent.parents:
        if folder.is_relative_to(root):
            found += [p for p in folder.iterdir() if p.suffix in texts and p.stem not in _OF_THE_DATASET]
    return [p for p in found if p.is_file()]


def is_complete(mark: Path, digest: str, root: Path) -> bool:
    """Return whether a mark has this digest and all files it names are there."""
    content = _read_mark(mark)
    names = content.get("Outputs")
    is_list = isinstance(names, list) and len(_texts(names)) == len(names)
    return (
        content.get("Digest") == digest and is_list and all((root / name).exists() for name in _texts(names))
    )


def is_finished(mark: Path) -> bool:
    """Return whether a participant's results are whole, whatever the settings they were made with."""
    return bool(_read_mark(mark).get("Digest"))


def reopen(mark: Path, folder: Path) -> None:
    """Say that a participant's results are being replaced, so that nobody takes a part of them for all.

    What lies in the participant's folder and is none of the results is noted as not this app's own; the rest
    is what :func:`write_mark` may remove, also where this job is killed and another one goes on.
    """
    root = mark.parent.parent
    outputs = read_outputs(mark)
    if mark.exists() and not is_finished(mark):
        return  # noted by the job that did not finish
    present = {p.relative_to(root).as_posix() for p in folder.rglob("*") if p.is_file()}
    write_json(mark, {"Digest": "", "Outputs": outputs, "Foreign": sorted(present - set(outputs))})


def read_outputs(mark: Path) -> list[str]:
    """Return the files an earlier run of a participant wrote, relative to the output."""
    return _texts(_read_mark(mark).get("Outputs"))


def write_mark(mark: Path, digest: str, outputs: Iterable[Path], root: Path, *, settings: str = "") -> None:
    """Write the mark, and remove what earlier runs wrote and this one did not, finished or not."""
    names = {path.relative_to(root).as_posix() for path in outputs}
    _remove_own({*read_outputs(mark), *_of_unfinished(mark, root, names)} - names, mark, root)
    kept = hashlib.sha256(settings.encode()).hexdigest()
    write_json(mark, {"Digest": digest, "Settings": kept, "Outputs": sorted(names)})


def replace_pages(mark: Path, pages: Iterable[Path], root: Path) -> None:
    """Name other pages and figures in the mark of a finished participant; remove those that are no more."""
    names = {path.relative_to(root).as_posix() for path in pages}
    content = read_json(mark)
    outputs = _texts(content.get("Outputs"))
    old = {name for name in outputs if name.endswith((".html", ".svg"))}
    _remove_own(old - names, mark, root)
    write_json(mark, content | {"Outputs": sorted({*outputs} - old | names)})


def _remove_own(names: Iterable[str], mark: Path, root: Path) -> None:
    """Remove what a mark names: it is data like any other, so only plain files of its own participant."""
    for name in names:
        if _is_own(name, mark, root):
            (root / name).unlink(missing_ok=True)


def _of_unfinished(mark: Path, root: Path, names: Iterable[str]) -> list[str]:
    """Return what runs that did not finish have written beside the files of this one."""
    content = _read_mark(mark)
    if "Foreign" not in content:
        return []
    foreign = _texts(content["Foreign"])
    # Of the participant's own folder only: the other folders are shared.
    folders = {root / name.split("/")[0] for name in names if name.startswith("sub-") and "/" in name}
    present = [p for folder in folders for p in folder.rglob("*") if p.is_file()]
    return [name for p in present if (name := p.relative_to(root).as_posix()) not in foreign]


def _is_own(name: str, mark: Path, root: Path) -> bool:
    """Return whether a name is that of a file of the mark's participant, in the output and nowhere else."""
    participant = mark.name.removesuffix("_done.json")
    path, relative = root / name, PurePath(name)
    parts = relative.parts
    is_kept_for_it = len(parts) == 2 and parts[0] == "logs" and parts[1].startswith(f"{participant}_")
    return (
        (parts[:1] in ((participant,), (f"{participant}.html",)) or is_kept_for_it)
        and ".." not in parts
        and path.parent.resolve() == root.resolve() / relative.parent
        and (path.is_file() or path.is_symlink())
    )


def _texts(names: Any) -> list[str]:
    """Return the names that a mark lists, as far as they can be names of files."""
    if not isinstance(names, list):
        return []
    return [name for name in names if isinstance(name, str) and name and "\x00" not in name]


def read_settings_digest(mark: Path) -> str:
    """Return the digest of the settings behind a participant's results; empty where not known."""
    return str(_read_mark(mark).get("Settings", ""))


def _read_mark(mark: Path) -> dict[str, Any]:
    """Return what a mark says: nothing, where there is none or it is damaged."""
    try:
        return read_json(mark)
    except (BadDataError, MissingInputError):
        return {}
