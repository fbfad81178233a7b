"""What of each volume repeats in the others: templates by harmonic, each with the window that predicts best.

Average artefact subtraction (Allen 2000, 10.1006/nimg.2000.0599) takes for the artefact of a volume the mean
of the volumes around it. A short window follows changes of the artefact but takes more of the EEG away (one
part in its length, of the power). Which is worse differs between the harmonics of the volume: those of the
slices are a hundred times the EEG, others hardly stand out. Here every harmonic of every channel has the
window whose mean, without the volume itself, comes nearest to that volume, summed over volumes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

#: Channels transformed at once.
_BLOCK = 8
#: A volume whose power over what its neighbours predict exceeds the median of all by this many median
#: deviations (of the logarithm) is left out of the others' templates.
_OUTLIER = 6.0
#: A shorter window is taken where it predicts better by this many standard errors.
_SURE = 2.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Smoother:
    """A linear smoother over volumes.

    Attributes
    ----------
    name : str
    matrix : array of float32, shape (n_volumes, n_volumes)
        From the volumes as they are to their templates.
    leverage : array, shape (n_volumes,)
        Share that each volume has in its own template.
    """

    name: str
    matrix: NDArray[np.float32]

    @property
    def leverage(self) -> NDArray[np.float32]:
        """Share that each volume has in its own template, (n_volumes,)."""
        return np.diagonal(self.matrix)


def make_smoothers(
    n_volumes: int, *, window: int, stretches: Sequence[int], excluded: NDArray[np.bool_]
) -> tuple[Smoother, ...]:
    """Return means over windows of half, one, two and four times ``window`` volumes, and over all.

    A window is the nearest volumes of the same stretch, so that the first and the last volumes of a stretch
    have as many as any other. Excluded volumes are in no window.

    Parameters
    ----------
    stretches : sequence of int
        Where stretches of unchanged head position begin; those too short for half a window join the next.
    """
    smoothers: dict[str, Smoother] = {}
    edges = _merge(stretches, n_volumes, shortest=window // 2)
    for length in (window // 2, window, 2 * window, 4 * window):
        if length < n_volumes:
            smoothers[f"{length}"] = Smoother(name=f"{length}", matrix=_means(edges, length, excluded))
    if len(edges) > 2:
        smoothers["stretch"] = Smoother(name="stretch", matrix=_means(edges, n_volumes, excluded))
    smoothers["all"] = Smoother(name="all", matrix=_means([0, n_volumes], n_volumes, excluded))
    return tuple(smoothers.values())


def _merge(stretches: Sequence[int], n_volumes: int, *, shortest: int) -> list[int]:
    """Return the edges of stretches of at least ``shortest`` volumes each, the first 0, the last the end."""
    edges = [0]
    for begin in sorted(set(stretches)):
        if begin - edges[-1] >= shortest and n_volumes - begin >= shortest:
            edges.append(begin)
    return [*edges, n_volumes]


def _means(edges: Sequence[int], length: int, excluded: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the matrix of means over the ``length`` nearest volumes of each volume's stretch."""
    matrix = np.zeros((edges[-1], edges[-1]), np.float32)
    for begin, end in pairwise(edges):
        usable = np.flatnonzero(~excluded[begin:end]) + begin
        usable = usable if len(usable) else np.arange(begin, end)
        n_mean = min(length, len(usable))
        for volume in range(begin, end):
            first = int(np.searchsorted(usable, volume)) - n_mean // 2
            first = min(max(first, 0), len(usable) - n_mean)
            matrix[volume, usable[first : first + n_mean]] = 1 / n_mean
    return matrix


def find_outliers(volumes: NDArray[np.float32], *, window: int) -> NDArray[np.bool_]:
    """Return which volumes (n_volumes, n_bins, n_channels) hold what their neighbours do not.

    A burst of muscle or a sudden movement in one volume would be in the templates of all its neighbours.
    """
    n_volumes = len(volumes)
    nobody = np.zeros(n_volumes, dtype=bool)
    matrix = _means([0, n_volumes], min(window, n_volumes), nobody)
    slope = np.diff(volumes, axis=1).reshape(n_volumes, -1)
    rest = (slope - matrix @ slope).reshape(n_volumes, -1, volumes.shape[2])
    power = np.log(np.median(np.mean(rest**2, axis=1), axis=1) + 1e-12)
    deviation = power - np.median(power)
    limit = _OUTLIER * np.median(np.abs(deviation)) * 1.4826
    outliers: NDArray[np.bool_] = deviation > limit
    # Where a fifth stands out, it is not single volumes that differ.
    return outliers if outliers.mean() < 0.2 else nobody


def smooth_volumes(
    volumes: NDArray[np.float32], smoothers: Sequence[Smoother], excluded: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], dict[str, float]]:
    """Return the template of each volume, and how many harmonics each smoother was best for (share).

    The mean of a volume is no artefact and in no template: electrodes drift.

    Parameters
    ----------
    volumes : array of float32, shape (n_volumes, n_bins, n_channels)
    excluded : array of bool, shape (n_volumes,)
        Volumes that the choice does not count.
    """
    n_volumes, n_bins, n_channels = volumes.shape
    templates = np.empty_like(volumes)
    chosen = np.zeros(len(smoothers))
    counted = np.flatnonzero(~excluded)
    for first in range(0, n_channels, _BLOCK):
        spectra = np.fft.rfft(volumes[:, :, first : first + _BLOCK], axis=1).astype(np.complex64)
        best = np.zeros_like(spectra)
        least: NDArray[np.float32] | None = None
        choice = np.zeros(spectra.shape[1:], np.int64)
        flat = spectra.reshape(n_volumes, -1).view(np.float32)
        for k in reversed(range(len(smoothers))):  # the longest window first
            smoother = smoothers[k]
            smooth = (smoother.matrix @ flat).view(np.complex64).reshape(spectra.shape)
            error = _left_out_error(spectra[counted], smooth[counted], smoother.leverage[counted])
            is_best = np.ones(choice.shape, bool) if least is None else _is_less(error, least)
            least = error if least is None else np.where(is_best, error, least)
            choice[is_best] = k
            best[:, is_best] = smooth[:, is_best]
        best[:, 0] = 0
        chosen += np.bincount(choice.ravel(), minlength=len(smoothers))
        templates[:, :, first : first + _BLOCK] = np.fft.irfft(best, n_bins, axis=1)
    shares = chosen / chosen.sum()
    return templates, {s.name: float(share) for s, share in zip(smoothers, shares, strict=True)}


def _left_out_error(
    spectra: NDArray[np.complex64], smooth: NDArray[np.complex64], leverage: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the squared error of predicting each volume from the others, (n_volumes, n_bins, n_channels)."""
    rest = spectra - smooth
    weights = (1 / np.maximum(1 - leverage, 1e-3) ** 2).astype(np.float32)
    error: NDArray[np.float32] = (rest.real**2 + rest.imag**2) * weights[:, None, None]
    return error


def _is_less(error: NDArray[np.float32], least: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return where errors (n_volumes, n_bins, n_channels) are less beyond chance, (n_bins, n_channels)."""
    gain = least - error
    mean, spread = gain.mean(axis=0), gain.std(axis=0)
    is_less: NDArray[np.bool_] = mean > _SURE * spread / np.sqrt(len(gain))
    return is_less
