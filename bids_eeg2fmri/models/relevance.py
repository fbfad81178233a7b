"""Linear regression of many regions on features of which few matter: automatic relevance determination.

The weights of a feature have a Gaussian prior whose variance is learned from the training data by evidence
(MacKay 1992, doi 10.1162/neco.1992.4.3.415; Tipping 2001, JMLR 1:211-244). It is shared by all regions, as
they follow the same sources, and, features being components x bands, drawn towards the product of a relevance
of the component and one of the band. Errors follow an autoregressive process of order 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.records import Floats

#: A feature of less than this share of the largest prior variance is left out.
MIN_RELEVANCE = 1e-6
#: Iterations before and after the autocorrelation of the errors is known.
FIRST_ITERATIONS, ITERATIONS = 6, 20
#: Strongest autocorrelation of errors from one volume to the next that is believed.
MAX_AUTOCORRELATION = 0.9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingSet:
    """What is learned from, volumes of all runs one after the other.

    Attributes
    ----------
    x : array, shape (n_volumes, n_features)
        Centred within runs, of unit variance.
    y : array, shape (n_volumes, n_regions)
        Centred within runs.
    follows : array of bool, shape (n_volumes,)
        Whether the volume before in time is the row before.
    """

    x: Floats
    y: Floats
    follows: NDArray[np.bool_]


def fit_relevance(data: TrainingSet, *, n_bands: int, structure: float) -> Floats:
    """Return weights (n_features, n_regions).

    Parameters
    ----------
    data : TrainingSet
        Features in the order components x bands.
    n_bands : int
    structure : float
        From 0 (every feature has a relevance of its own) to 1 (the product of component and band).
    """
    if not np.any(np.abs(data.x) > 0):
        return np.zeros((data.x.shape[1], data.y.shape[1]))
    weights = _iterate(data.x, data.y, n_bands, structure, n_iterations=FIRST_ITERATIONS)
    rho = _autocorrelation(data.y - data.x @ weights, data.follows)
    x, y = _whiten(data.x, data.follows, rho), _whiten(data.y, data.follows, rho)
    return _iterate(x, y, n_bands, structure, n_iterations=ITERATIONS)


def follows_previous(masks: Sequence[NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """Return for the kept volumes of all runs whether the volume before is kept too, (n_kept,)."""
    return np.concatenate([np.concatenate([[False], mask[:-1]])[mask] for mask in masks])


def _iterate(x: Floats, y: Floats, n_bands: int, structure: float, *, n_iterations: int) -> Floats:
    """Return the weights (n_features, n_regions) after updates of all variances."""
    n, n_features = x.shape
    variance = np.maximum(np.square(y).mean(axis=0), 1e-12)
    noise, signal = 0.7 * variance, 0.3 * variance
    relevance = np.full(n_features, 1.0 / n_features)
    gram, cross = x.T @ x, x.T @ y
    kept, mean = np.arange(n_features), np.zeros((n_features, y.shape[1]))
    for _ in range(n_iterations):
        kept = np.flatnonzero(relevance > MIN_RELEVANCE * relevance.max())
        prior = relevance[kept]
        mean, posterior = _posterior(gram[np.ix_(kept, kept)], cross[kept], prior, signal, noise)
        # How much of each weight the data determine, rather than the prior.
        determined = np.clip(1.0 - posterior / (prior[:, None] * signal), 1e-9, 1.0)
        updated = np.zeros(n_features)
        updated[kept] = (np.square(mean) / signal).sum(axis=1) / determined.sum(axis=1)
        relevance = _structured(updated, n_bands, structure)
        fitted = (np.square(mean) / prior[:, None]).sum(axis=0) / determined.sum(axis=0)
        signal = np.maximum(fitted, 1e-6 * variance)
        errors = np.square(y - x[:, kept] @ mean).sum(axis=0)
        freedom = np.maximum(n - determined.sum(axis=0), 0.3 * n)
        noise = np.maximum(errors / freedom, 1e-6 * variance)
    weights = np.zeros((n_features, y.shape[1]))
    weights[kept] = mean
    return weights


def _posterior(
    gram: Floats, cross: Floats, prior: Floats, signal: Floats, noise: Floats
) -> tuple[Floats, Floats]:
    """Return mean and variance of the weights, both (n_features, n_regions), from one eigendecomposition.

    The prior variance of a weight is ``prior`` (n_features,) times ``signal`` (n_regions,).
    """
    root = np.sqrt(prior)
    values, vectors = np.linalg.eigh(root[:, None] * gram * root)
    gain = 1.0 / (noise / signal + np.maximum(values, 0.0)[:, None])
    mean = root[:, None] * (vectors @ (gain * (vectors.T @ (root[:, None] * cross))))
    return mean, prior[:, None] * (np.square(vectors) @ gain) * noise


def _structured(relevance: Floats, n_bands: int, structure: float) -> Floats:
    """Return relevances (n_features,), summing to 1, drawn towards a product over components and bands."""
    table = np.maximum(relevance, 1e-12 * relevance.max(initial=1e-30)).reshape(-1, n_bands)
    product = np.outer(table.mean(axis=1), table.mean(axis=0)) / table.mean()
    drawn = np.where(relevance > 0, (table ** (1 - structure) * product**structure).ravel(), 0.0)
    return np.asarray(drawn / max(drawn.sum(), 1e-30))


def _autocorrelation(errors: Floats, follows: NDArray[np.bool_]) -> float:
    """Return how much of the errors (n_volumes, n_regions) the next volume keeps, over all regions."""
    now, before = errors[follows], errors[np.flatnonzero(follows) - 1]
    scale = np.maximum(np.square(errors).mean(axis=0), 1e-30)
    rho = float(((now * before) / scale).sum() / max((np.square(before) / scale).sum(), 1e-30))
    return float(np.clip(rho, 0.0, MAX_AUTOCORRELATION))


def _whiten(values: Floats, follows: NDArray[np.bool_], rho: float) -> Floats:
    """Return the rows less what the row before predicts, where that is the volume before."""
    whitened = values * np.sqrt(1.0 - rho**2)
    index = np.flatnonzero(follows)
    whitened[index] = values[index] - rho * values[index - 1]
    return np.asarray(whitened)
