"""Sparse group lasso on the log band power of all channels at several delays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.errors import UsageError
from bids_eeg2fmri.models.band_power import DEFAULT_BANDS, BandPower
from bids_eeg2fmri.models.hrf import delay_basis
from bids_eeg2fmri.models.power_model import FittedPowerModel, pose_power_problem, prepare_power
from bids_eeg2fmri.models.ridge_solver import Masks, stack_centred
from bids_eeg2fmri.models.setting_checks import check_bands, check_delays, check_penalties, check_positive
from bids_eeg2fmri.models.sparse_group_lasso import solve_path
from bids_eeg2fmri.records import AlignedRun, Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Sgl:
    """Log power of channels x bands x delays, weighted by the sparse group lasso.

    A group is one band of one channel at all its delays. The penalty of each region is chosen by inner
    cross-validation.

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
    sparsity : float
        From 0 (whole groups are left out) to 1 (single delays are).
    penalties : tuple of float
        Shares, below 1, of the smallest penalty that leaves out everything.
    """

    name: ClassVar[str] = "sgl"
    description: ClassVar[str] = "Sparse group lasso on the log band power of all channels at several delays"
    reference: ClassVar[str] = "arXiv 2504.10752; Simon et al. 2013, doi 10.1080/10618600.2012.681250"

    bands: Mapping[str, tuple[float, float]] = field(default_factory=lambda: dict(DEFAULT_BANDS))
    duration: float = 14.0
    spacing: float = 2.0
    smoothing: float = 1.0
    frame_rate: float = 4.0
    sparsity: float = 0.2
    penalties: tuple[float, ...] = (0.7, 0.5, 0.35, 0.25, 0.17, 0.12, 0.08, 0.05)

    def __post_init__(self) -> None:
        """Check the settings."""
        check_bands(self.name, self.bands)
        check_delays(self.name, duration=self.duration, spacing=self.spacing)
        check_positive(self.name, smoothing=self.smoothing, frame_rate=self.frame_rate)
        check_penalties(self.name, self.penalties)
        if max(self.penalties) >= 1:
            raise UsageError(f"sgl: penalties is {list(self.penalties)}; expected shares below 1.")
        if not 0 <= self.sparsity <= 1:
            raise UsageError(f"sgl: sparsity is {self.sparsity:g}; expected a number from 0 to 1.")

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
        # From delays x channels x bands to one group after the other.
        order = np.arange(problem.scale.size).reshape(-1, level.size).T.ravel()
        features = [x[:, order] for x in problem.features]
        shares = np.sort(np.array(self.penalties))[::-1]

        def path(masks: Masks) -> Iterator[Floats]:
            return solve_path(
                stack_centred(features, masks),
                stack_centred(problem.targets, masks),
                n_groups=level.size,
                sparsity=self.sparsity,
                shares=shares,
            )

        held_out = [
            (stack_centred(features, masks), stack_centred(problem.targets, masks))
            for _, masks in problem.folds
        ]
        chosen = _choose([path(train) for train, _ in problem.folds], held_out, n_shares=len(shares))
        weights = np.empty((len(order), len(chosen)))
        for k, solution in enumerate(path(problem.masks)):
            weights[np.ix_(order, chosen == k)] = solution[:, chosen == k]
            if k == chosen.max():
                break
        return FittedPowerModel(
            options=self,
            level=level,
            weights=weights / problem.scale[:, None],
            feature_mean=problem.feature_mean,
            bold_mean=problem.bold_mean,
            penalties=shares[chosen],
            region_names=runs[0].region_names,
        )

    def restore(self, tensors: Mapping[str, NDArray[Any]]) -> FittedPowerModel:
        """Return the trained model that :meth:`FittedPowerModel.tensors` described."""
        return FittedPowerModel.restore(self, tensors)

    def kernels(self, step: float) -> Floats:
        """Return the delays (n_delays, n_taps) for frames ``step`` seconds apart."""
        return delay_basis(step, duration=self.duration, spacing=self.spacing)


def _choose(
    paths: Sequence[Iterator[Floats]], held_out: Sequence[tuple[Floats, Floats]], *, n_shares: int
) -> NDArray[np.int64]:
    """Return which step of the path (n_regions,) has the least error on the held-out parts.

    The folds go down their paths together, and stop once two steps have made no region better: the steps
    that follow fit noise and take the longest.

    Parameters
    ----------
    paths : sequence of iterator
        Of each fold: weights (n_features, n_regions), penalty after penalty.
    held_out : sequence of (features, targets)
        Of each fold, (n_rows, n_features) and (n_rows, n_regions), centred.
    """
    errors = np.full((n_shares, held_out[0][1].shape[1]), np.inf)
    for k, solutions in enumerate(zip(*paths, strict=True)):
        errors[k] = sum(
            np.square(y - x @ weights).sum(axis=0)
            for (x, y), weights in zip(held_out, solutions, strict=True)
        )
        if k >= 2 and np.all(errors[: k - 1].min(axis=0) <= errors[k - 1 : k + 1].min(axis=0)):
            break
    return np.asarray(errors.argmin(axis=0))
