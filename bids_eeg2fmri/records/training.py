"""What models are trained and tested on, and what they predict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.records.recordings import Entities, SimultaneousRun, TaskEvent
from bids_eeg2fmri.records.shapes import Floats, check_shape
from bids_eeg2fmri.records.signals import CleanEeg, RegionSeries, RegionSignals, VolumeClock


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AlignedRun:
    """What a model sees of one run.

    Attributes
    ----------
    eeg : array, shape (n_channels, n_times)
        float32 microvolts at ``sfreq`` Hz.
    positions : array, shape (n_channels, 3)
        Head coordinates in metres, NaN where unknown.
    volume_samples : array of int64, shape (n_volumes,)
        The EEG sample at the moment each volume's values refer to. May lie outside the EEG (then the volume's
        weight is 0).
    tr : float
        Seconds from volume to volume.
    bold : array, shape (n_volumes, n_regions)
        Percent signal change.
    weights : array, shape (n_volumes,)
        0 for volumes that must not be learned from nor tested on.
    design : array, shape (n_volumes, n_regressors)
        Task conditions convolved with the canonical HRF and its time derivative.
    nuisance : array, shape (n_volumes, n_nuisance)
    events : tuple of TaskEvent
        Onsets in seconds on the EEG's clock.
    """

    entities: Entities
    eeg: NDArray[np.float32]
    sfreq: float
    channel_names: tuple[str, ...]
    positions: Floats
    volume_samples: NDArray[np.int64]
    tr: float
    bold: Floats
    region_names: tuple[str, ...]
    weights: Floats
    design: Floats
    design_names: tuple[str, ...]
    nuisance: Floats
    nuisance_names: tuple[str, ...]
    events: tuple[TaskEvent, ...] = ()

    def __post_init__(self) -> None:
        """Check shapes, and that no volume without EEG has weight."""
        check_shape(self, "eeg", (len(self.channel_names), None))
        check_shape(self, "positions", (len(self.channel_names), 3))
        check_shape(self, "volume_samples", (None,))
        n_volumes = len(self.volume_samples)
        check_shape(self, "bold", (n_volumes, len(self.region_names)))
        check_shape(self, "weights", (n_volumes,))
        check_shape(self, "design", (n_volumes, len(self.design_names)))
        check_shape(self, "nuisance", (n_volumes, len(self.nuisance_names)))
        outside = (self.volume_samples < 0) | (self.volume_samples >= self.eeg.shape[1])
        if np.any(self.weights[outside] != 0):
            raise ValueError("AlignedRun.weights: expected 0 for volumes outside the EEG.")

    @property
    def n_volumes(self) -> int:
        """Number of BOLD volumes."""
        return len(self.volume_samples)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedRun:
    """One run after both halves are cleaned and put on one clock, with what led there."""

    run: SimultaneousRun
    clock: VolumeClock
    eeg: CleanEeg
    signals: RegionSignals
    regions: RegionSeries
    aligned: AlignedRun


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Split:
    """One fold: which volumes of which runs are learned from and which are tested on.

    ``train`` and ``test`` hold one (n_volumes,) array of 0 and 1 per run, to multiply with the run's weights.
    """

    name: str
    unit: Literal["task", "session", "run", "block"]
    train: tuple[Floats, ...]
    test: tuple[Floats, ...]

    def __post_init__(self) -> None:
        """Check that no volume is on both sides."""
        if any(np.any((a > 0) & (b > 0)) for a, b in zip(self.train, self.test, strict=True)):
            raise ValueError(f"Split {self.name}: a volume is both learned from and tested on.")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Predictions:
    """What one model estimated for volumes it had not seen, over all runs of a participant.

    Attributes
    ----------
    model : str
    values : tuple of array, shape (n_volumes, n_regions), one per run
        Percent signal change; NaN where no fold tested.
    training_means : tuple of array, shape (n_volumes, n_regions), one per run
        The mean BOLD of the training volumes of the fold that tested each volume: what R² compares with.
    folds : tuple of array of int64, shape (n_volumes,), one per run
        The fold that tested each volume, -1 for none.
    """

    model: str
    values: tuple[Floats, ...]
    training_means: tuple[Floats, ...]
    folds: tuple[NDArray[np.int64], ...]
    #: What was held out in each fold.
    unit: Literal["task", "session", "run", "block"] = "run"
