"""Train on the training data of each fold, predict what it has not seen."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bids_eeg2fmri.records import AlignedRun, Floats, Predictions, Split
from bids_eeg2fmri.registry import FittedPredictor, Predictor
from bids_eeg2fmri.training.preparation import SharedPreparation
from bids_eeg2fmri.training.splits import apply_split


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CrossValidated:
    """The predictions for unseen volumes, and the model of each fold."""

    predictions: Predictions
    fitted: tuple[FittedPredictor, ...]


def cross_validate(
    predictor: Predictor,
    runs: Sequence[AlignedRun],
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
    runs : sequence of AlignedRun
    splits : sequence of Split
    seed : int
        The draws of a fold depend on this, the model, the participant and the fold alone.
    device : "cpu" or "cuda"
    progress : callable, optional
        Called with the name of each fold once it is done.
    """
    values = [np.full(run.bold.shape, np.nan) for run in runs]
    means = [np.full(run.bold.shape, np.nan) for run in runs]
    folds = [np.full(run.n_volumes, -1, dtype=np.int64) for run in runs]
    fitted = []
    shared = SharedPreparation(predictor, runs)
    for index, split in enumerate(splits):
        train, test = apply_split(split, runs)
        model = shared.fit(train, rng=_generator(seed, predictor.name, runs, split.name), device=device)
        fitted.append(model)
        training_mean = _mean_bold(train)
        for k, run in enumerate(test):
            tested = split.test[k] > 0
            if tested.any():
                values[k][tested] = shared.predict(model, run)[tested]
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
    predictor: Predictor, runs: Sequence[AlignedRun], *, seed: int, device: str = "cpu"
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
