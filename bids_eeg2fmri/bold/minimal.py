"""Minimal preprocessing of raw BOLD: what a dataset without fMRIPrep's output is given.

No slice timing, no correction of distortion, no surfaces, an affine registration only. fMRIPrep does better;
this is for a first look, and for those who cannot run it.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from bids_eeg2fmri import __version__
from bids_eeg2fmri.bold.grid import Grid
from bids_eeg2fmri.bold.image import Image
from bids_eeg2fmri.bold.made_confounds import make_confounds
from bids_eeg2fmri.bold.moved_sampling import find_covered, sample_means
from bids_eeg2fmri.bold.mutual_information import ClassMaps
from bids_eeg2fmri.bold.realign_run import link_runs, realign_run
from bids_eeg2fmri.bold.registration import place_bold, place_bold_through_anatomy
from bids_eeg2fmri.bold.template import load_tissues
from bids_eeg2fmri.bold.tissue_masks import find_tissues
from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.formats.completion import digest_inputs
from bids_eeg2fmri.formats.nifti import read_image_header, read_volume
from bids_eeg2fmri.formats.record_file import keep_record
from bids_eeg2fmri.records import BoldRun, Floats, RealignedRun, TemplatePlace

_logger = logging.getLogger(__name__)

#: Brains of image and template that share less (Dice) are not on top of each other.
_LEAST_OVERLAP = 0.7
_LABEL = "minimal preprocessing by this app, not fMRIPrep (which is recommended)"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MinimalRun:
    """One raw run after minimal preprocessing.

    Attributes
    ----------
    to_volumes : array, shape (n_volumes, 4, 4)
        Voxels of the participant's grid to voxels of each volume.
    confounds : dict of name to array, shape (n_volumes,)
        fMRIPrep's columns.
    steps : tuple of str
        What was done, in order, in words.
    """

    to_volumes: Floats
    confounds: dict[str, Floats]
    steps: tuple[str, ...]

    @property
    def digest(self) -> str:
        """SHA-256 of where the voxels are and of the confounds."""
        content = hashlib.sha256(np.ascontiguousarray(self.to_volumes).tobytes())
        for name, values in self.confounds.items():
            content.update(name.encode() + values.tobytes())
        return content.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MinimalBold:
    """The raw runs of a participant after minimal preprocessing.

    Attributes
    ----------
    mean : Image
        The mean BOLD of the first run, its affine to mm of the template.
    grid : Grid
        The grid of ``mean`` in the template, with the voxels of the brain that every volume covers.
    runs : tuple of MinimalRun
    """

    mean: Image
    grid: Grid
    place: TemplatePlace
    runs: tuple[MinimalRun, ...]


def preprocess_minimally(runs: Sequence[BoldRun], *, work_dir: Path | None = None) -> MinimalBold:
    """Realign the raw BOLD of a participant's runs and find where it lies in the MNI152 template.

    All runs are put on the grid of the first one's mean image. No image is resampled: region signals are
    sampled where the regions are in each volume.

    Raises
    ------
    BadDataError
        If an image cannot be realigned or placed.
    """
    realigned = [_realign(run, work_dir) for run in runs]
    first = realigned[0]
    tissues = load_tissues()
    place = _place(runs[0], first, tissues, work_dir)
    _check_place(place, runs[0])
    to_volumes = [_to_volumes(first, other, run) for other, run in zip(realigned, runs, strict=True)]
    mask = first.mask
    for matrices, other in zip(to_volumes, realigned, strict=True):
        mask = find_covered(mask, matrices, other.mean.shape)
    grid = Grid(shape=mask.shape, affine=place.matrix @ first.affine, mask=mask, space=runs[0].space)
    masks = find_tissues(grid, tissues)
    made = []
    for run, other, matrices in zip(runs, realigned, to_volumes, strict=True):
        confounds = make_confounds(other, _mean_signals(run, masks, matrices))
        made.append(MinimalRun(to_volumes=matrices, confounds=confounds, steps=_describe(other, place)))
    return MinimalBold(
        mean=Image(volume=first.mean, affine=grid.affine), grid=grid, place=place, runs=tuple(made)
    )


def _realign(run: BoldRun, work_dir: Path | None) -> RealignedRun:
    """Return where the head was in a run."""
    _logger.info("%s: minimal preprocessing: realigning the raw BOLD", run.entities)
    return keep_record(
        work_dir,
        RealignedRun,
        f"{run.entities}_realigned",
        digest_inputs("realigned", __version__, [run.raw_bold_path], ()),
        lambda: realign_run(run.raw_bold_path),
    )


def _place(run: BoldRun, realigned: RealignedRun, tissues: ClassMaps, work_dir: Path | None) -> TemplatePlace:
    """Return where the first run's mean image lies in the template."""
    _logger.info("%s: minimal preprocessing: registering to MNI152", run.entities)
    bold = Image(volume=realigned.mean, affine=realigned.affine)

    def find() -> TemplatePlace:
        if run.anatomy_path is None:
            return place_bold(bold, realigned.mask, tissues)
        anatomy = Image(
            volume=np.nan_to_num(read_volume(run.anatomy_path)),
            affine=read_image_header(run.anatomy_path).affine,
        )
        return place_bold_through_anatomy(bold, realigned.mask, anatomy, tissues)

    files = [path for path in (run.raw_bold_path, run.anatomy_path) if path is not None]
    digest = digest_inputs("placed", __version__, files, ())
    return keep_record(work_dir, TemplatePlace, f"{run.entities}_placed", digest, find)


def _check_place(place: TemplatePlace, run: BoldRun) -> None:
    """Raise if a registration went wrong."""
    if place.overlap < _LEAST_OVERLAP:
        raise BadDataError(
            f"{run.raw_bold_path.name} could not be registered to MNI152: its brain and the template's "
            f"overlap by {place.overlap:.2f} (Dice; {_LEAST_OVERLAP:g} is the least). Check the orientation "
            "in the image's header, or run fMRIPrep and give its output with --derivatives."
        )


def _to_volumes(first: RealignedRun, other: RealignedRun, run: BoldRun) -> Floats:
    """Return the maps (n_volumes, 4, 4) from voxels of the first run's mean to voxels of a run's volumes."""
    link = np.eye(4) if other is first else link_runs(first, other, run.raw_bold_path.name)
    matrices: Floats = np.linalg.inv(other.affine) @ other.poses @ link @ first.affine
    return matrices


def _mean_signals(run: BoldRun, masks: dict[str, np.ndarray], to_volumes: Floats) -> dict[str, Floats]:
    """Return the mean signal (n_volumes,) of each tissue."""
    if not masks:
        return {}
    stacked = np.stack([mask.ravel() for mask in masks.values()]).astype(np.float64)
    shape = next(iter(masks.values())).shape
    signals = sample_means(run.raw_bold_path, csr_array(stacked), shape, to_volumes)
    return dict(zip(masks, signals.T, strict=True))


def _describe(run: RealignedRun, place: TemplatePlace) -> tuple[str, ...]:
    """Return what was done to a run in words."""
    shift, turn = np.abs(run.motion[:, :3]).max(), np.degrees(np.abs(run.motion[:, 3:]).max())
    return (
        _LABEL,
        f"realignment of the raw volumes (rigid, least squares): up to {shift:.1f} mm and {turn:.1f} degrees",
        f"{place.words}; the brains overlap by {place.overlap:.2f} (Dice)",
        "regions sampled where they are in each raw volume (cubic splines), slices not brought to one time",
    )
