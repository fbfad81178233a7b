"""Logistic regression on log band power convolved with haemodynamic responses: levels of the BOLD."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.models.band_power import DEFAULT_BANDS, BandPower, measure_band_power
from bids_eeg2fmri.models.class_probabilities import class_probabilities
from bids_eeg2fmri.models.hrf import BASIS_NAMES, hrf_basis
from bids_eeg2fmri.models.inner_folds import inner_folds
from bids_eeg2fmri.models.level_solver import LinearLogits, LogisticProblem
from bids_eeg2fmri.models.linear_problem import feature_scale
from bids_eeg2fmri.models.power_model import mean_level, power_features
from bids_eeg2fmri.models.setting_checks import check_bands, check_basis, check_penalties, check_positive
from bids_eeg2fmri.models.training_data import check_channels, check_training_runs
from bids_eeg2fmri.records import AlignedRun, Floats, Labels


@dataclass(frozen=True, slots=True, kw_only=True)
class Logistic:
    """The features of ``ridge``, classified by regularised logistic regression.

    Attributes
    ----------
    bands, basis, smoothing, frame_rate
        As of ``ridge``.
    penalties : tuple of float
        Tried for every region by inner cross-validation, in units of the mean square of the features.
    ordinal : bool
        Whether levels are known to be ordered: one slope and a cut between each two. Else one slope for each
        level, which needs far more data.
    """

    name: ClassVar[str] = "logistic"
    description: ClassVar[str] = (
        "Logistic regression on the log band power of all channels, convolved with haemodynamic responses"
    )
    reference: ClassVar[str] = "McCullagh 1980, doi 10.1111/j.2517-6161.1980.tb01109.x"
    #: The regression on the same features.
    regressor: ClassVar[str] = "ridge"

    bands: Mapping[str, tuple[float, float]] = field(default_factory=lambda: dict(DEFAULT_BANDS))
    basis: tuple[str, ...] = BASIS_NAMES
    smoothing: float = 1.0
    frame_rate: float = 10.0
    penalties: tuple[float, ...] = tuple(10.0**k for k in np.arange(-1.0, 3.01, 0.5))
    ordinal: bool = True

    def __post_init__(self) -> None:
        """Check the settings."""
        check_bands(self.name, self.bands)
        check_basis(self.name, self.basis)
        check_positive(self.name, smoothing=self.smoothing, frame_rate=self.frame_rate)
        check_penalties(self.name, self.penalties)

    def fit_classes(
        self,
        runs: Sequence[AlignedRun],
        labels: Sequence[Labels],
        *,
        n_classes: int,
        balance: bool,
        rng: np.random.Generator,
        device: str = "cpu",
    ) -> FittedLogistic:
        """Learn from whole runs; see :class:`~bids_eeg2fmri.registry.Classifier`. Nothing is drawn.

        Raises
        ------
        BadDataError
            If the runs differ in channels or regions, or leave too little to learn from.
        """
        del rng, device
        check_training_runs(runs, self.name)
        powers = [self.band_power(run) for run in runs]
        level = mean_level(runs, powers)
        features = [power_features(self, run, p, level) for run, p in zip(runs, powers, strict=True)]
        masks = [run.weights > 0 for run in runs]
        scale = feature_scale(features, masks)
        kept = np.concatenate([f[m] for f, m in zip(features, masks, strict=True)])
        mean = kept.mean(axis=0)
        scaled = [(f - mean) / scale for f in features]
        problem = LogisticProblem(n_classes=n_classes, ordinal=self.ordinal, balance=balance)
        folds = [
            (_rows(scaled, labels, train), _rows(scaled, labels, held_out))
            for train, held_out in inner_folds(runs)
        ]
        penalties = problem.choose_penalties(folds, self.penalties)
        found = problem.solve(*_rows(scaled, labels, masks), penalties=penalties)
        return FittedLogistic(
            options=self,
            level=level,
            feature_mean=mean,
            weights=found.weights / scale[:, None, None],
            offsets=found.offsets,
            penalties=penalties,
        )

    def restore_classes(self, tensors: Mapping[str, NDArray[Any]]) -> FittedLogistic:
        """Return the trained classifier that :meth:`FittedLogistic.tensors` described."""
        arrays = {name: np.asarray(tensors[name], dtype=np.float64) for name in FittedLogistic.ARRAYS}
        return FittedLogistic(options=self, **arrays)

    def kernels(self, step: float) -> Floats:
        """Return the haemodynamic filters (n_basis, n_taps) for frames ``step`` seconds apart."""
        return hrf_basis(step, names=self.basis)

    def band_power(self, run: AlignedRun) -> BandPower:
        """Return the log band power of a run."""
        return measure_band_power(
            run.eeg, run.sfreq, bands=self.bands, frame_rate=self.frame_rate, smoothing=self.smoothing
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedLogistic:
    """A trained :class:`Logistic`.

    Attributes
    ----------
    level : array, shape (n_channels, n_bands)
        Mean log power in training.
    feature_mean : array, shape (n_features,)
    weights : array, shape (n_features, n_regions, n_slopes)
    offsets : array, shape (n_regions, n_logits)
    penalties : array, shape (n_regions,)
        What the inner cross-validation chose.
    """

    ARRAYS: ClassVar[tuple[str, ...]] = ("level", "feature_mean", "weights", "offsets", "penalties")

    options: Logistic
    level: Floats
    feature_mean: Floats
    weights: Floats
    offsets: Floats
    penalties: Floats

    def predict(self, run: AlignedRun) -> Floats:
        """Return the probability of each level, (n_volumes, n_regions, n_classes)."""
        check_channels(run, len(self.level), self.options.name)
        features = power_features(self.options, run, self.options.band_power(run), self.level)
        linear = LinearLogits(weights=self.weights, offsets=self.offsets)
        return class_probabilities(linear.logits(features - self.feature_mean), ordinal=self.options.ordinal)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return all that :meth:`Logistic.restore_classes` needs, by name."""
        return {name: np.array(getattr(self, name)) for name in self.ARRAYS}


def _rows(
    features: Sequence[Floats], labels: Sequence[Labels], weights: Sequence[NDArray[Any]]
) -> tuple[Floats, Labels]:
    """Return features and labels of the volumes of positive weight, over all runs."""
    return (
        np.concatenate([f[w > 0] for f, w in zip(features, weights, strict=True)]),
        np.concatenate([y[w > 0] for y, w in zip(labels, weights, strict=True)]),
    )
