"""Ridge regression on log band power convolved with haemodynamic responses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.models.band_power import DEFAULT_BANDS, BandPower
from bids_eeg2fmri.models.hrf import BASIS_NAMES, hrf_basis
from bids_eeg2fmri.models.power_model import FittedPowerModel, pose_power_problem, prepare_power
from bids_eeg2fmri.models.ridge_solver import solve_ridge
from bids_eeg2fmri.models.setting_checks import check_bands, check_basis, check_penalties, check_positive
from bids_eeg2fmri.records import AlignedRun, Floats


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
    #: Every region has weights and choices of its own.
    regions_are_independent: ClassVar[bool] = True
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
        check_bands(self.name, self.bands)
        check_basis(self.name, self.basis)
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
        rng : Generator
            Not used: nothing is drawn.
        device : str
            Not used: the solution takes a fraction of a second on any processor.
        prepared : sequence of BandPower, optional
            What :meth:`prepare` returned for each run; computed if missing.

        Raises
        ------
        BadDataError
            If the runs differ in channels or regions, or leave too little to learn from.
        """
        del rng, device
        problem, level = pose_power_problem(self, runs, prepared)
        weights, chosen = solve_ridge(
            problem.features,
            problem.targets,
            problem.masks,
            folds=problem.folds,
            penalties=np.array(self.penalties),
        )
        return FittedPowerModel(
            options=self,
            level=level,
            weights=weights / problem.scale[:, None],
            feature_mean=problem.feature_mean,
            bold_mean=problem.bold_mean,
            penalties=chosen,
            region_names=runs[0].region_names,
        )

    def restore(self, tensors: Mapping[str, NDArray[Any]]) -> FittedPowerModel:
        """Return the trained model that :meth:`FittedPowerModel.tensors` described."""
        return FittedPowerModel.restore(self, tensors)

    def kernels(self, step: float) -> Floats:
        """Return the haemodynamic filters (n_basis, n_taps) for frames ``step`` seconds apart."""
        return hrf_basis(step, names=self.basis)
