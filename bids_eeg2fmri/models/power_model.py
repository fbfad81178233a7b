"""What all models that are linear in log band power share: their features, and the trained model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.models.band_power import BandPower, measure_band_power
from bids_eeg2fmri.models.hrf import convolve_at
from bids_eeg2fmri.models.linear_problem import LinearProblem, pose_problem
from bids_eeg2fmri.models.training_data import (
    check_channels,
    check_training_runs,
    decode_names,
    encode_names,
    learned_samples,
)
from bids_eeg2fmri.records import AlignedRun, Floats, SpatialFilters

#: How long the training mean outweighs what a run has shown of itself (see ``convolve_at``), s.
PRIOR_SECONDS = 5.0


class PowerSettings(Protocol):
    """What a model must say for its features to be made: log power, convolved with every kernel."""

    name: ClassVar[str]

    @property
    def bands(self) -> Mapping[str, tuple[float, float]]:
        """Name to (low, high), Hz."""

    @property
    def smoothing(self) -> float:
        """Seconds over which power is averaged before the logarithm."""

    @property
    def frame_rate(self) -> float:
        """Frames of log power per second."""

    def kernels(self, step: float) -> Floats:
        """Return causal filters (n_kernels, n_taps), the present first, for frames ``step`` seconds apart."""


def prepare_power(settings: PowerSettings, run: AlignedRun) -> BandPower:
    """Return the log band power of a run: what is computed once, whatever is learned from it."""
    return measure_band_power(
        run.eeg,
        run.sfreq,
        bands=settings.bands,
        frame_rate=settings.frame_rate,
        smoothing=settings.smoothing,
    )


def pose_power_problem(
    settings: PowerSettings, runs: Sequence[AlignedRun], prepared: Sequence[BandPower] | None = None
) -> tuple[LinearProblem, Floats]:
    """Measure the features of the training runs.

    ``prepared`` is what :func:`prepare_power` returned for each run; computed if missing.

    Returns
    -------
    problem : LinearProblem
        Features in the order kernels x channels x bands.
    level : array, shape (n_channels, n_bands)
        Mean log power over the volumes that are learned from.

    Raises
    ------
    BadDataError
        If the runs differ in channels or regions, or leave too little to learn from.
    """
    check_training_runs(runs, settings.name)
    powers = [prepare_power(settings, run) for run in runs] if prepared is None else prepared
    level = mean_level(runs, powers)
    features = [power_features(settings, run, p, level) for run, p in zip(runs, powers, strict=True)]
    return pose_problem(runs, features), level


def power_features(settings: PowerSettings, run: AlignedRun, power: BandPower, level: Floats) -> Floats:
    """Return (n_volumes, n_kernels x n_channels x n_bands): log power above its level, convolved."""
    return convolve_power(run, power, level, settings.kernels(power.step))


def convolve_power(run: AlignedRun, power: BandPower, level: Floats, kernels: Floats) -> Floats:
    """Return (n_volumes, n_kernels x n_channels x n_bands): log power above its level, convolved.

    ``level`` is (n_channels, n_bands), ``kernels`` (n_kernels, n_taps).
    """
    log_power = power.log_power - level
    convolved = convolve_at(
        log_power.reshape(len(log_power), level.size),
        power.frames_at(run.volume_samples),
        kernels,
        prior_frames=round(PRIOR_SECONDS / power.step),
    )
    return convolved.reshape(run.n_volumes, len(kernels) * level.size)


def mean_level(runs: Sequence[AlignedRun], powers: Sequence[BandPower]) -> Floats:
    """Return the mean log power (n_channels, n_bands) over the frames of volumes that are learned from."""
    frames = [
        power.log_power[learned_samples(run, run.weights)[power.last_samples]]
        for run, power in zip(runs, powers, strict=True)
    ]
    pooled = np.concatenate(frames)
    return np.asarray(pooled.mean(axis=0)) if len(pooled) else np.zeros(pooled.shape[1:])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedPowerModel:
    """A trained model that is linear in log band power.

    Attributes
    ----------
    level : array, shape (n_channels, n_bands)
        Mean log power in training.
    weights : array, shape (n_kernels x n_channels x n_bands, n_regions)
        Percent signal change per unit of feature.
    feature_mean : array, shape (n_kernels x n_channels x n_bands,)
    bold_mean : array, shape (n_regions,)
    penalties : array, shape (n_regions,)
        What the inner cross-validation chose; 0 in a model without.
    """

    ARRAYS: ClassVar[tuple[str, ...]] = ("level", "weights", "feature_mean", "bold_mean", "penalties")

    options: PowerSettings
    level: Floats
    weights: Floats
    feature_mean: Floats
    bold_mean: Floats
    penalties: Floats
    region_names: tuple[str, ...]

    @classmethod
    def restore(cls, options: PowerSettings, tensors: Mapping[str, NDArray[Any]]) -> FittedPowerModel:
        """Return the trained model that :meth:`tensors` described."""
        return cls(
            options=options,
            region_names=decode_names(tensors["region_names"]),
            **{name: np.asarray(tensors[name], dtype=np.float64) for name in cls.ARRAYS},
        )

    def predict(self, run: AlignedRun, *, prepared: BandPower | None = None) -> Floats:
        """Return (n_volumes, n_regions) percent signal change, from the EEG up to each volume's sample.

        ``prepared`` is what :func:`prepare_power` returned for the run; computed if missing.
        """
        check_channels(run, len(self.level), self.options.name)
        power = prepare_power(self.options, run) if prepared is None else prepared
        features = power_features(self.options, run, power, self.level)
        return np.asarray((features - self.feature_mean) @ self.weights + self.bold_mean)

    def spatial_filters(self) -> SpatialFilters:
        """Return one row per region and band: the BOLD that a lasting change of log power leads to.

        The weights over the kernels are summed times the area of each kernel: the response to a change of
        one unit (a factor e of power) that stays, once the haemodynamics have settled.
        """
        n_channels, n_bands = self.level.shape
        areas = self.options.kernels(1.0 / self.options.frame_rate).sum(axis=1)
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
        """Return all that :meth:`restore` needs, by name."""
        arrays = {name: np.array(getattr(self, name)) for name in self.ARRAYS}
        return {**arrays, "region_names": encode_names(self.region_names)}
