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


def cross_correlate(predicted: Floats, measured: Floats) -> Floats:
    """Return Pearson's r of each column of one with each column of the other, both (n_volumes, n_regions).

    Row by prediction, column by measurement, (n_regions, n_regions); NaN where undefined.
    """
    x, y = _standardise(predicted), _standardise(measured)
    r: Floats = np.clip(x.T @ y / len(x), -1.0, 1.0)
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


def mean_squared_error(predicted: Floats, measured: Floats) -> Floats:
    """Return the mean squared error of each column of (n_volumes, n_regions), in the unit of BOLD squared."""
    error: Floats = ((measured - predicted) ** 2).mean(axis=0)
    return error


def concordance(predicted: Floats, measured: Floats) -> Floats:
    """Return Lin's concordance correlation coefficient, (n_regions,) (Lin 1989, 10.2307/2532051).

    It is r, lessened where the prediction has another mean or another spread than what was measured.
    """
    x, y = predicted - predicted.mean(axis=0), measured - measured.mean(axis=0)
    apart = (predicted.mean(axis=0) - measured.mean(axis=0)) ** 2
    size = (x**2).mean(axis=0) + (y**2).mean(axis=0) + apart
    both = 2 * (x * y).mean(axis=0)
    ccc: Floats = np.divide(both, size, out=np.full(size.shape, np.nan), where=size > 0)
    return ccc


def calibration_slope(predicted: Floats, measured: Floats) -> Floats:
    """Return the slope of measured on predicted, (n_regions,): 1 if a predicted percent is a measured one.

    Below 1 the prediction swings too far, above 1 not far enough; NaN for a constant prediction.
    """
    x = predicted - predicted.mean(axis=0)
    power = (x**2).sum(axis=0)
    varies = power > (_CONSTANT * np.abs(predicted).max(axis=0, initial=0.0)) ** 2 * len(x)
    both = (x * (measured - measured.mean(axis=0))).sum(axis=0)
    slope: Floats = np.divide(both, power, out=np.full(power.shape, np.nan), where=varies)
    return slope


def change_accuracy(predicted: Floats, measured: Floats, *, step: int) -> Floats:
    """Return how often both go the same way over ``step`` volumes, (n_regions,), 0.5 by chance.

    What neurofeedback needs: whether the signal it shows rises when the BOLD does. Volumes at which either
    stays the same do not count.
    """
    if len(predicted) <= step:
        return np.full(predicted.shape[1], np.nan)
    directions = np.sign(predicted[step:] - predicted[:-step]) * np.sign(measured[step:] - measured[:-step])
    n_counted = (directions != 0).sum(axis=0)
    agreeing = (directions > 0).sum(axis=0).astype(np.float64)
    share: Floats = np.divide(agreeing, n_counted, out=np.full(n_counted.shape, np.nan), where=n_counted > 0)
    return share


def effective_samples(predicted: Floats, measured: Floats) -> Floats:
    """Return how many independent volumes would tell as much of a correlation, (n_regions,).

    n / (1 + 2 * sum of the products of both autocorrelations), lags up to a fifth of the run (Pyper and
    Peterman 1998, 10.1139/f98-104); at most n.
    """
    n = len(predicted)
    if n < 5:
        return np.full(predicted.shape[1], np.nan)
    lags = np.arange(1, n // 5 + 1)
    products = autocorrelation(predicted)[lags] * autocorrelation(measured)[lags]
    inflation = 1 + 2 * ((1 - lags / n)[:, None] * products).sum(axis=0)
    effective: Floats = n / np.maximum(inflation, 1.0)
    return effective


def autocorrelation(data: Floats) -> Floats:
    """Return the autocorrelation of each column at lags 0 to n - 1, (n_volumes, n_regions), biased."""
    centred = data - data.mean(axis=0)
    spectrum = np.abs(np.fft.rfft(centred, n=2 * len(data), axis=0)) ** 2
    products = np.fft.irfft(spectrum, axis=0)[: len(data)]
    correlation: Floats = np.divide(
        products, products[:1], out=np.zeros_like(products), where=products[:1] > 0
    )
    return correlation


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
