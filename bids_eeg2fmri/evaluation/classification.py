"""How well classes were told apart: all figures follow from the matrix of confusions.

Given how often each class was there and was predicted, every figure is linear in the matrix; so its mean over
surrogates that keep both is the figure of the mean matrix.
"""

from __future__ import annotations

import numpy as np

from bids_eeg2fmri.records import Floats, Labels


def count_confusions(labels: Labels, predicted: Labels, n_classes: int) -> Floats:
    """Return how often each class (row) was taken for each (column), (n_targets, n_classes, n_classes).

    Parameters
    ----------
    labels, predicted : array of int64, shape (n_rows, n_targets)
        -1 in either: the row does not count.
    """
    counts = np.zeros((labels.shape[1], n_classes, n_classes))
    for target in range(labels.shape[1]):
        known = (labels[:, target] >= 0) & (predicted[:, target] >= 0)
        np.add.at(counts[target], (labels[known, target], predicted[known, target]), 1.0)
    return counts


def accuracy(confusion: Floats) -> Floats:
    """Return the share of what was right, of matrices (..., n_classes, n_classes)."""
    return _divide(np.trace(confusion, axis1=-2, axis2=-1), confusion.sum(axis=(-2, -1)))


def balanced_accuracy(confusion: Floats) -> Floats:
    """Return the mean recall over the classes that are there (Brodersen 2010, 10.1109/ICPR.2010.764)."""
    support = confusion.sum(axis=-1)
    recall = np.nan_to_num(_divide(_diagonal(confusion), support))
    return _divide(recall.sum(axis=-1), (support > 0).sum(axis=-1))


def macro_f1(confusion: Floats) -> Floats:
    """Return the mean F1 over the classes that are there or were predicted."""
    size = confusion.sum(axis=-1) + confusion.sum(axis=-2)
    f1 = np.nan_to_num(_divide(2 * _diagonal(confusion), size))
    return _divide(f1.sum(axis=-1), (size > 0).sum(axis=-1))


def weighted_kappa(confusion: Floats) -> Floats:
    """Return Cohen's kappa with quadratic weights: 0 by chance, 1 if all is right (10.1037/h0026256).

    With two classes it is the kappa without weights. NaN where only one class occurs on both sides.
    """
    classes = np.arange(confusion.shape[-1])
    weights = np.square(classes[:, None] - classes).astype(np.float64)
    observed = (weights * confusion).sum(axis=(-2, -1))
    by_chance = np.einsum("...i,ij,...j->...", confusion.sum(axis=-1), weights, confusion.sum(axis=-2))
    return 1.0 - _divide(observed * confusion.sum(axis=(-2, -1)), by_chance)


def per_class(confusion: Floats) -> dict[str, Floats]:
    """Return precision, recall, f1 and support of every class, (..., n_classes) each; NaN where undefined."""
    right, support, predicted = _diagonal(confusion), confusion.sum(axis=-1), confusion.sum(axis=-2)
    return {
        "precision": _divide(right, predicted),
        "recall": _divide(right, support),
        "f1": _divide(2 * right, support + predicted),
        "support": support,
    }


def nominal_chance(confusion: Floats) -> Floats:
    """Return the balanced accuracy of guessing: 1 / number of classes that are there."""
    return _divide(np.ones(confusion.shape[:-2]), (confusion.sum(axis=-1) > 0).sum(axis=-1))


def _diagonal(confusion: Floats) -> Floats:
    return np.diagonal(confusion, axis1=-2, axis2=-1)


def _divide(a: Floats, b: Floats) -> Floats:
    """Return a / b, NaN where b is 0."""
    a, b = np.broadcast_arrays(a, b)
    result: Floats = np.divide(a, b, out=np.full(a.shape, np.nan), where=b > 0)
    return result
