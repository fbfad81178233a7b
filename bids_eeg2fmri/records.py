"""The data that flows between the stages: one frozen dataclass each, shapes checked on the way in.

Units everywhere: seconds, hertz, microvolts, metres (electrodes), millimetres (brain), percent signal change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def _check_shape(owner: object, name: str, expected: tuple[int | None, ...]) -> None:
    """Raise if the array ``owner.name`` is not of the expected shape (None: any length)."""
    shape = np.shape(getattr(owner, name))
    fits = len(shape) == len(expected) and all(
        e is None or s == e for s, e in zip(shape, expected, strict=True)
    )
    if not fits:
        wanted = ", ".join("any" if e is None else str(e) for e in expected)
        raise ValueError(f"{type(owner).__name__}.{name}: expected shape ({wanted}), got {shape}.")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Entities:
    """The BIDS entities that name a recording; ``run`` is an integer, so that ``run-01`` is ``run-1``."""

    subject: str
    session: str = ""
    task: str = ""
    acquisition: str = ""
    run: int = 0  # 0: the name has no run

    def __str__(self) -> str:
        """Return the entities as BIDS writes them: ``sub-01_ses-1_task-imagery_run-2``."""
        parts = [f"sub-{self.subject}"]
        parts += [f"ses-{self.session}"] if self.session else []
        parts += [f"task-{self.task}"] if self.task else []
        parts += [f"acq-{self.acquisition}"] if self.acquisition else []
        parts += [f"run-{self.run}"] if self.run else []
        return "_".join(parts)

    @property
    def run_label(self) -> str:
        """The same without the subject: what tells the runs of one participant apart."""
        return str(self).partition("_")[2] or "run"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskEvent:
    """One trial: when it began and how long it lasted (s), and its condition."""

    onset: float
    duration: float
    condition: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """One marker of the EEG recording: seconds after the first EEG sample, and its text (``R128``)."""

    onset: float
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRun:
    """One EEG or BOLD recording found in the dataset, paired or not, and why."""

    modality: Literal["eeg", "bold"]
    path: Path
    entities: Entities
    status: Literal["paired", "unpaired", "unusable"]
    partner: Path | None = None
    evidence: tuple[str, ...] = ()
    reason: str = ""
    #: Of an unusable recording: the exit status its error leads to.
    exit_status: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SimultaneousRun:
    """An EEG and a BOLD recording made together, with all files that belong to them.

    ``bold_path`` is the preprocessed image in ``space``; ``start_time`` (s) is what lies between the onset of
    a volume and the moment its values refer to (``StartTime`` of the derivative's sidecar).
    """

    entities: Entities
    eeg_path: Path
    raw_bold_path: Path
    bold_path: Path
    mask_path: Path | None
    confounds_path: Path | None
    events_path: Path | None
    space: str
    tr: float
    n_volumes: int
    start_time: float
    evidence: tuple[str, ...]
    #: ``minimal``: ``bold_path`` is the raw image, which this app realigns and registers itself, through the
    #: T1w image where there is one.
    preprocessing: Literal["derivatives", "minimal"] = "derivatives"
    anatomy_path: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeClock:
    """The onset of every stored BOLD volume on the EEG's clock.

    Attributes
    ----------
    onsets : array, shape (n_volumes,)
        Seconds after the first EEG sample.
    source : str
        Where the onsets come from, in words.
    jitter : float
        Root mean square distance of the markers from a regular grid, s.
    drift : float
        How much faster the BOLD clock runs than the EEG's, parts per million.
    uncertainty : float
        How far the onsets may be from the truth, s; NaN where it is not known.
    marker : str
        The description of the markers, empty where none were used.
    n_dummies, n_filled, n_dropped : int
        Volumes before the first stored one, stored volumes whose marker was missing, spurious markers.
    residuals : array, shape (n_volumes,), or None
        Marker minus regular grid, s, NaN where the marker was missing; None where none were used.
    """

    onsets: Floats
    source: str
    jitter: float
    drift: float
    uncertainty: float = float("nan")
    marker: str = ""
    n_dummies: int = 0
    n_filled: int = 0
    n_dropped: int = 0
    residuals: Floats | None = None

    def __post_init__(self) -> None:
        """Check that the onsets ascend."""
        _check_shape(self, "onsets", (None,))
        if self.residuals is not None:
            _check_shape(self, "residuals", (len(self.onsets),))
        if np.any(np.diff(self.onsets) <= 0):
            raise ValueError("VolumeClock.onsets: expected ascending onsets.")


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanEeg:
    """EEG of one run after cleaning.

    Attributes
    ----------
    data : array, shape (n_channels, n_times)
        float32 microvolts.
    sfreq : float
        Samples per second, Hz.
    channel_names : tuple of str
    positions : array, shape (n_channels, 3)
        Head coordinates in metres, NaN where unknown.
    steps : tuple of str
        What was done, in order, in words.
    quality : mapping
        Figures of quality by name.
    lookahead : float
        How far beyond a sample the cleaning looked, s: what a causal reader must subtract from its time.
    """

    data: NDArray[np.float32]
    sfreq: float
    channel_names: tuple[str, ...]
    positions: Floats
    steps: tuple[str, ...]
    quality: Mapping[str, float] = field(default_factory=dict)
    lookahead: float = 0.0

    def __post_init__(self) -> None:
        """Check shapes."""
        _check_shape(self, "data", (len(self.channel_names), None))
        _check_shape(self, "positions", (len(self.channel_names), 3))


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionSeries:
    """BOLD of regions over one run.

    Attributes
    ----------
    data : array, shape (n_volumes, n_regions)
        Percent signal change, confounds removed.
    weights : array, shape (n_volumes,)
        0 where a volume is censored, else 1.
    labels : array, shape (n_x, n_y, n_z)
        The label image to paint results on: voxels of region k hold k + 1.
    affine : array, shape (4, 4)
        Voxel to millimetres of ``space``.
    nuisance : array, shape (n_volumes, n_nuisance)
        The motion parameters and framewise displacement of the run (zeros where the table has none).
    steps : tuple of str
        What was done, in order, in words.
    """

    data: Floats
    region_names: tuple[str, ...]
    weights: Floats
    labels: NDArray[np.int32]
    affine: Floats
    space: str
    nuisance: Floats
    nuisance_names: tuple[str, ...]
    steps: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check shapes."""
        n_volumes = len(self.data)
        _check_shape(self, "data", (None, len(self.region_names)))
        _check_shape(self, "weights", (n_volumes,))
        _check_shape(self, "labels", (None, None, None))
        _check_shape(self, "affine", (4, 4))
        _check_shape(self, "nuisance", (n_volumes, len(self.nuisance_names)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RealignedRun:
    """Where the head was in every volume of a raw BOLD run; the image stays as it is.

    Attributes
    ----------
    mean : array of float32, shape (n_x, n_y, n_z)
        Mean of some realigned volumes: what poses refer to.
    affine : array, shape (4, 4)
        Voxel to mm of the scanner.
    mask : array of bool, shape (n_x, n_y, n_z)
        The brain in ``mean``.
    poses : array, shape (n_volumes, 4, 4)
        mm of ``mean`` to mm of each volume.
    motion : array, shape (n_volumes, 6)
        The same as translations (mm) and rotations (rad) about the middle of the brain.
    similarity, gain : array, shape (n_volumes,)
        Correlation of each volume with ``mean``, and how bright it is beside it.
    """

    mean: NDArray[np.float32]
    affine: Floats
    mask: NDArray[np.bool_]
    poses: Floats
    motion: Floats
    similarity: Floats
    gain: Floats

    def __post_init__(self) -> None:
        """Check shapes."""
        n_volumes = len(self.poses)
        _check_shape(self, "mask", np.shape(self.mean))
        _check_shape(self, "affine", (4, 4))
        _check_shape(self, "poses", (None, 4, 4))
        _check_shape(self, "motion", (n_volumes, 6))
        _check_shape(self, "similarity", (n_volumes,))
        _check_shape(self, "gain", (n_volumes,))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TemplatePlace:
    """Where a BOLD image lies in the template.

    Attributes
    ----------
    matrix : array, shape (4, 4)
        mm of the scanner to mm of the template.
    overlap : float
        Dice coefficient of the brain in the image and that of the template.
    words : str
        How it was found.
    """

    matrix: Floats
    overlap: float
    words: str

    def __post_init__(self) -> None:
        """Check shapes."""
        _check_shape(self, "matrix", (4, 4))


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
        _check_shape(self, "eeg", (len(self.channel_names), None))
        _check_shape(self, "positions", (len(self.channel_names), 3))
        _check_shape(self, "volume_samples", (None,))
        n_volumes = len(self.volume_samples)
        _check_shape(self, "bold", (n_volumes, len(self.region_names)))
        _check_shape(self, "weights", (n_volumes,))
        _check_shape(self, "design", (n_volumes, len(self.design_names)))
        _check_shape(self, "nuisance", (n_volumes, len(self.nuisance_names)))
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
    regions: RegionSeries
    aligned: AlignedRun


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Split:
    """One fold: which volumes of which runs are learned from and which are tested on.

    ``train`` and ``test`` hold one (n_volumes,) array of 0 and 1 per run, to multiply with the run's weights.
    """

    name: str
    unit: Literal["session", "run", "block"]
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
    unit: Literal["session", "run", "block"] = "run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How well one model predicted one region in one run, or over all runs (``run == "all"``).

    Region ``mean`` is the mean over the regions of the same figure, with its own p value. A figure that
    cannot be computed is NaN.
    """

    model: str
    region: str
    run: str
    n_volumes: int
    #: Pearson's correlation with the measured BOLD; over all runs the inverse Fisher z of the mean z.
    r: float
    #: Fisher z of r (over all runs: mean of the runs').
    fisher_z: float
    #: 1 - sum of squared errors / sum of squares about the training mean.
    r2: float
    #: Correlation given the task design (both sides cleaned of it); over all runs as for r.
    r_given_task: float
    #: p value against circular shifts of the prediction, one-sided, (b + 1) / (n + 1); only over all runs.
    p_shift: float
    #: The same of ``r_given_task``.
    p_shift_given_task: float
    #: What was held out; "block" is within a run, the weakest test.
    held_out: str = "run"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTest:
    """One model and region across participants: is the mean Fisher z above zero? One-sided sign-flip test."""

    model: str
    #: What is tested: r, r given the task, or how much r exceeds that of the task baseline (in Fisher z).
    measure: Literal["r", "r_given_task", "r_minus_task"]
    region: str
    n_participants: int
    #: Inverse Fisher z of the mean over participants of their Fisher z.
    r: float
    #: Mean and standard deviation over participants of Fisher z.
    fisher_z: float
    fisher_z_sd: float
    #: Uncorrected; the largest statistic over regions (family-wise); Benjamini-Hochberg.
    p: float
    p_max_t: float
    p_fdr: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpatialFilters:
    """Weights over channels that a model has learned.

    Attributes
    ----------
    names : tuple of str, one per filter
    weights : array, shape (n_filters, n_channels)
    domain : "amplitude" or "power"
        Whether the weights apply to the EEG itself (µV) or to the logarithm of its power.
    bands : array, shape (n_filters, 2)
        The band each filter works in, Hz.
    kernels : array, shape (n_filters, n_taps), or None
        Temporal filters that go with the spatial ones, oldest sample first, where the model has them.
    kernel_sfreq : float
        Sampling rate of the kernels, Hz; NaN where there are none.
    """

    names: tuple[str, ...]
    weights: Floats
    domain: Literal["amplitude", "power"]
    bands: Floats
    kernels: Floats | None = None
    kernel_sfreq: float = float("nan")

    def __post_init__(self) -> None:
        """Check shapes."""
        _check_shape(self, "weights", (len(self.names), None))
        _check_shape(self, "bands", (len(self.names), 2))
        if self.kernels is not None:
            _check_shape(self, "kernels", (len(self.names), None))
            if not self.kernel_sfreq > 0:
                raise ValueError(f"SpatialFilters.kernel_sfreq: expected a rate, got {self.kernel_sfreq}.")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Explanation:
    """What a predictor used: patterns over the scalp that can be read as sources (Haufe 2014).

    Attributes
    ----------
    patterns : array, shape (n_filters, n_channels)
        Each scaled to a largest absolute value of 1.
    positions : array, shape (n_channels, 3)
        Head coordinates in metres, NaN where unknown.
    """

    model: str
    filters: SpatialFilters
    patterns: Floats
    channel_names: tuple[str, ...]
    positions: Floats
    sfreq: float

    def __post_init__(self) -> None:
        """Check shapes."""
        _check_shape(self, "patterns", (len(self.filters.names), len(self.channel_names)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SavedModel:
    """A trained model and all that is needed to apply it to another recording.

    ``options`` are the model's own settings, ``preprocessing`` those of the EEG stage it was trained behind.
    """

    model: str
    version: str
    options: Mapping[str, Any]
    tensors: Mapping[str, NDArray[Any]]
    channel_names: tuple[str, ...]
    positions: Floats
    sfreq: float
    tr: float
    region_names: tuple[str, ...]
    trained_on: tuple[str, ...]
    preprocessing: Mapping[str, Any]


def column_names(record: type[Any]) -> tuple[str, ...]:
    """Return the field names of a record, the columns of its table."""
    return tuple(f.name for f in fields(record))
