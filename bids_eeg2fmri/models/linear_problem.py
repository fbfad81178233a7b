"""What every linear model learns from: scaled features and BOLD of the training runs, folds, means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.models.inner_folds import inner_folds
from bids_eeg2fmri.records import AlignedRun, Floats

Masks = tuple[NDArray[np.bool_], ...]

#: A feature that varies less than this (log µV²) is that of a dead channel, and is not used.
MIN_DEVIATION = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LinearProblem:
    """The training runs that have a volume to learn from, as a linear model sees them.

    Attributes
    ----------
    features : tuple of array, shape (n_volumes, n_features), one per run
        Divided by ``scale``.
    targets : tuple of array, shape (n_volumes, n_regions)
        Percent signal change.
    masks : tuple of array of bool, shape (n_volumes,)
        The volumes to learn from.
    folds : tuple of (train, validation)
        Inner folds, each one mask per run.
    scale : array, shape (n_features,)
        Standard deviation within runs; infinite for a feature that does not vary.
    feature_mean, bold_mean : array, shape (n_features,) and (n_regions,)
        Mean over all volumes to learn from, before scaling.
    """

    features: tuple[Floats, ...]
    targets: tuple[Floats, ...]
    masks: Masks
    folds: tuple[tuple[Masks, Masks], ...]
    scale: Floats
    feature_mean: Floats
    bold_mean: Floats


def pose_problem(runs: Sequence[AlignedRun], features: Sequence[Floats]) -> LinearProblem:
    """Scale the features (n_volumes, n_features) of every run and gather what belongs to them.

    Raises
    ------
    BadDataError
        If too little is left for inner folds.
    """
    masks = [run.weights > 0 for run in runs]
    used = [i for i, mask in enumerate(masks) if mask.any()]
    kept = tuple(masks[i] for i in used)
    scale = feature_scale([features[i] for i in used], kept)
    folds = tuple(
        (tuple(train[i] > 0 for i in used), tuple(held_out[i] > 0 for i in used))
        for train, held_out in inner_folds(runs)
    )
    return LinearProblem(
        features=tuple(features[i] / scale for i in used),
        targets=tuple(runs[i].bold for i in used),
        masks=kept,
        folds=folds,
        scale=scale,
        feature_mean=_pooled_mean([features[i] for i in used], kept),
        bold_mean=_pooled_mean([runs[i].bold for i in used], kept),
    )


def feature_scale(features: Sequence[Floats], masks: Sequence[NDArray[np.bool_]]) -> Floats:
    """Return the standard deviation within runs (n_features,), infinite where a feature does not vary."""
    kept = [values[mask] for values, mask in zip(features, masks, strict=True) if mask.any()]
    deviation = np.concatenate([rows - rows.mean(axis=0) for rows in kept]).std(axis=0)
    return np.where(deviation > MIN_DEVIATION, deviation, np.inf)


def _pooled_mean(arrays: Sequence[Floats], masks: Masks) -> Floats:
    """Return the mean of the rows that are kept, over all runs."""
    return np.asarray(np.concatenate([a[mask] for a, mask in zip(arrays, masks, strict=True)]).mean(axis=0))
