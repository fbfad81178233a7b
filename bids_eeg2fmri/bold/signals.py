"""From the image of a run to what it holds in the regions, with all that may be removed from it."""

from __future__ import annotations

import logging

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from bids_eeg2fmri.bold.confounds import (
    cosine_drift,
    moved_volumes,
    non_steady_volumes,
    select_confounds,
    select_nuisance,
)
from bids_eeg2fmri.bold.minimal import MinimalRun
from bids_eeg2fmri.bold.moved_sampling import sample_means
from bids_eeg2fmri.bold.region_set import RegionLabels
from bids_eeg2fmri.bold.units import RegionUnits
from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.formats.nifti import iterate_volumes, read_image_header, read_volume
from bids_eeg2fmri.formats.outlier_table import read_outliers
from bids_eeg2fmri.records import BoldRun, Floats, RegionSignals
from bids_eeg2fmri.settings import BoldSettings

_logger = logging.getLogger(__name__)

#: More regressors than this share of the volumes leave little signal to predict.
_MANY_REGRESSORS = 1 / 3
#: An image whose means are smaller than this many standard deviations has lost them.
_LOST_MEAN = 3.0


def extract_signals(
    run: BoldRun, units: RegionUnits, settings: BoldSettings, *, minimal: MinimalRun | None = None
) -> RegionSignals:
    """Read the units of one run, and choose its regressors and the volumes that count.

    The image is read once. Nothing is fitted here, and nothing depends on other runs.

    Parameters
    ----------
    minimal : MinimalRun or None
        Where the voxels of the regions are in each volume, of a raw image.

    Raises
    ------
    BadDataError
        If image, regions and tables do not fit each other, or a region holds values that are not finite.
    """
    if minimal is None:
        _check_grid(run, units.regions)
    outliers = (
        read_outliers(run.outliers_path, run.n_volumes)
        if run.outliers_path is not None
        else np.zeros(run.n_volumes, dtype=bool)
    )
    stored = _read_units(run, units) if minimal is None else _sample_units(run, units, minimal)
    data = _fill_gaps(stored, outliers, run)
    reference, steps = _find_reference(run, units, data[~outliers])
    steps = [*(minimal.steps if minimal is not None else ()), *steps]
    keep = ~outliers
    if outliers.any():
        steps.append(f"{outliers.sum()} volumes left out by the pipeline before: weight 0")
    nuisance, nuisance_names = np.zeros((run.n_volumes, 0)), tuple[str, ...]()
    regressors, names = np.zeros((run.n_volumes, 0)), tuple[str, ...]()
    if run.confounds_path is not None:
        nuisance, nuisance_names = select_nuisance(run.confounds_path, run.n_volumes)
        keep &= ~non_steady_volumes(run.confounds_path, run.n_volumes)
        if "scrub" in settings.confounds:
            moved = moved_volumes(run.confounds_path, settings)
            steps.append(f"{np.count_nonzero(moved & keep)} volumes scrubbed for motion: weight 0")
            keep &= ~moved
    if run.is_denoised:
        steps.append("denoised by another pipeline: no confounds removed here")
    elif run.confounds_path is not None:
        regressors, names = select_confounds(run.confounds_path, settings, n_volumes=run.n_volumes, tr=run.tr)
        steps.append(f"{len(names)} regressors removed: {', '.join(names)}")
    else:
        regressors = cosine_drift(run.n_volumes, run.tr, settings.highpass)
        names = tuple(f"cosine{k:02d}" for k in range(regressors.shape[1]))
        steps.append(f"{regressors.shape[1]} cosines removed; no confounds table was found")
        _logger.warning("%s has no table of confounds: motion is not removed from it", run.bold_path.name)
    _check_numbers(run, len(names), int(keep.sum()), steps)
    return RegionSignals(
        data=data,
        reference=reference,
        weights=keep.astype(np.float64),
        regressors=regressors,
        regressor_names=names,
        nuisance=nuisance,
        nuisance_names=nuisance_names,
        name=run.bold_path.name,
        steps=tuple(steps),
    )


def _check_grid(run: BoldRun, regions: RegionLabels) -> None:
    """Raise if the regions are on another grid than the image."""
    header = read_image_header(run.bold_path)
    if header.shape[:3] != regions.labels.shape or not np.allclose(header.affine, regions.affine, atol=1e-3):
        raise BadDataError(
            f"{run.bold_path.name} has another grid ({header.shape[:3]} voxels) than the regions "
            f"({regions.labels.shape}), which are on that of the other runs. Resample them alike."
        )


