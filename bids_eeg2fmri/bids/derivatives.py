"""The preprocessed files of other pipelines that belong to a raw BOLD run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bids_eeg2fmri.bids.dataset import IndexedFile, index_files, read_description
from bids_eeg2fmri.bids.names import entities_of
from bids_eeg2fmri.errors import MissingInputError


@dataclass(frozen=True, slots=True, kw_only=True)
class PreprocessedBold:
    """One preprocessed image with its mask and confounds, and the derivative dataset it is from.

    With ``is_raw`` it is a raw image that is still to be preprocessed, ``anatomy`` the T1w image of the same
    head.
    """

    root: Path
    image: Path
    mask: Path | None
    confounds: Path | None
    anatomy: Path | None = None
    is_raw: bool = False


def holds_preprocessed_bold(roots: Iterable[Path]) -> bool:
    """Return whether any of the derivative datasets holds preprocessed BOLD of anybody."""
    patterns = ("sub-*/func/*_desc-preproc_bold.nii*", "sub-*/ses-*/func/*_desc-preproc_bold.nii*")
    return any(True for root in roots for pattern in patterns for _ in root.glob(pattern))


def find_derivatives(bids_dir: Path) -> tuple[Path, ...]:
    """Return the derivative datasets that lie in the dataset's own ``derivatives`` folder."""
    folder = bids_dir / "derivatives"
    if not folder.is_dir():
        return ()
    return tuple(sorted(p.parent for p in folder.glob("*/dataset_description.json") if _is_derivative(p)))


def _is_derivative(description: Path) -> bool:
    """Return whether a description can be read and is of a derivative, not one of this app."""
    try:
        content = json.loads(description.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return False
    if not isinstance(content, dict) or content.get("DatasetType", "derivative") != "derivative":
        return False
    made_by = content.get("GeneratedBy")
    first = made_by[0] if isinstance(made_by, list) and made_by else {}
    return not (isinstance(first, dict) and first.get("Name") == "bids_eeg2fmri")


def check_derivatives(paths: Iterable[Path]) -> None:
    """Raise if a derivatives folder that the user named is not there."""
    for path in paths:
        if not path.is_dir():
            raise MissingInputError(f"There is no folder {path}. Check --derivatives.")


def index_derivatives(
    roots: Iterable[Path], participants: Sequence[str], *, database_dir: Path | None = None
) -> tuple[tuple[Path, IndexedFile], ...]:
    """Return the files of some participants in every derivative dataset, each with its dataset."""
    return tuple(
        (root, file) for root in roots for file in index_files(root, participants, database_dir=database_dir)
    )


def find_preprocessed(
    files: Iterable[tuple[Path, IndexedFile]], raw: IndexedFile, *, space: str
) -> PreprocessedBold | None:
    """Return the preprocessed image of a raw BOLD run in a template space, or None.

    Where several datasets hold one, the first dataset given is taken; the coarsest resolution is preferred,
    since regions are means over many voxels.
    """
    own = [(root, f) for root, f in files if _is_of(f, raw)]
    images = [
        (root, f)
        for root, f in own
        if f.fields.get("suffix") == "bold"
        and f.fields.get("desc") == "preproc"
        and f.fields.get("space") == space
        and str(f.fields.get("extension")) in (".nii.gz", ".nii")
    ]
    if not images:
        return None
    root = images[0][0]
    image = max((f for r, f in images if r == root), key=lambda f: str(f.fields.get("resolution", "")))
    same_place = [f for r, f in own if r == root]
    masks = [
        f.path
        for f in same_place
        if f.fields.get("suffix") == "mask"
        and f.fields.get("desc") == "brain"
        and f.fields.get("space") == space
        and f.fields.get("resolution") == image.fields.get("resolution")
        and str(f.fields.get("extension")) in (".nii.gz", ".nii")
    ]
    tables = [
        f.path
        for f in same_place
        if f.fields.get("desc") == "confounds" and str(f.fields.get("extension")) == ".tsv"
    ]
    return PreprocessedBold(
        root=root,
        image=image.path,
        mask=masks[0] if masks else None,
        confounds=tables[0] if tables else None,
    )


def _is_of(file: IndexedFile, raw: IndexedFile) -> bool:
    """Return whether a file was made from a raw image, by all entities that tell raw images apart."""
    others = ("direction", "reconstruction", "ceagent")
    return entities_of(file.fields) == entities_of(raw.fields) and all(
        file.fields.get(name) == raw.fields.get(name) for name in others
    )


def describe_sources(roots: Iterable[Path]) -> list[dict[str, object]]:
    """Return the ``GeneratedBy`` entries of derivative datasets, in order, without repetition."""
    chain: list[dict[str, object]] = []
    for root in roots:
        try:
            entries = read_description(root).get("GeneratedBy", [])
        except ValueError:
            continue  # a derivative without a description is accepted; it has no chain to tell
        chain += [entry for entry in entries if isinstance(entry, dict) and entry not in chain]
    return chain
