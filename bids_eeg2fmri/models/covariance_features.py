"""Features of covariances of EEG: common spatial patterns, and the tangent space at their mean."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from bids_eeg2fmri.models.band_power import POWER_FLOOR
from bids_eeg2fmri.records import Floats

#: Share of the identity in a covariance before its logarithm: an average reference leaves it singular.
_SHRINKAGE = 0.05


def tangent_space(covariance: Floats, reference: Floats) -> Floats:
    """Return the logarithm of whitened covariances, (n, n_bands x n_channels x (n_channels + 1) / 2).

    Barachant et al. 2012, doi 10.1109/TBME.2011.2172210.

    Parameters
    ----------
    covariance : array, shape (n, n_bands, n_channels, n_channels)
        µV².
    reference : array, shape (n_bands, n_channels, n_channels)
        As of :func:`whitening`.
    """
    white = reference @ _shrink(covariance) @ reference.swapaxes(-1, -2)
    values, vectors = np.linalg.eigh(white)
    logarithm = (vectors * np.log(np.maximum(values, 1e-12))[..., None, :]) @ vectors.swapaxes(-1, -2)
    rows, columns = np.triu_indices(covariance.shape[-1])
    scale = np.where(rows == columns, 1.0, np.sqrt(2.0))  # so that distances are those of matrices
    return np.asarray((logarithm[..., rows, columns] * scale).reshape(len(covariance), -1))


def common_patterns(covariance: Floats, y: NDArray[np.int64], n_classes: int, *, n_patterns: int) -> Floats:
    """Return the filters whose power differs most between classes, (n_bands, n_filters, n_channels).

    Two classes have one set of filters; of more, each is compared with all together.
    """
    n_bands, n_channels = covariance.shape[1:3]
    everything = covariance.mean(axis=0)
    means = [covariance[y == k].mean(axis=0) if np.any(y == k) else everything for k in range(n_classes)]
    m = min(n_patterns, n_channels // 2)
    filters = []
    for band in range(n_bands):
        shrunk = [_shrink(mean[band]) for mean in means]
        total = np.sum(shrunk, axis=0)
        vectors = [eigh(part, total)[1] for part in shrunk[: 1 if n_classes == 2 else n_classes]]
        filters.append(np.concatenate([v[:, [*range(m), *range(-m, 0)]].T for v in vectors]))
    return np.stack(filters)


def _shrink(covariance: Floats) -> Floats:
    """Return covariances (..., n_channels, n_channels) moved a little towards the identity."""
    n_channels = covariance.shape[-1]
    power = np.trace(covariance, axis1=-2, axis2=-1)[..., None, None] / n_channels
    power = np.maximum(power, POWER_FLOOR)
    return np.asarray((1 - _SHRINKAGE) * covariance + _SHRINKAGE * power * np.eye(n_channels))


def whitening(mean: Floats) -> Floats:
    """Return the symmetric matrix that makes the shrunk mean covariance the identity."""
    values, vectors = eigh(_shrink(mean))
    return np.asarray((vectors / np.sqrt(values)) @ vectors.T)