def _read_units(run: BoldRun, units: RegionUnits) -> NDArray[np.float32]:
    """Return the units of every stored volume, (n_stored, n_units).

    The image is read once, block by block; of a block only the voxels of regions are copied.
    """
    weights: csr_array = units.weights
    voxels = np.unique(weights.indices)
    average = weights[:, voxels].astype(np.float64)
    shape = units.regions.labels.shape
    # Images lie in memory with x running fastest: taken in this order, a block is not copied as a whole.
    places = np.ravel_multi_index(np.unravel_index(voxels, shape), shape, order="F")
    blocks = [
        (average @ block.reshape((-1, block.shape[3]), order="F")[places].astype(np.float64)).astype(
            np.float32
        )
        for block in iterate_volumes(run.bold_path)
    ]
    data = np.ascontiguousarray(np.concatenate(blocks, axis=1).T)
    return _check_finite(data, run, units)


def _sample_units(run: BoldRun, units: RegionUnits, minimal: MinimalRun) -> NDArray[np.float32]:
    """Return the units of every volume of a raw image, (n_volumes, n_units), taken where the head was."""
    shape = units.regions.labels.shape
    data = sample_means(run.bold_path, units.weights, shape, minimal.to_volumes).astype(np.float32)
    return _check_finite(data, run, units)


def _check_finite(data: NDArray[np.float32], run: BoldRun, units: RegionUnits) -> NDArray[np.float32]:
    """Return the data (n_stored, n_units) if they are numbers."""
    is_bad: NDArray[np.bool_] = np.asarray(~np.isfinite(data).all(axis=0))
    if is_bad.any():
        raise BadDataError(
            f"{run.bold_path} holds values that are not finite (NaN) in {units.name_some(is_bad)}. "
            "Give a mask that leaves those voxels out, or put numbers there."
        )
    return data


def _fill_gaps(data: NDArray[np.float32], outliers: NDArray[np.bool_], run: BoldRun) -> NDArray[np.float32]:
    """Return a row for every volume: 0 for those that an earlier pipeline has dropped."""
    if len(data) == run.n_volumes:
        return data
    if len(data) != run.n_volumes - outliers.sum():
        raise BadDataError(
            f"{run.bold_path} has {len(data)} volumes but the run has {run.n_volumes}. "
            "Preprocess the run again without dropping volumes."
        )
    filled = np.zeros((run.n_volumes, data.shape[1]), dtype=np.float32)
    filled[~outliers] = data
    return filled


def _find_reference(run: BoldRun, units: RegionUnits, data: NDArray[np.float32]) -> tuple[Floats, list[str]]:
    """Return what percent refer to, (n_units,), NaN for a unit's own mean, and what was done in words.

    A denoised image has lost its mean; the mean image beside it has it. Where there is none, signals stay in
    the units of the image.
    """
    own = np.full(data.shape[1], np.nan)
    mean, deviation = data.mean(axis=0), data.std(axis=0)
    if not run.is_denoised or np.all(np.abs(mean) > _LOST_MEAN * deviation):
        return own, ["percent signal change"]
    if run.reference_path is None:
        text = "not in percent: the image is demeaned and there is no boldref beside it"
        _logger.warning("%s: %s; signals stay in its units", run.bold_path.name, text)
        return np.full(data.shape[1], 100.0), [text]
    volume = read_volume(run.reference_path)
    if volume.shape != units.regions.labels.shape:
        raise BadDataError(
            f"{run.reference_path} has {volume.shape} voxels but the image {units.regions.labels.shape}. "
            "Remove it, or give the one of this image."
        )
    reference = units.weights @ np.nan_to_num(volume.ravel().astype(np.float64))
    if not np.all(reference > 0):
        raise BadDataError(
            f"{run.reference_path} is not above 0 in {units.name_some(~(reference > 0))}. "
            "Percent signal change needs a mean image that covers the regions."
        )
    return reference, [f"percent of {run.reference_path.name}, since the image is demeaned"]


def _check_numbers(run: BoldRun, n_regressors: int, n_volumes: int, steps: list[str]) -> None:
    """Refuse a run of fewer volumes than regressors, and warn of many."""
    if n_regressors + 1 >= n_volumes:
        raise BadDataError(
            f"{run.bold_path.name} has {n_volumes} usable volumes for {n_regressors + 1} regressors. "
            "Use fewer (--set bold.confounds=motion6) or leave the run out."
        )
    if n_regressors > _MANY_REGRESSORS * n_volumes:
        text = f"{n_regressors} regressors for {n_volumes} volumes: more than a third, little signal is left"
        _logger.warning("%s: %s. Use fewer (bold.confounds)", run.bold_path.name, text)
        steps.append(text)
