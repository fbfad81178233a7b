"""Train on the training data of each fold, predict what it has not seen."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bids_eeg2fmri.records import AlignedRun, Floats, Predictions, Split
from bids_eeg2fmri.registry import FittedPredictor, Trainable
from bids_eeg2fmri.training.splits import apply_split

#: From a fold to the runs as it sees them.
RunsFor = Callable[[Split], Sequence[AlignedRun]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CrossValidated:
    """The predictions for unseen volumes, and the model of each fold."""

    predictions: Predictions
    fitted: tuple[FittedPredictor, ...]


def cross_validate(
    predictor: Trainable,
    runs: Sequence[AlignedRun] | RunsFor,
    splits: Sequence[Split],
    *,
    seed: int,
    device: str = "cpu",
    progress: Callable[[str], None] | None = None,
) -> CrossValidated:
    """Fit a model on every fold's training data and predict its test data.

    A model never receives BOLD it must not learn from: it is blanked before the model is called.

    Parameters
    ----------
    runs : sequence of AlignedRun, or callable
        The callable returns the runs of a fold, where what is predicted is itself learned from its training
        data. All folds have the same volumes.
    splits : sequence of Split
    seed : int
        The draws of a fold depend on this, the model, the participant and the fold alone.
    device : "cpu" or "cuda"
    progress : callable, optional
        Called with the name of each fold once it is done.
    """
    first = runs(splits[0]) if callable(runs) else runs
    values = [np.full(run.bold.shape, np.nan) for run in first]
    means = [np.full(run.bold.shape, np.nan) for run in first]
    folds = [np.full(run.n_volumes, -1, dtype=np.int64) for run in first]
    fitted = []
    for index, split in enumerate(splits):
        train, test = apply_split(split, runs(split) if callable(runs) else runs)
        model = predictor.fit(train, rng=_generator(seed, predictor.name, first, split.name), device=device)
        fitted.append(model)
        training_mean = _mean_bold(train)
        for k, run in enumerate(test):
            tested = split.test[k] > 0
            if tested.any():
                values[k][tested] = model.predict(run)[tested]
                means[k][tested] = training_mean
                folds[k][tested] = index
        if progress is not None:
            progress(split.name)
    predictions = Predictions(
        model=predictor.name,
        values=tuple(values),
        training_means=tuple(means),
        folds=tuple(folds),
        unit=splits[0].unit,
    )
    return CrossValidated(predictions=predictions, fitted=tuple(fitted))


def fit_final(
    predictor: Trainable, runs: Sequence[AlignedRun], *, seed: int, device: str = "cpu"
) -> FittedPredictor:
    """Return the model trained on all runs, the one that is saved."""
    return predictor.fit(runs, rng=_generator(seed, predictor.name, runs, "all"), device=device)


def _generator(seed: int, model: str, runs: Sequence[AlignedRun], fold: str) -> np.random.Generator:
    """Return the random generator of one fit; it does not depend on the order of fits or on processes."""
    key = zlib.crc32(f"{model} {runs[0].entities.subject} {fold}".encode())
    return np.random.default_rng([seed, key])


def _mean_bold(runs: Sequence[AlignedRun]) -> Floats:
    """Return the mean over the volumes learned from, (n_regions,)."""
    mean: Floats = np.concatenate([run.bold[run.weights > 0] for run in runs]).mean(axis=0)
    return mean
