"""From a preprocessed image to the signals of regions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import diags_array

from bids_eeg2fmri.bold.confounds import (
    cosine_drift,
    non_steady_volumes,
    select_confounds,
    select_nuisance,
)
from bids_eeg2fmri.bold.minimal import MinimalRun
from bids_eeg2fmri.bold.moved_sampling import sample_means
from bids_eeg2fmri.bold.region_set import RegionLabels
from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.formats.nifti import iterate_volumes
from bids_eeg2fmri.records import RegionSeries, SimultaneousRun
from bids_eeg2fmri.settings import BoldSettings


def extract_regions(
    run: SimultaneousRun, regions: RegionLabels, settings: BoldSettings, minimal: MinimalRun | None = None
) -> RegionSeries:
    """Return the mean signal of every region in percent signal change, confounds of this run removed.

    Nothing is learned from other runs: regressors and means are the run's own.

    Parameters
    ----------
    minimal : MinimalRun or None
        Where the voxels of the regions are in each volume, for a raw image.

    Raises
    ------
    BadDataError
        If image, mask and confounds do not fit each other, or a region has no signal.
    """
    if minimal is None:
        signals = _mean_signals(run, regions)
    else:
        signals = sample_means(run.bold_path, regions.weights, regions.labels.shape, minimal.to_volumes)
    change = _percent_change(signals, regions.names, run)
    steps = [*regions.steps, *(minimal.steps if minimal else ()), "percent signal change"]
    keep = np.ones(run.n_volumes, dtype=bool)
    nuisance, nuisance_names = np.zeros((run.n_volumes, 0)), tuple[str, ...]()
    if run.confounds_path is not None:
        regressors, names = select_confounds(run.confounds_path, settings, n_volumes=run.n_volumes, tr=run.tr)
        nuisance, nuisance_names = select_nuisance(run.confounds_path)
        keep = ~non_steady_volumes(run.confounds_path, run.n_volumes)
        steps.append(f"{len(names)} regressors removed: {', '.join(names)}")
    else:
        regressors = cosine_drift(run.n_volumes, run.tr, settings.highpass)
        steps.append(f"{regressors.shape[1]} cosines removed; no confounds table was found")
    return RegionSeries(
        data=_regress_out(change, regressors, keep, run),
        region_names=regions.names,
        weights=keep.astype(np.float64),
        labels=regions.labels,
        affine=regions.affine,
        space=run.space,
        nuisance=nuisance,
        nuisance_names=nuisance_names,
        steps=tuple(steps),
    )


def _mean_signals(run: SimultaneousRun, regions: RegionLabels) -> NDArray[np.float64]:
    """Return the weighted mean over the voxels of each region, (n_volumes, n_regions).

    The image is read once, block by block; of a block only the voxels of regions are copied.
    """
    voxels = np.unique(regions.weights.indices)
    average = regions.weights[:, voxels].astype(np.float64)
    average = diags_array(1 / average.sum(axis=1)) @ average
    # Images lie in memory with x running fastest: taken in this order, a block is not copied as a whole.
    places = np.ravel_multi_index(
        np.unravel_index(voxels, regions.labels.shape), regions.labels.shape, order="F"
    )
    blocks = [
        average @ block.reshape((-1, block.shape[3]), order="F")[places].astype(np.float64)
        for block in iterate_volumes(run.bold_path)
    ]
    return np.concatenate(blocks, axis=1).T


def _percent_change(
    signals: NDArray[np.float64], names: tuple[str, ...], run: SimultaneousRun
) -> NDArray[np.float64]:
    """Return 100 * (signal / mean - 1)."""
    mean = signals.mean(axis=0)
    empty = [n for n, m, s in zip(names, mean, signals.std(axis=0), strict=True) if not (m > 0 and s > 0)]
    if empty:
        raise BadDataError(
            f"{run.bold_path} has no BOLD signal in {', '.join(empty)} (zero, constant, "
            "not finite, or without a mean). Check that the image is not demeaned and covers the region."
        )
    change: NDArray[np.float64] = 100 * (signals / mean - 1)
    return change


def _regress_out(
    data: NDArray[np.float64], regressors: NDArray[np.float64], keep: NDArray[np.bool_], run: SimultaneousRun
) -> NDArray[np.float64]:
    """Return the data without what the regressors and a constant explain, fitted on the volumes to keep."""
    design = np.hstack([np.ones((len(data), 1)), regressors])
    if design.shape[1] >= keep.sum():
        raise BadDataError(
            f"{run.bold_path.name} has {keep.sum()} usable volumes for {design.shape[1]} regressors. "
            "Use fewer (--set bold.motion=6) or leave the run out."
        )
    weights, *_ = np.linalg.lstsq(design[keep], data[keep], rcond=None)
    cleaned: NDArray[np.float64] = data - design @ weights
    return cleaned
