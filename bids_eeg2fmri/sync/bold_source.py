"""Which preprocessed image a raw BOLD run is read from, and does it fit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bids_eeg2fmri.bids.anatomy import find_anatomy
from bids_eeg2fmri.bids.dataset import IndexedFile
from bids_eeg2fmri.bids.derivatives import (
    PreprocessedBold,
    find_preprocessed,
    find_spaces,
    holds_preprocessed_bold,
)
from bids_eeg2fmri.bids.names import entities_of
from bids_eeg2fmri.bids.sidecars import read_sidecar
from bids_eeg2fmri.errors import BadDataError, Eeg2FmriError, MissingInputError
from bids_eeg2fmri.formats.content import check_content
from bids_eeg2fmri.formats.nifti import ImageHeader, read_image_header
from bids_eeg2fmri.formats.outlier_table import read_outliers
from bids_eeg2fmri.records import BoldRun
from bids_eeg2fmri.settings import BoldSettings
from bids_eeg2fmri.sync.recordings import TR_TOLERANCE, BoldSide
from bids_eeg2fmri.sync.sampling_time import find_start_time

#: (dataset, file) of every derivative.
Files = Sequence[tuple[Path, IndexedFile]]
#: The template that nilearn ships, which minimal preprocessing registers to.
_MINIMAL_SPACE = "MNI152NLin2009aSym"
_MINIMAL = (
    "minimal preprocessing of the raw BOLD by this app; fMRIPrep's output (--derivatives) is recommended"
)


def is_minimal(settings: BoldSettings, derivatives: Sequence[Path]) -> bool:
    """Return whether the raw BOLD is to be preprocessed: decided for all participants alike."""
    asked = settings.preprocessing
    return asked == "minimal" or (asked == "auto" and not holds_preprocessed_bold(derivatives))


def take_raw_bold(
    raw: IndexedFile, files: Sequence[IndexedFile], bids_dir: Path
) -> tuple[PreprocessedBold, list[Eeg2FmriError]]:
    """Return a raw image with the participant's T1w image, and what is wrong with the latter."""
    problems: list[Eeg2FmriError] = []
    anatomy = find_anatomy(files, raw)
    if anatomy is not None:
        try:
            shape = read_image_header(anatomy).shape
            if len(shape) != 3:
                problems.append(
                    BadDataError(f"{anatomy} is {len(shape)}D; a T1w image is 3D. Check the image.")
                )
        except Eeg2FmriError as error:
            problems.append(error)
    source = PreprocessedBold(
        root=bids_dir,
        image=raw.path,
        desc="",
        resolution="",
        mask=None,
        confounds=None,
        is_raw=True,
        anatomy=anatomy,
    )
    return source, problems


def find_bold_source(
    raw: IndexedFile, bold: BoldSide, files: Files, settings: BoldSettings
) -> tuple[PreprocessedBold | None, list[Eeg2FmriError]]:
    """Return the preprocessed image of a raw run, and what is wrong with it.

    Of several resolutions it is the coarsest, unless one is asked for.
    """
    sources = find_preprocessed(files, raw, space=settings.space, desc=settings.desc)
    if settings.resolution:
        sources = tuple(s for s in sources if s.resolution == settings.resolution.removeprefix("res-"))
    if not sources:
        return None, [_no_source(raw, files, settings)]
    try:
        headers = [(source, read_image_header(source.image)) for source in sources]
    except Eeg2FmriError as error:
        return sources[0], [error]
    source, image = max(headers, key=lambda pair: abs(np.linalg.det(pair[1].affine[:3, :3])))
    problems: list[Eeg2FmriError] = []
    belongings = (source.mask, source.confounds, source.outliers, source.reference)
    for path in (path for path in belongings if path is not None):
        try:
            check_content(path)
        except Eeg2FmriError as error:
            problems.append(error)
    try:
        read_sidecar(source.image, source.root)
        if bold.header is not None and bold.n_volumes:
            _check_volumes(raw.path, bold.header, source, image)
    except Eeg2FmriError as error:
        problems.append(error)
    return source, problems


