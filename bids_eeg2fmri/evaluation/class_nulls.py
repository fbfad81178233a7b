"""What classifications that know nothing of the labels reach, by surrogates that keep autocorrelation.

Each null returns matrices of confusion over all runs, from which any figure follows. The trained models stay
as they are; that scores of folds depend on each other is made up for by ``nulls.widen``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.evaluation.nulls import allowed_shifts, draw_ways
from bids_eeg2fmri.records import Floats, Labels


def draw_shifts(
    lengths: Sequence[int], trs: Sequence[float], *, n_nulls: int, min_shift: float, rng: np.random.Generator
) -> tuple[NDArray[np.int64], ...]:
    """Return by how many rows each draw shifts each run, one array (n_draws,) per run.

    As :func:`~bids_eeg2fmri.evaluation.nulls.shift_null`: at least ``min_shift`` seconds in either direction,
    every way once where there are fewer ways than draws.
    """
    allowed = [allowed_shifts(n, tr, min_shift) for n, tr in zip(lengths, trs, strict=True)]
    places = draw_ways([len(shifts) for shifts in allowed], n_nulls, rng)
    return tuple(shifts[place] for shifts, place in zip(allowed, places, strict=True))


def shifted_confusions(
    labels: Sequence[Labels],
    predicted: Sequence[Labels],
    shifts: Sequence[NDArray[np.int64]],
    *,
    n_classes: int,
) -> Floats:
    """Return the confusions of one target when predictions are shifted circularly within their run.

    Parameters
    ----------
    labels, predicted : sequence of array of int64, shape (n_rows,)
        One per run, only rows that were tested.
    shifts : sequence of array of int64, shape (n_draws,)

    Returns
    -------
    confusions : array, shape (n_draws, n_classes, n_classes)
        Summed over runs.
    """
    total = np.zeros((len(shifts[0]), n_classes, n_classes))
    classes = np.arange(n_classes)
    for known, said, shift in zip(labels, predicted, shifts, strict=True):
        # Counts of all shifts at once, as correlations of indicators.
        true = np.fft.rfft((known[:, None] == classes).astype(np.float64), axis=0)
        taken = np.fft.rfft((said[:, None] == classes).astype(np.float64), axis=0)
        counts = np.fft.irfft(true[:, :, None] * taken.conj()[:, None, :], n=len(known), axis=0)
        total += np.rint(counts)[shift]
    return total


def unrelated_confusions(labels: Sequence[Labels], predicted: Sequence[Labels], n_classes: int) -> Floats:
    """Return the mean over all shifts, (n_classes, n_classes): what labels and predictions give by chance."""
    total = np.zeros((n_classes, n_classes))
    for known, said in zip(labels, predicted, strict=True):
        counts = [np.bincount(side, minlength=n_classes).astype(np.float64) for side in (known, said)]
        total += np.outer(*counts) / max(len(known), 1)
    return total


def permute_trials(trials: NDArray[np.int64], labels: Labels, rng: np.random.Generator) -> Labels:
    """Return the labels with the conditions of whole trials permuted within one run.

    Parameters
    ----------
    trials : array of int64, shape (n_windows,)
        The trial each window lies in.
    labels : array of int64, shape (n_windows,)
        The same for all windows of a trial.
    """
    names, first, places = np.unique(trials, return_index=True, return_inverse=True)
    del names
    return np.asarray(rng.permutation(labels[first])[places])


def permuted_confusions(
    trials: Sequence[NDArray[np.int64]],
    labels: Sequence[Labels],
    predicted: Sequence[Labels],
    *,
    n_classes: int,
    n_nulls: int,
    rng: np.random.Generator,
) -> Floats:
    """Return the confusions when trials change their conditions within runs, (n_nulls, n_classes, n_classes).

    Parameters
    ----------
    trials, labels, predicted : sequence of array of int64, shape (n_windows,)
        One per run.
    """
    total = np.zeros((n_nulls, n_classes, n_classes))
    for trial, known, said in zip(trials, labels, predicted, strict=True):
        for draw in range(n_nulls):
            np.add.at(total[draw], (permute_trials(trial, known, rng), said), 1.0)
    return total
