"""The preprocessed files of other pipelines that belong to a raw BOLD run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bids_eeg2fmri.bids.dataset import IndexedFile, index_files, read_description
from bids_eeg2fmri.bids.json_object import load_object
from bids_eeg2fmri.bids.names import entities_of
from bids_eeg2fmri.errors import MissingInputError


@dataclass(frozen=True, slots=True, kw_only=True)
class PreprocessedBold:
    """One preprocessed image with what belongs to it, and the derivative dataset it is from.

    Attributes
    ----------
    confounds : Path or None
        fMRIPrep's table, or the motion parameters that XCP-D writes.
    outliers : Path or None
        XCP-D's table of volumes that it removed or interpolated.
    reference : Path or None
        The mean image, which a denoised image has lost.
    is_denoised : bool
        Whether confounds have been removed already.
    is_raw : bool
        Whether it is a raw image that is still to be preprocessed.
    anatomy : Path or None
        The T1w image of the same head, of a raw image.
    """

    root: Path
    image: Path
    desc: str
    resolution: str
    mask: Path | None
    confounds: Path | None
    outliers: Path | None = None
    reference: Path | None = None
    is_denoised: bool = False
    is_raw: bool = False
    anatomy: Path | None = None


def holds_preprocessed_bold(roots: Iterable[Path]) -> bool:
    """Return whether any of the derivative datasets holds preprocessed BOLD of anybody, in any space."""
    names = ("*_space-*_bold.nii*", "*_desc-preproc_bold.nii*")
    patterns = [f"{folder}/func/{name}" for folder in ("sub-*", "sub-*/ses-*") for name in names]
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
        content = load_object(description)
    except (OSError, ValueError):
        return False
    if content.get("DatasetType", "derivative") != "derivative":
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
    files: Iterable[tuple[Path, IndexedFile]], raw: IndexedFile, *, space: str, desc: str = ""
) -> tuple[PreprocessedBold, ...]:
    """Return the preprocessed images of a raw BOLD run in a template space, one per resolution.

    Where no ``desc`` is asked for it is ``preproc`` (fMRIPrep and most others), else ``denoised`` or
    ``residual`` (XCP-D), of the first dataset given that has any of these; else the only one that the first
    dataset with an image has, and where that has several none is returned.
    """
    own = [(root, file) for root, file in files if _is_of(file, raw)]
    images = [(root, f) for root, f in own if _is_image(f, "bold", space)]
    images = [(root, f) for root, f in images if not desc or f.fields.get("desc", "") == desc]
    if not images:
        return ()
    root = next((r for r, f in images if f.fields.get("desc") in _KNOWN), images[0][0])
    of_root = [f for r, f in images if r == root]
    descs = list(dict.fromkeys(str(f.fields.get("desc", "")) for f in of_root))
    chosen = next((name for name in _KNOWN if name in descs), descs[0])
    if len(descs) > 1 and chosen not in _KNOWN:
        return ()
    # What the dataset itself lacks (XCP-D writes no mask) may be in another one.
    belongings = [f for r, f in own if r == root] + [f for r, f in own if r != root]
    found = (_describe(root, f, belongings) for f in of_root if f.fields.get("desc", "") == chosen)
    return tuple(sorted(found, key=lambda one: one.resolution))


def find_spaces(files: Iterable[tuple[Path, IndexedFile]], raw: IndexedFile) -> tuple[str, ...]:
    """Return the space and description of every preprocessed image of a raw BOLD run."""
    images = [f for _, f in files if _is_of(f, raw) and _is_image(f, "bold", None)]
    texts = (f"space-{f.fields.get('space')} desc-{f.fields.get('desc', '')}" for f in images)
    return tuple(sorted(set(texts)))


#: ``desc-`` of images that confounds have been removed from; as XCP-D names them, new and old.
_DENOISED = ("denoised", "residual")
#: ``desc-`` of images whose making is known, the best first.
_KNOWN = ("preproc", *_DENOISED)


def _describe(root: Path, image: IndexedFile, belongings: Sequence[IndexedFile]) -> PreprocessedBold:
    """Return an image with the first of each file that belongs to it."""
    space, resolution = str(image.fields.get("space", "")), _resolution(image)
    alike = [f for f in belongings if _resolution(f) == resolution]
    desc = str(image.fields.get("desc", ""))
    is_denoised = desc.startswith(_DENOISED)
    masks = [f.path for f in alike if _is_image(f, "mask", space) and f.fields.get("desc") == "brain"]
    references = [f.path for f in alike if _is_image(f, "boldref", space)]
    tables = [f for f in belongings if str(f.fields.get("extension")) == ".tsv"]
    confounds = [f.path for f in tables if f.fields.get("desc") == "confounds"]
    motion = [f.path for f in tables if f.fields.get("suffix") == "motion"]
    outliers = [f.path for f in tables if f.fields.get("suffix") == "outliers"]
    own_tables = [p for p in (motion if is_denoised else confounds) if p.is_relative_to(root)]
    return PreprocessedBold(
        root=root,
        image=image.path,
        desc=desc,
        resolution=resolution,
        mask=_first(masks),
        confounds=_first(own_tables) or (_first(confounds) if is_denoised else None),
        outliers=_first([p for p in outliers if p.is_relative_to(root)]) if is_denoised else None,
        reference=_first(references) if is_denoised else None,
        is_denoised=is_denoised,
    )


def _is_image(file: IndexedFile, suffix: str, space: str | None) -> bool:
    """Return whether a file is a NIfTI image of a kind and (None: of any) space."""
    return (
        file.fields.get("suffix") == suffix
        and (bool(file.fields.get("space")) if space is None else file.fields.get("space") == space)
        and str(file.fields.get("extension")) in (".nii.gz", ".nii")
    )


def _resolution(file: IndexedFile) -> str:
    """Return the ``res-`` of a file; pybids has had two names for it."""
    return str(file.fields.get("res", file.fields.get("resolution", "")))


def _first(paths: Sequence[Path]) -> Path | None:
    """Return the first path, None where there is none."""
    return paths[0] if paths else None


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
            description = read_description(root)
            # MNE-BIDS-Pipeline still writes what BIDS had before GeneratedBy.
            entries = description.get("GeneratedBy") or [description.get("PipelineDescription")]
        except ValueError:
            continue  # a derivative without a description is accepted; it has no chain to tell
        chain += [entry for entry in entries if isinstance(entry, dict) and entry not in chain]
    return chain
