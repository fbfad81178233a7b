"""Ridge regression on log band power convolved with haemodynamic responses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.errors import UsageError
from bids_eeg2fmri.models.band_power import DEFAULT_BANDS, BandPower, measure_band_power
from bids_eeg2fmri.models.hrf import BASIS_NAMES, convolve_at, hrf_basis
from bids_eeg2fmri.models.inner_folds import inner_folds
from bids_eeg2fmri.models.ridge_solver import solve_ridge
from bids_eeg2fmri.models.training_data import (
    check_channels,
    check_training_runs,
    decode_names,
    encode_names,
    learned_samples,
)
from bids_eeg2fmri.records import AlignedRun, SpatialFilters

Floats = NDArray[np.float64]

#: How long the training mean outweighs what a run has shown of itself (see ``convolve_at``), s.
PRIOR_SECONDS = 5.0

#: A feature that varies less than this (log µV²) is that of a dead channel, and is not used.
MIN_DEVIATION = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Ridge:
    """Log band power of all channels, convolved with an HRF basis, weighted by ridge regression.

    Attributes
    ----------
    bands : mapping of name to (low, high)
        Hz.
    basis : tuple of str
        Haemodynamic filters: ``canonical``, ``derivative``, ``dispersion``.
    smoothing : float
        Seconds over which power is averaged before the logarithm.
    frame_rate : float
        Frames of log power per second.
    penalties : tuple of float
        Tried for every region by inner cross-validation, in units of the mean eigenvalue of the Gram matrix
        of the features.
    """

    name: ClassVar[str] = "ridge"
    description: ClassVar[str] = (
        "Ridge regression on the log band power of all channels, convolved with haemodynamic responses"
    )
    reference: ClassVar[str] = "Hoerl & Kennard 1970, doi 10.1080/00401706.1970.10488634"

    bands: Mapping[str, tuple[float, float]] = field(default_factory=lambda: dict(DEFAULT_BANDS))
    basis: tuple[str, ...] = BASIS_NAMES
    smoothing: float = 1.0
    frame_rate: float = 10.0
    penalties: tuple[float, ...] = tuple(10.0**k for k in np.arange(-2.0, 4.01, 0.5))

    def __post_init__(self) -> None:
        """Check the settings."""
        for name, band in self.bands.items():
            if len(band) != 2 or not 0 < band[0] < band[1]:
                raise UsageError(
                    f"ridge: band '{name}' is {tuple(band)}; expected (low, high) in Hz with 0 < low < high."
                )
        if not self.bands:
            raise UsageError("ridge: bands is empty; give at least one band as name = [low, high] in Hz.")
        unknown = [name for name in self.basis if name not in BASIS_NAMES]
        if unknown or not self.basis:
            raise UsageError(
                f"ridge: basis is {list(self.basis)}; expected one or more of {', '.join(BASIS_NAMES)}."
            )
        if self.smoothing <= 0 or self.frame_rate <= 0:
            raise UsageError(
                f"ridge: smoothing is {self.smoothing:g} s and frame_rate {self.frame_rate:g} Hz; "
                "both must be above 0."
            )
        if not self.penalties or min(self.penalties) <= 0:
            raise UsageError(
                f"ridge: penalties is {list(self.penalties)}; expected one or more numbers above 0."
            )

    def fit(
        self, runs: Sequence[AlignedRun], *, rng: np.random.Generator, device: str = "cpu"
    ) -> FittedRidge:
        """Learn from whole runs; volumes of weight 0 are not looked at.

        Parameters
        ----------
        runs : sequence of AlignedRun
        rng : Generator
            Not used: nothing is drawn.
        device : str
            Not used: the solution takes a fraction of a second on any processor.

        Raises
        ------
        BadDataError
            If the runs differ in channels or regions, or leave too little to learn from.
        """
        del rng, device
        check_training_runs(runs, self.name)
        powers = [self.band_power(run) for run in runs]
        level = _mean_level(runs, powers)
        features = [self.features(run, power, level) for run, power in zip(runs, powers, strict=True)]
        masks = [run.weights > 0 for run in runs]
        used = [i for i, mask in enumerate(masks) if mask.any()]
        x_means = {i: features[i][masks[i]].mean(axis=0) for i in used}
        y_means = {i: runs[i].bold[masks[i]].mean(axis=0) for i in used}
        deviation = np.concatenate([features[i][masks[i]] - x_means[i] for i in used]).std(axis=0)
        scale = np.where(deviation > MIN_DEVIATION, deviation, np.inf)

        folds = inner_folds(runs)
        weights, chosen = solve_ridge(
            [features[i] / scale for i in used],
            [runs[i].bold for i in used],
            [masks[i] for i in used],
            folds=[([t[i] > 0 for i in used], [v[i] > 0 for i in used]) for t, v in folds],
            penalties=np.array(self.penalties),
        )
        counts = [masks[i].sum() for i in used]
        return FittedRidge(
            options=self,
            level=level,
            weights=weights / scale[:, None],
            feature_mean=np.average([x_means[i] for i in used], axis=0, weights=counts),
            bold_mean=np.average([y_means[i] for i in used], axis=0, weights=counts),
            penalties=chosen,
            region_names=runs[0].region_names,
        )

    def restore(self, tensors: Mapping[str, NDArray[Any]]) -> FittedRidge:
        """Return the trained model that :meth:`FittedRidge.tensors` described."""
        return FittedRidge(
            options=self,
            region_names=decode_names(tensors["region_names"]),
            **{name: np.asarray(tensors[name], dtype=np.float64) for name in FittedRidge.ARRAYS},
        )

    def band_power(self, run: AlignedRun) -> BandPower:
        """Return the log band power of a run."""
        return measure_band_power(
            run.eeg, run.sfreq, bands=self.bands, frame_rate=self.frame_rate, smoothing=self.smoothing
        )

    def features(self, run: AlignedRun, power: BandPower, level: Floats) -> Floats:
        """Return (n_volumes, n_basis x n_channels x n_bands): log power above its level, convolved."""
        log_power = power.log_power - level
        convolved = convolve_at(
            log_power.reshape(len(log_power), level.size),
            power.frames_at(run.volume_samples),
            hrf_basis(power.step, names=self.basis),
            prior_frames=round(PRIOR_SECONDS / power.step),
        )
        return convolved.reshape(run.n_volumes, len(self.basis) * level.size)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedRidge:
    """A trained :class:`Ridge`.

    Attributes
    ----------
    level : array, shape (n_channels, n_bands)
        Mean log power in training.
    weights : array, shape (n_basis x n_channels x n_bands, n_regions)
        Percent signal change per unit of feature.
    feature_mean : array, shape (n_basis x n_channels x n_bands,)
    bold_mean : array, shape (n_regions,)
    penalties : array, shape (n_regions,)
        What the inner cross-validation chose.
    """

    ARRAYS: ClassVar[tuple[str, ...]] = ("level", "weights", "feature_mean", "bold_mean", "penalties")

    options: Ridge
    level: Floats
    weights: Floats
    feature_mean: Floats
    bold_mean: Floats
    penalties: Floats
    region_names: tuple[str, ...]

    def predict(self, run: AlignedRun) -> Floats:
        """Return (n_volumes, n_regions) percent signal change, from the EEG up to each volume's sample."""
        check_channels(run, len(self.level), self.options.name)
        features = self.options.features(run, self.options.band_power(run), self.level)
        return np.asarray((features - self.feature_mean) @ self.weights + self.bold_mean)

    def spatial_filters(self) -> SpatialFilters:
        """Return one row per region and band: the BOLD that a lasting change of log power leads to.

        The weights over the haemodynamic filters are summed times the area of each filter: the response to a
        change of one unit (a factor e of power) that stays, once the haemodynamics have settled.
        """
        n_channels, n_bands = self.level.shape
        areas = hrf_basis(1.0 / self.options.frame_rate, names=self.options.basis).sum(axis=1)
        weights = self.weights.reshape(len(areas), n_channels, n_bands, len(self.region_names))
        steady = np.einsum("h,hcbr->rbc", areas, weights)
        return SpatialFilters(
            names=tuple(f"{region} {band}" for region in self.region_names for band in self.options.bands),
            weights=steady.reshape(-1, n_channels),
            domain="power",
            bands=np.tile(
                np.array(list(self.options.bands.values()), dtype=float), (len(self.region_names), 1)
            ),
        )

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return all that :meth:`Ridge.restore` needs, by name."""
        arrays = {name: np.array(getattr(self, name)) for name in self.ARRAYS}
        return {**arrays, "region_names": encode_names(self.region_names)}


def _mean_level(runs: Sequence[AlignedRun], powers: Sequence[BandPower]) -> Floats:
    """Return the mean log power (n_channels, n_bands) over the frames of volumes that are learned from."""
    frames = [
        power.log_power[learned_samples(run, run.weights)[power.last_samples]]
        for run, power in zip(runs, powers, strict=True)
    ]
    pooled = np.concatenate(frames)
    return np.asarray(pooled.mean(axis=0)) if len(pooled) else np.zeros(pooled.shape[1:])
