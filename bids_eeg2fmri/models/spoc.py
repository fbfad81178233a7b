"""Source power comodulation: spatial filters whose power follows the BOLD, then ridge regression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.errors import UsageError
from bids_eeg2fmri.models.band_covariance import BandCovariance, measure_band_covariance
from bids_eeg2fmri.models.band_power import DEFAULT_BANDS
from bids_eeg2fmri.models.hrf import BASIS_NAMES, hrf_basis
from bids_eeg2fmri.models.inner_folds import inner_folds
from bids_eeg2fmri.models.linear_problem import feature_scale, pose_problem
from bids_eeg2fmri.models.power_model import convolve_power, mean_level
from bids_eeg2fmri.models.ridge_solver import cross_validated_errors, fit_ridge
from bids_eeg2fmri.models.setting_checks import check_bands, check_basis, check_penalties, check_positive
from bids_eeg2fmri.models.spoc_filters import Comodulation, measure_comodulation
from bids_eeg2fmri.models.training_data import (
    check_channels,
    check_training_runs,
    decode_names,
    encode_names,
)
from bids_eeg2fmri.records import AlignedRun, Floats, SpatialFilters

Masks = Sequence[NDArray[np.bool_]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoc:
    """Source power comodulation (SPoC) with the BOLD of each region, then ridge regression.

    In every band, the filters of a region are those whose power, convolved with the canonical response,
    covaries most with its BOLD. The logarithm of the components' power is convolved with a haemodynamic basis
    and weighted by ridge regression. Shrinkage and penalty of each region are chosen by inner
    cross-validation, in which the filters are learned anew in every fold.

    Attributes
    ----------
    bands : mapping of name to (low, high)
        Hz.
    n_components : int
        Filters per region and band, those with the largest absolute covariance.
    shrinkages : tuple of float
        How far the covariance of the channels, each scaled to unit power, is drawn towards the identity: from
        above 0 to 1. Without it the filters of a short recording fit noise.
    window : float
        Seconds over which each covariance is taken.
    basis : tuple of str
        Haemodynamic filters: ``canonical``, ``derivative``, ``dispersion``.
    penalties : tuple of float
        In units of the mean eigenvalue of the Gram matrix of the region's features.
    """

    name: ClassVar[str] = "spoc"
    description: ClassVar[str] = (
        "Spatial filters whose band power follows the BOLD (source power comodulation), ridge regression"
    )
    reference: ClassVar[str] = "Daehne et al. 2014, doi 10.1016/j.neuroimage.2013.07.079"

    bands: Mapping[str, tuple[float, float]] = field(default_factory=lambda: dict(DEFAULT_BANDS))
    n_components: int = 4
    shrinkages: tuple[float, ...] = (0.02, 0.1, 0.5)
    window: float = 0.5
    basis: tuple[str, ...] = BASIS_NAMES
    penalties: tuple[float, ...] = tuple(10.0**k for k in np.arange(-2.0, 4.01, 0.5))

    def __post_init__(self) -> None:
        """Check the settings."""
        check_bands(self.name, self.bands)
        check_basis(self.name, self.basis)
        check_positive(self.name, window=self.window)
        check_penalties(self.name, self.penalties)
        check_penalties(self.name, self.shrinkages, name="shrinkages")
        if max(self.shrinkages) > 1:
            raise UsageError(f"spoc: shrinkages is {list(self.shrinkages)}; expected numbers up to 1.")
        if not isinstance(self.n_components, int) or self.n_components < 1:
            raise UsageError(f"spoc: n_components is {self.n_components}; expected a whole number above 0.")

    def prepare(self, run: AlignedRun) -> BandCovariance:
        """Return what is computed once per run, whatever is learned from it: its covariances."""
        return measure_band_covariance(run.eeg, run.sfreq, bands=self.bands, window=self.window)

    def fit(
        self,
        runs: Sequence[AlignedRun],
        *,
        rng: np.random.Generator,
        device: str = "cpu",
        prepared: Sequence[BandCovariance] | None = None,
    ) -> FittedSpoc:
        """Learn from whole runs; volumes of weight 0 are not looked at.

        Parameters
        ----------
        runs : sequence of AlignedRun
        rng, device
            Not used.
        prepared : sequence of BandCovariance, optional
            What :meth:`prepare` returned for each run; computed if missing.

        Raises
        ------
        BadDataError
            If the runs differ in channels or regions, or leave too little to learn from.
        """
        del rng, device
        check_training_runs(runs, self.name)
        masks = [run.weights > 0 for run in runs]
        covariances = [self.prepare(run) for run in runs] if prepared is None else list(prepared)
        comodulation = measure_comodulation(runs, covariances)
        shrinkages, penalties = self._choose(runs, covariances, comodulation)
        products = comodulation.with_targets(masks)
        by_shrinkage = {
            s: comodulation.filters(products, s, n_components=self.n_components) for s in set(shrinkages)
        }
        filters = np.stack([by_shrinkage[s][:, k] for k, s in enumerate(shrinkages)], axis=1)
        features, level = self._features(runs, covariances, filters)
        problem = pose_problem(runs, features)
        weights = np.zeros((problem.scale.size, len(penalties)))
        for region, own in enumerate(self._columns(filters)):
            fitted = fit_ridge(
                [x[:, own] for x in problem.features],
                [y[:, [region]] for y in problem.targets],
                problem.masks,
                penalties=penalties[[region]],
            )
            weights[own, region] = fitted[:, 0] / problem.scale[own]
        return FittedSpoc(
            options=self,
            filters=filters,
            level=level,
            weights=weights,
            feature_mean=problem.feature_mean,
            bold_mean=problem.bold_mean,
            shrinkages=shrinkages,
            penalties=penalties,
            region_names=runs[0].region_names,
        )

    def restore(self, tensors: Mapping[str, NDArray[Any]]) -> FittedSpoc:
        """Return the trained model that :meth:`FittedSpoc.tensors` described."""
        return FittedSpoc(
            options=self,
            region_names=decode_names(tensors["region_names"]),
            **{name: np.asarray(tensors[name], dtype=np.float64) for name in FittedSpoc.ARRAYS},
        )

    def features(self, run: AlignedRun, covariance: BandCovariance, filters: Floats, level: Floats) -> Floats:
        """Return (n_volumes, n_basis x n_regions x n_components x n_bands), from filters as in FittedSpoc."""
        flat = filters.reshape(len(filters), -1, filters.shape[-1])
        power = covariance.component_power(flat)
        return convolve_power(run, power, level, hrf_basis(power.step, names=self.basis))

    def _features(
        self, runs: Sequence[AlignedRun], covariances: Sequence[BandCovariance], filters: Floats
    ) -> tuple[list[Floats], Floats]:
        """Return the features of the training runs, and the level (n_regions x n_components, n_bands)."""
        flat = filters.reshape(len(filters), -1, filters.shape[-1])
        level = mean_level(runs, [covariance.component_power(flat) for covariance in covariances])
        pairs = zip(runs, covariances, strict=True)
        return [self.features(run, covariance, filters, level) for run, covariance in pairs], level

    def _columns(self, filters: Floats) -> NDArray[np.int64]:
        """Return which features belong to each region, (n_regions, n_own)."""
        n_bands, n_regions, n_components, _ = filters.shape
        index = np.arange(len(self.basis) * n_regions * n_components * n_bands)
        by_region = index.reshape(len(self.basis), n_regions, -1).swapaxes(0, 1)
        return by_region.reshape(n_regions, -1)

    def _choose(
        self, runs: Sequence[AlignedRun], covariances: Sequence[BandCovariance], comodulation: Comodulation
    ) -> tuple[Floats, Floats]:
        """Return the shrinkage and the penalty (n_regions,) with the least error in the inner folds."""
        tried = np.array(self.penalties)
        errors = np.zeros((len(self.shrinkages), len(tried), len(runs[0].region_names)))
        for train_weights, held_out_weights in inner_folds(runs):
            train, held_out = [w > 0 for w in train_weights], [w > 0 for w in held_out_weights]
            products = comodulation.with_targets(train)
            for k, shrinkage in enumerate(self.shrinkages):
                filters = comodulation.filters(products, shrinkage, n_components=self.n_components)
                features, _ = self._features(runs, covariances, filters)
                scale = feature_scale(features, train)
                scaled = [values / scale for values in features]
                for region, own in enumerate(self._columns(filters)):
                    errors[k, :, region] += cross_validated_errors(
                        [x[:, own] for x in scaled],
                        [run.bold[:, [region]] for run in runs],
                        folds=[(train, held_out)],
                        penalties=tried,
                    )[:, 0]
        best = errors.reshape(-1, errors.shape[2]).argmin(axis=0)
        shrinkage_index, penalty_index = np.divmod(best, len(tried))
        return np.array(self.shrinkages)[shrinkage_index], tried[penalty_index]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedSpoc:
    """A trained :class:`Spoc`.

    Attributes
    ----------
    filters : array, shape (n_bands, n_regions, n_components, n_channels)
        Per µV.
    level : array, shape (n_regions x n_components, n_bands)
        Mean log power of the components in training.
    weights : array, shape (n_basis x n_regions x n_components x n_bands, n_regions)
        Percent signal change per unit of feature; 0 from the features of one region to another.
    feature_mean : array, shape (n_basis x n_regions x n_components x n_bands,)
    bold_mean : array, shape (n_regions,)
    shrinkages, penalties : array, shape (n_regions,)
        What the inner cross-validation chose.
    """

    ARRAYS: ClassVar[tuple[str, ...]] = (
        "filters",
        "level",
        "weights",
        "feature_mean",
        "bold_mean",
        "shrinkages",
        "penalties",
    )

    options: Spoc
    filters: Floats
    level: Floats
    weights: Floats
    feature_mean: Floats
    bold_mean: Floats
    shrinkages: Floats
    penalties: Floats
    region_names: tuple[str, ...]

    def predict(self, run: AlignedRun, *, prepared: BandCovariance | None = None) -> Floats:
        """Return (n_volumes, n_regions) percent signal change, from the EEG up to each volume's sample.

        ``prepared`` is what :meth:`Spoc.prepare` returned for the run; computed if missing.
        """
        check_channels(run, self.filters.shape[-1], self.options.name)
        covariance = self.options.prepare(run) if prepared is None else prepared
        features = self.options.features(run, covariance, self.filters, self.level)
        return np.asarray((features - self.feature_mean) @ self.weights + self.bold_mean)

    def spatial_filters(self) -> SpatialFilters:
        """Return all filters: first components before second ones, then by region and band."""
        _, n_regions, n_components, n_channels = self.filters.shape
        bands = np.array(list(self.options.bands.values()), dtype=float)
        return SpatialFilters(
            names=tuple(
                f"{band} {k + 1} ({region})"
                for k in range(n_components)
                for region in self.region_names
                for band in self.options.bands
            ),
            weights=self.filters.transpose(2, 1, 0, 3).reshape(-1, n_channels),
            domain="amplitude",
            bands=np.tile(bands, (n_components * n_regions, 1)),
        )

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return all that :meth:`Spoc.restore` needs, by name."""
        arrays = {name: np.array(getattr(self, name)) for name in self.ARRAYS}
        return {**arrays, "region_names": encode_names(self.region_names)}
