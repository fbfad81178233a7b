"""Probabilities of classes from the outputs of a model, and weights that make classes count alike."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, softmax

from bids_eeg2fmri.records import Floats, Labels


def class_probabilities(logits: Floats, *, ordinal: bool) -> Floats:
    """Return the probability of every class, (..., n_classes); they add up to 1.

    Parameters
    ----------
    logits : array, shape (..., n_classes - 1) or (..., n_classes)
        Ordinal: of being above each class but the last. Else one per class.
    ordinal : bool
    """
    if not ordinal:
        return np.asarray(softmax(logits, axis=-1))
    # A network need not keep the cuts in order, but being above a class implies being above all lower ones.
    above = np.minimum.accumulate(expit(logits), axis=-1)
    ends = (*above.shape[:-1], 1)
    return -np.diff(np.concatenate([np.ones(ends), above, np.zeros(ends)], axis=-1), axis=-1)


def balancing_weights(labels: Labels, n_classes: int, *, balance: bool) -> Floats:
    """Return the weight of each row and target, (n_rows, n_targets), of mean 1; 0 where there is no label.

    Balanced: every class that occurs has the same sum of weights, whatever its number of rows.
    """
    is_known = labels >= 0
    weights = is_known.astype(np.float64)
    if balance:
        for target in range(labels.shape[1]):
            counts = np.bincount(labels[is_known[:, target], target], minlength=n_classes)
            share = np.divide(1.0, counts, out=np.zeros(n_classes), where=counts > 0)
            weights[:, target] *= share[np.maximum(labels[:, target], 0)]
    total = weights.sum(axis=0)
    return np.asarray(
        weights * np.divide(is_known.sum(axis=0), total, out=np.zeros(len(total)), where=total > 0)
    )
