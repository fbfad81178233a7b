"""How near a prediction is to what was measured."""

from __future__ import annotations

import numpy as np

from bids_eeg2fmri.records import Floats

#: Correlations of 1 have no finite Fisher z.
_LARGEST_R = 1 - 1e-6
#: Relative standard deviation below which a series counts as constant.
_CONSTANT = 1e-10


def correlate(predicted: Floats, measured: Floats) -> Floats:
    """Return Pearson's r of each column of (n_volumes, n_regions), (n_regions,); NaN where undefined."""
    if len(predicted) < 3:
        return np.full(predicted.shape[1], np.nan)
    x, y = _standardise(predicted), _standardise(measured)
    r: Floats = np.clip((x * y).mean(axis=0), -1.0, 1.0)
    return r


def fisher_z(r: Floats) -> Floats:
    """Return the inverse hyperbolic tangent of correlations (Fisher 1915, 10.2307/2331838), kept finite."""
    z: Floats = np.arctanh(np.clip(r, -_LARGEST_R, _LARGEST_R))
    return z


def r_squared(predicted: Floats, measured: Floats, reference: Floats) -> Floats:
    """Return 1 - squared error / squared distance to ``reference`` (the training mean), (n_regions,).

    All arrays are (n_volumes, n_regions). Below 0: worse than predicting the training mean.
    """
    error = ((measured - predicted) ** 2).sum(axis=0)
    total = ((measured - reference) ** 2).sum(axis=0)
    r2: Floats = np.divide(total - error, total, out=np.full(total.shape, np.nan), where=total > 0)
    return r2


def remove_design(data: Floats, design: Floats) -> Floats:
    """Return (n_volumes, n_regions) without what a constant and the design (n_volumes, n_regressors) explain.

    NaN where nothing is left to correlate: fewer than three volumes beyond the regressors.
    """
    columns = np.hstack([np.ones((len(data), 1)), design])
    if len(data) < columns.shape[1] + 3:
        return np.full(data.shape, np.nan)
    basis, sizes, _ = np.linalg.svd(columns, full_matrices=False)
    basis = basis[:, sizes > sizes[0] * 1e-10]
    left: Floats = data - basis @ (basis.T @ data)
    # What rounding leaves of a series that lies in the design is not a signal.
    varies = np.linalg.norm(data - data.mean(axis=0), axis=0)
    varies = np.where(varies > _CONSTANT * np.linalg.norm(data, axis=0), varies, 0.0)
    left[:, np.linalg.norm(left, axis=0) <= 1e-8 * varies] = 0.0
    left[:, varies == 0] = 0.0
    return left


def _standardise(data: Floats) -> Floats:
    """Return columns with mean 0 and mean square 1, NaN for constant ones."""
    centred = data - data.mean(axis=0)
    size = np.sqrt((centred**2).mean(axis=0))
    size = np.where(size > _CONSTANT * np.abs(data).max(axis=0, initial=0.0), size, np.nan)
    standardised: Floats = centred / size
    return standardised
