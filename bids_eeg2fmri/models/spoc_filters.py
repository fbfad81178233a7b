"""The spatial filters of source power comodulation, from covariances convolved with the canonical response.

Daehne et al. 2014, doi 10.1016/j.neuroimage.2013.07.079. The power of a component is w' C(t) w, so that its
covariance with a target z is w' Z w with Z the mean of z(t) C(t): the filters are generalised eigenvectors of
Z and the mean of C. Convolving C(t) with the haemodynamic response makes the power follow the BOLD's delay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.models.band_covariance import BandCovariance
from bids_eeg2fmri.models.band_power import last_frames
from bids_eeg2fmri.models.hrf import convolve_at, hrf_basis
from bids_eeg2fmri.models.packed_covariance import pack_covariances, pack_products, unpack_covariances
from bids_eeg2fmri.models.power_model import PRIOR_SECONDS
from bids_eeg2fmri.models.ridge_solver import Masks, stack_centred
from bids_eeg2fmri.models.training_data import learned_samples
from bids_eeg2fmri.records import AlignedRun, Floats

#: A channel with less power than this in a band (µV²) is dead: it gets no weight.
MIN_POWER = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comodulation:
    """What the filters of any part of the training runs are computed from.

    Attributes
    ----------
    convolved : tuple of array of float32, shape (n_bands, n_volumes, n_pairs), one per run
        Covariances of the channels (each of unit power) above their mean, convolved with the canonical
        response; packed.
    mean : array, shape (n_bands, n_channels, n_channels)
        Mean covariance of the channels, each of unit power.
    scale : array, shape (n_bands, n_channels)
        Root mean square of each channel, µV; infinite for a dead one.
    targets : tuple of array, shape (n_volumes, n_regions)
    """

    convolved: tuple[NDArray[np.float32], ...]
    mean: Floats
    scale: Floats
    targets: tuple[Floats, ...]

    def with_targets(self, masks: Masks) -> Floats:
        """Return the covariance of the channels' products with the targets over some volumes.

        Parameters
        ----------
        masks : sequence of array of bool, shape (n_volumes,)
            The volumes to learn from.

        Returns
        -------
        products : array, shape (n_bands, n_regions, n_channels, n_channels)
        """
        n_bands, n_channels = self.scale.shape
        z = stack_centred(self.targets, masks)
        with_target = np.zeros((n_bands, z.shape[1], self.convolved[0].shape[2]))
        for band in range(n_bands):
            kept = np.concatenate([c[band][m] for c, m in zip(self.convolved, masks, strict=True)])
            with_target[band] = z.T.astype(np.float32) @ kept / len(z)
        return unpack_covariances(with_target, n_channels)

    def filters(self, products: Floats, shrinkage: float, *, n_components: int) -> Floats:
        """Return the filters whose power follows the targets most closely.

        Parameters
        ----------
        products : array, shape (n_bands, n_regions, n_channels, n_channels)
            From :meth:`with_targets`.
        shrinkage : float
            From above 0 to 1.
        n_components : int
            Fewer where there are fewer channels.

        Returns
        -------
        filters : array, shape (n_bands, n_regions, n_components, n_channels)
            Largest absolute covariance first; of unit power where nothing is shrunk; the largest weight of
            each is positive.
        """
        n_bands, n_regions, n_channels, _ = products.shape
        n_kept = min(n_components, n_channels)
        filters = np.empty((n_bands, n_regions, n_kept, n_channels))
        for band in range(n_bands):
            whitening = _whitening(self.mean[band], shrinkage)
            values, vectors = np.linalg.eigh(whitening.T @ products[band] @ whitening)
            order = np.argsort(-np.abs(values), axis=1, kind="stable")[:, :n_kept]
            chosen = np.take_along_axis(vectors, order[:, None, :], axis=2)
            filters[band] = (whitening @ chosen).swapaxes(1, 2) / self.scale[band]
        largest = np.abs(filters).argmax(axis=-1)[..., None]
        signs = np.sign(np.take_along_axis(filters, largest, axis=-1))
        return filters * np.where(signs == 0, 1.0, signs)


def measure_comodulation(runs: Sequence[AlignedRun], covariances: Sequence[BandCovariance]) -> Comodulation:
    """Scale, centre and convolve the covariances of the training runs.

    Mean and scale are those of the windows of volumes of positive weight; none of it looks at the BOLD.
    """
    learned = [
        c.values[:, learned_samples(run, run.weights)[c.last_samples]]
        for run, c in zip(runs, covariances, strict=True)
    ]
    n_windows = max(sum(values.shape[1] for values in learned), 1)
    packed = np.sum([values.sum(axis=1, dtype=np.float64) for values in learned], axis=0) / n_windows
    mean = unpack_covariances(packed, len(runs[0].eeg))
    power = np.diagonal(mean, axis1=1, axis2=2)
    scale = np.where(power > MIN_POWER, np.sqrt(np.maximum(power, MIN_POWER)), np.inf)
    mean = mean / (scale[:, :, None] * scale[:, None, :])
    return Comodulation(
        convolved=tuple(_convolve(run, c, mean, scale) for run, c in zip(runs, covariances, strict=True)),
        mean=mean,
        scale=scale,
        targets=tuple(run.bold for run in runs),
    )


def _convolve(
    run: AlignedRun, covariance: BandCovariance, mean: Floats, scale: Floats
) -> NDArray[np.float32]:
    """Return the covariances above their mean at the volumes, as in Comodulation."""
    n_bands, _, n_pairs = covariance.values.shape
    convolved = np.empty((n_bands, run.n_volumes, n_pairs), dtype=np.float32)
    frames = last_frames(covariance.last_samples, run.volume_samples)
    basis = hrf_basis(covariance.step, names=("canonical",))
    prior_frames = round(PRIOR_SECONDS / covariance.step)
    for band in range(n_bands):
        above = covariance.values[band] / pack_products(scale[band]) - pack_covariances(mean[band])
        convolved[band] = convolve_at(above, frames, basis, prior_frames=prior_frames)[:, 0]
    return convolved


def _whitening(mean: Floats, shrinkage: float) -> Floats:
    """Return the matrix (n_channels, n_channels) that makes the shrunk covariance the identity."""
    shrunk = (1.0 - shrinkage) * mean + shrinkage * np.eye(len(mean))
    values, vectors = np.linalg.eigh(shrunk)
    return np.asarray(vectors / np.sqrt(np.maximum(values, 1e-12)))
