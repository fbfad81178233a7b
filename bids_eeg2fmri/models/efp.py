"""The electrical fingerprint: one electrode's bands over the last seconds, weighted by ridge regression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.models.band_power import BandPower
from bids_eeg2fmri.models.hrf import delay_basis
from bids_eeg2fmri.models.linear_problem import LinearProblem
from bids_eeg2fmri.models.power_model import FittedPowerModel, pose_power_problem, prepare_power
from bids_eeg2fmri.models.ridge_solver import cross_validated_errors, fit_ridge
from bids_eeg2fmri.models.setting_checks import check_bands, check_delays, check_penalties, check_positive
from bids_eeg2fmri.records import AlignedRun, Floats

#: Edges of ten bands, narrow where the rhythms of the EEG are, Hz.
EDGES = (2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 15.0, 19.0, 24.0, 30.0, 40.0)


def narrow_bands() -> dict[str, tuple[float, float]]:
    """Return the ten bands by name."""
    return {f"{low:g}-{high:g} Hz": (low, high) for low, high in pairwise(EDGES)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Efp:
    """Log power of one electrode in ten bands at the delays of the last 12 s, weighted by ridge regression.

    Each region has its own electrode and penalty, those with the least error in inner cross-validation. The
    published method takes its bands from a Stockwell transform, which looks ahead; here they are causal
    Butterworth filters, as in the other models.

    Attributes
    ----------
    bands : mapping of name to (low, high)
        Hz.
    duration : float
        How far back the delays reach, s.
    spacing : float
        Seconds that each delay averages over.
    smoothing : float
        Seconds over which power is averaged before the logarithm.
    frame_rate : float
        Frames of log power per second.
    penalties : tuple of float
        In units of the mean eigenvalue of the Gram matrix of one electrode's features.
    """

    name: ClassVar[str] = "efp"
    #: Every region has weights and choices of its own.
    regions_are_independent: ClassVar[bool] = True
    description: ClassVar[str] = (
        "Electrical fingerprint: band power of the best electrode over the last 12 s, ridge regression"
    )
    reference: ClassVar[str] = (
        "Meir-Hasson et al. 2014, doi 10.1016/j.neuroimage.2013.11.004; "
        "Keynan et al. 2016, Biol Psychiatry 80:490-496"
    )

    bands: Mapping[str, tuple[float, float]] = field(default_factory=narrow_bands)
    duration: float = 12.0
    spacing: float = 1.0
    smoothing: float = 1.0
    frame_rate: float = 4.0
    penalties: tuple[float, ...] = tuple(10.0**k for k in np.arange(-2.0, 4.01, 0.5))

    def __post_init__(self) -> None:
        """Check the settings."""
        check_bands(self.name, self.bands)
        check_delays(self.name, duration=self.duration, spacing=self.spacing)
        check_positive(self.name, smoothing=self.smoothing, frame_rate=self.frame_rate)
        check_penalties(self.name, self.penalties)

    def prepare(self, run: AlignedRun) -> BandPower:
        """Return what is computed once per run, whatever is learned from it."""
        return prepare_power(self, run)

    def fit(
        self,
        runs: Sequence[AlignedRun],
        *,
        rng: np.random.Generator,
        device: str = "cpu",
        prepared: Sequence[BandPower] | None = None,
    ) -> FittedPowerModel:
        """Learn from whole runs; volumes of weight 0 are not looked at.

        Parameters
        ----------
        runs : sequence of AlignedRun
        rng, device
            Not used.
        prepared : sequence of BandPower, optional
            What :meth:`prepare` returned for each run; computed if missing.

        Raises
        ------
        BadDataError
            If the runs differ in channels or regions, or leave too little to learn from.
        """
        del rng, device
        problem, level = pose_power_problem(self, runs, prepared)
        columns = np.arange(problem.scale.size).reshape(-1, *level.shape)  # (n_delays, n_channels, n_bands)
        columns = columns.swapaxes(0, 1).reshape(len(level), -1)  # (n_channels, n_delays x n_bands)
        electrodes, penalties = self._choose(problem, columns)
        weights = np.zeros((problem.scale.size, len(electrodes)))
        for electrode in np.unique(electrodes):
            regions, own = electrodes == electrode, columns[electrode]
            fitted = fit_ridge(
                [x[:, own] for x in problem.features],
                [y[:, regions] for y in problem.targets],
                problem.masks,
                penalties=penalties[regions],
            )
            weights[np.ix_(own, regions)] = fitted / problem.scale[own, None]
        return FittedPowerModel(
            options=self,
            level=level,
            weights=weights,
            feature_mean=problem.feature_mean,
            bold_mean=problem.bold_mean,
            penalties=penalties,
            region_names=runs[0].region_names,
        )

    def restore(self, tensors: Mapping[str, NDArray[Any]]) -> FittedPowerModel:
        """Return the trained model that :meth:`FittedPowerModel.tensors` described."""
        return FittedPowerModel.restore(self, tensors)

    def kernels(self, step: float) -> Floats:
        """Return the delays (n_delays, n_taps) for frames ``step`` seconds apart."""
        return delay_basis(step, duration=self.duration, spacing=self.spacing)

    def _choose(self, problem: LinearProblem, columns: NDArray[np.int64]) -> tuple[NDArray[np.int64], Floats]:
        """Return the electrode and the penalty (n_regions,) with the least error in the inner folds.

        A dead electrode is not chosen while there is another: it would win wherever nothing can be predicted.
        """
        alive = np.flatnonzero(np.isfinite(problem.scale[columns]).any(axis=1))
        candidates = alive if len(alive) else np.arange(len(columns))
        tried = np.array(self.penalties)
        errors = np.stack(
            [
                cross_validated_errors(
                    [x[:, columns[electrode]] for x in problem.features],
                    problem.targets,
                    folds=problem.folds,
                    penalties=tried,
                )
                for electrode in candidates
            ]
        )  # (n_candidates, n_penalties, n_regions)
        best = errors.reshape(-1, errors.shape[2]).argmin(axis=0)
        electrode, penalty = np.divmod(best, len(tried))
        return candidates[electrode], tried[penalty]