def describe_bold_run(
    raw: IndexedFile,
    bold: BoldSide,
    source: PreprocessedBold,
    events_path: Path | None,
    settings: BoldSettings,
) -> tuple[BoldRun, tuple[str, ...]]:
    """Return a run with its files, and in words which image was chosen and when its values were taken."""
    # The sidecar of a raw image knows no StartTime: slices stay as they were taken.
    sidecar = {"SliceTimingCorrected": False} if source.is_raw else read_sidecar(source.image, source.root)
    start_time, words = find_start_time(sidecar, bold.metadata, tr=bold.tr)
    run = BoldRun(
        entities=entities_of(raw.fields),
        raw_bold_path=raw.path,
        bold_path=source.image,
        mask_path=source.mask,
        confounds_path=source.confounds,
        events_path=events_path,
        space=_MINIMAL_SPACE if source.is_raw else settings.space,
        tr=bold.tr,
        n_volumes=bold.n_volumes,
        start_time=start_time,
        outliers_path=source.outliers,
        reference_path=source.reference,
        is_denoised=source.is_denoised,
        preprocessing="minimal" if source.is_raw else "derivatives",
        anatomy_path=source.anatomy,
    )
    sides = np.linalg.norm(read_image_header(source.image).affine[:3, :3], axis=0)
    size = " x ".join(f"{side:.2g}" for side in sides)
    if source.is_raw:
        return run, (f"{_MINIMAL}; voxels of {size} mm", words)
    resolution = f", res-{source.resolution}" if source.resolution else ""
    desc = f", desc-{source.desc}" if source.desc else ""
    chosen = f"BOLD from {source.root.name}: space-{settings.space}{resolution}{desc}, voxels of {size} mm"
    return run, (chosen, words)


def _no_source(raw: IndexedFile, files: Files, settings: BoldSettings) -> MissingInputError:
    """Return what to say where there is no image in the space: those there are."""
    asked = f"space {settings.space}"
    asked += f" with desc-{settings.desc}" if settings.desc else ""
    asked += f" with res-{settings.resolution.removeprefix('res-')}" if settings.resolution else ""
    there = find_spaces(files, raw)
    if not there:
        return MissingInputError(
            f"{raw.path.name} has no preprocessed image in {asked}. Run fMRIPrep and give its output with "
            "--derivatives, name another space (--set bold.space=NAME), or use the raw images "
            "(--set bold.preprocessing=minimal)."
        )
    return MissingInputError(
        f"{raw.path.name} has no preprocessed image in {asked}; there are {'; '.join(there)}. "
        "Choose with --set bold.space=NAME, bold.desc=NAME or bold.resolution=NAME."
    )


def _check_volumes(raw_path: Path, raw: ImageHeader, source: PreprocessedBold, image: ImageHeader) -> None:
    """Raise if the preprocessed image is not the raw one's; XCP-D may lack the volumes that it flagged."""
    n_volumes = image.shape[3] if len(image.shape) == 4 else 1
    n_raw = raw.shape[3]
    n_flagged = int(read_outliers(source.outliers, n_raw).sum()) if source.outliers is not None else 0
    if n_volumes not in (n_raw, n_raw - n_flagged):
        raise BadDataError(
            f"{source.image} has {n_volumes} volumes but {raw_path.name} has {n_raw}. "
            "Preprocess the run again without dropping volumes."
        )
    if image.tr > 0 and raw.tr > 0 and abs(image.tr - raw.tr) > TR_TOLERANCE * raw.tr:
        raise BadDataError(
            f"{source.image}: the header says TR {image.tr:g} s but that of {raw_path.name} says "
            f"{raw.tr:g} s. Preprocess the run again."
        )
