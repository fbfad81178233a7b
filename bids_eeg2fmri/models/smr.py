"""The mu rhythm over the hand areas, convolved with the canonical response: one weight per region."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.models.band_power import BandPower
from bids_eeg2fmri.models.hrf import hrf_basis
from bids_eeg2fmri.models.power_model import FittedPowerModel, pose_power_problem, prepare_power
from bids_eeg2fmri.models.ridge_solver import stack_centred
from bids_eeg2fmri.models.setting_checks import check_band, check_positive
from bids_eeg2fmri.models.training_data import check_training_runs
from bids_eeg2fmri.records import AlignedRun, Floats

#: The electrodes over the hand areas, in head coordinates (right, front, up), m: those of MNE-Python's
#: template of the 10-5 system on the Colin 27 head.
PLACES: Mapping[str, tuple[float, float, float]] = {
    "C3": (-0.067, 0.023, 0.104),
    "C4": (0.065, 0.024, 0.104),
}

#: No farther from its place than this may an electrode be that stands in, m: the neighbours in the 10-10
#: system lie 3.5 to 4 cm away, and heads differ.
MAX_DISTANCE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Smr:
    """Mean log power of the mu rhythm over C3 and C4, convolved with the canonical response.

    One weight per region, by least squares. A channel is found by its name in any case; where it is missing
    the electrode nearest to its place stands in.

    Attributes
    ----------
    band : (low, high)
        Hz.
    smoothing : float
        Seconds over which power is averaged before the logarithm.
    frame_rate : float
        Frames of log power per second.
    """

    name: ClassVar[str] = "smr"
    #: Every region has weights and choices of its own.
    regions_are_independent: ClassVar[bool] = True
    description: ClassVar[str] = (
        "Power of the mu rhythm over C3 and C4, convolved with the canonical haemodynamic response"
    )
    reference: ClassVar[str] = "Ritter et al. 2009, doi 10.1002/hbm.20585"

    band: tuple[float, float] = (8.0, 12.0)
    smoothing: float = 1.0
    frame_rate: float = 10.0

    def __post_init__(self) -> None:
        """Check the settings."""
        check_band(self.name, "band", self.band)
        check_positive(self.name, smoothing=self.smoothing, frame_rate=self.frame_rate)

    @property
    def bands(self) -> Mapping[str, tuple[float, float]]:
        """The one band, by name."""
        return {"mu": self.band}

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
            If the runs differ in channels or regions, leave too little to learn from, or have no electrode
            over a hand area.
        """
        del rng, device
        check_training_runs(runs, self.name)
        chosen = find_channels(runs[0])
        problem, level = pose_power_problem(self, runs, prepared)
        # A dead channel says nothing: the other one stands alone.
        shares = np.isin(np.arange(len(level)), chosen) & np.isfinite(problem.scale)
        shares = shares / max(shares.sum(), 1)
        raw = np.where(np.isfinite(problem.scale), problem.scale, 0.0) * shares
        x = stack_centred(problem.features, problem.masks) @ raw
        y = stack_centred(problem.targets, problem.masks)
        slope = x @ y / max(float(x @ x), 1e-12)
        return FittedPowerModel(
            options=self,
            level=level,
            weights=shares[:, None] * slope,
            feature_mean=problem.feature_mean,
            bold_mean=problem.bold_mean,
            penalties=np.zeros(len(slope)),
            region_names=runs[0].region_names,
        )

    def restore(self, tensors: Mapping[str, NDArray[Any]]) -> FittedPowerModel:
        """Return the trained model that :meth:`FittedPowerModel.tensors` described."""
        return FittedPowerModel.restore(self, tensors)

    def kernels(self, step: float) -> Floats:
        """Return the canonical response (1, n_taps) for frames ``step`` seconds apart."""
        return hrf_basis(step, names=("canonical",))


def find_channels(run: AlignedRun) -> tuple[int, ...]:
    """Return the index of C3 and of C4, or of the electrodes nearest to where they would be.

    Raises
    ------
    BadDataError
        If one is missing and no electrode of known position is near its place.
    """
    indices = {name.strip().upper(): k for k, name in reversed(list(enumerate(run.channel_names)))}
    found = []
    for name, place in PLACES.items():
        if name in indices:
            found.append(indices[name])
            continue
        distances = np.linalg.norm(run.positions - np.array(place), axis=1)
        near = np.flatnonzero(distances <= MAX_DISTANCE)  # NaN: unknown, and never near
        if not len(near):
            raise BadDataError(
                f"Model smr: {run.entities} has no channel {name} and none with a known position within "
                f"{100 * MAX_DISTANCE:g} cm of it; its channels are {', '.join(run.channel_names)}. Give "
                "the positions in electrodes.tsv, name the channels as in the 10-20 system, or use "
                "another model."
            )
        found.append(int(near[np.argmin(distances[near])]))
    return tuple(found)
