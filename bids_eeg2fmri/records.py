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
#: Class of each volume or window and target, (n_volumes, n_targets); -1 where there is none.
Labels = NDArray[np.int64]


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
    #: "usable": EEG that trained models can be applied to, whether there is BOLD or not.
    status: Literal["paired", "unpaired", "unusable", "usable"]
    partner: Path | None = None
    evidence: tuple[str, ...] = ()
    reason: str = ""
    #: Of an unusable recording: the exit status its error leads to.
    exit_status: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BoldRun:
    """A BOLD recording with all files that belong to it.

    ``bold_path`` is the preprocessed image in ``space``; ``start_time`` (s) is what lies between the onset of
    a volume and the moment its values refer to (``StartTime`` of the derivative's sidecar).

    ``is_denoised``: another pipeline has removed confounds already. ``outliers_path`` is its table of the
    volumes that it dropped or made up, ``reference_path`` the mean image that the denoised one has lost.
    """

    entities: Entities
    raw_bold_path: Path
    bold_path: Path
    mask_path: Path | None
    confounds_path: Path | None
    events_path: Path | None
    space: str
    tr: float
    n_volumes: int
    start_time: float
    outliers_path: Path | None = None
    reference_path: Path | None = None
    is_denoised: bool = False
    #: ``minimal``: ``bold_path`` is the raw image, which this app realigns and registers itself, through the
    #: T1w image where there is one.
    preprocessing: Literal["derivatives", "minimal"] = "derivatives"
    anatomy_path: Path | None = None

    @property
    def bold_files(self) -> tuple[Path, ...]:
        """All files of the BOLD side that there are, the raw image first."""
        paths = (self.raw_bold_path, self.bold_path, self.mask_path, self.confounds_path)
        extra = (self.outliers_path, self.reference_path, self.events_path, self.anatomy_path)
        return tuple(path for path in (*paths, *extra) if path is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimultaneousRun(BoldRun):
    """A BOLD recording and the EEG recording made together with it, and how we know."""

    eeg_path: Path
    evidence: tuple[str, ...]


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
    weights : array of float32, shape (n_times,), or None
        0 where the EEG could not be corrected, below 1 where a burst was clipped, else 1; None: all 1.
    nuisance : array of float32, shape (n_times, n_nuisance), or None
        Heart rate and what artefacts are left, per sample.
    spectrum : array, shape (3, n_frequencies), or None
        Frequency (Hz), power before and after the cleaning (µV²/Hz, median over channels).
    locked : array, shape (3, n_lags), or None
        Lag after the heartbeat (s), amplitude locked to it before and after its correction (µV).
    """

    data: NDArray[np.float32]
    sfreq: float
    channel_names: tuple[str, ...]
    positions: Floats
    steps: tuple[str, ...]
    quality: Mapping[str, float] = field(default_factory=dict)
    lookahead: float = 0.0
    weights: NDArray[np.float32] | None = None
    nuisance: NDArray[np.float32] | None = None
    nuisance_names: tuple[str, ...] = ()
    spectrum: Floats | None = None
    locked: Floats | None = None

    def __post_init__(self) -> None:
        """Check shapes."""
        _check_shape(self, "data", (len(self.channel_names), None))
        _check_shape(self, "positions", (len(self.channel_names), 3))
        n_times = self.data.shape[1]
        if self.weights is not None:
            _check_shape(self, "weights", (n_times,))
        if self.nuisance is not None:
            _check_shape(self, "nuisance", (n_times, len(self.nuisance_names)))
        for name in ("spectrum", "locked"):
            if getattr(self, name) is not None:
                _check_shape(self, name, (3, None))


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionSignals:
    """What the image of one run holds in the regions, before anything is fitted to it.

    A unit is the mean over a region, or a single voxel where the voxels themselves are needed.

    Attributes
    ----------
    data : array, shape (n_volumes, n_units)
        In the units of the image; 0 where the image lacks a volume.
    reference : array, shape (n_units,)
        What percent refer to, where the image has lost its mean; NaN where it is that of ``data`` itself.
    weights : array, shape (n_volumes,)
        0 where a volume is censored, else 1.
    regressors : array, shape (n_volumes, n_regressors)
        What is to be removed.
    nuisance : array, shape (n_volumes, n_nuisance)
        The motion parameters and framewise displacement of the run (zeros where the table has none).
    name : str
        The name of the image, for messages.
    """

    data: NDArray[np.float32]
    reference: Floats
    weights: Floats
    regressors: Floats
    regressor_names: tuple[str, ...]
    nuisance: Floats
    nuisance_names: tuple[str, ...]
    name: str
    steps: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check shapes."""
        n_volumes = len(self.data)
        _check_shape(self, "data", (None, len(self.reference)))
        _check_shape(self, "weights", (n_volumes,))
        _check_shape(self, "regressors", (n_volumes, len(self.regressor_names)))
        _check_shape(self, "nuisance", (n_volumes, len(self.nuisance_names)))


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
    differences : tuple of str
        Names of the last columns, which are differences of regions and have no voxels of their own.
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
    differences: tuple[str, ...] = ()

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


#: What a score is of: the correlation itself, and with both sides cleaned of the task, or of task and
#: nuisance.
Measure = Literal["r", "r_given_task", "r_given_task_nuisance"]
#: What is tested over participants: these, and how much r exceeds that of the task.
GroupMeasure = Literal["r", "r_given_task", "r_given_task_nuisance", "r_minus_task"]
MEASURES: tuple[Measure, ...] = ("r", "r_given_task", "r_given_task_nuisance")


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How well one model predicted one region in one run, one session, or over all runs (``run == "all"``).

    Region ``mean`` is the mean over the regions of the same figure, with its own p value. A figure that
    cannot be computed is NaN. Correlations over several runs are the inverse Fisher z of the runs' mean z.
    """

    model: str
    region: str
    run: str
    n_volumes: int
    #: Pearson's correlation with the measured BOLD.
    r: float
    #: Fisher z of r, and its standard deviation over runs.
    fisher_z: float
    fisher_z_sd: float = float("nan")
    #: The ends of the 95 % interval of r (block bootstrap).
    r_low: float = float("nan")
    r_high: float = float("nan")
    #: Correlation given the task design, and given task and nuisance (both sides cleaned): the headline.
    r_given_task: float = float("nan")
    r_given_task_nuisance: float = float("nan")
    #: 1 - sum of squared errors / sum of squares about the training mean.
    r2: float = float("nan")
    #: R² of task and EEG together less that of the task alone.
    r2_gain: float = float("nan")
    #: Mean squared error, (% signal change)².
    mse: float = float("nan")
    #: Lin's concordance.
    ccc: float = float("nan")
    #: Slope of measured on predicted BOLD.
    slope: float = float("nan")
    #: Magnitude-squared coherence, 0.01 to 0.1 Hz, less what chance gives.
    coherence: float = float("nan")
    #: The delay with the highest correlation, s; above 0: measured BOLD comes later than predicted.
    best_lag: float = float("nan")
    #: How often predicted and measured BOLD change in the same direction; 0.5 by chance.
    change_accuracy: float = float("nan")
    #: As many independent volumes would tell as much.
    n_effective: float = float("nan")
    #: One-sided p of the three correlations, (b + 1) / (n + 1); only over all runs. Of refitted models where
    #: there are such draws, else of circular shifts.
    p: float = float("nan")
    p_given_task: float = float("nan")
    p_given_task_nuisance: float = float("nan")
    #: What was held out; "block" is within a run, the weakest test.
    held_out: str = "run"


@dataclass(frozen=True, slots=True, kw_only=True)
class NullTest:
    """One correlation over all runs beside what it is without coupling, by one null."""

    model: str
    region: str
    measure: Measure
    null: Literal["shift", "phase", "wrong-run", "refit"]
    #: The statistic: mean Fisher z over runs (and regions, for region ``mean``).
    fisher_z: float
    #: How many draws there are, their mean and their standard deviation.
    n_draws: int
    null_mean: float
    null_sd: float
    #: (b + 1) / (n + 1), one-sided; by itself, and against the largest over regions (family-wise).
    p: float
    p_max_t: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlScore:
    """A negative control of one model: what it finds where it should find nothing, or less."""

    model: str
    #: "other target", "reversed time" or "wrong run".
    control: str
    #: What was predicted: white_matter, csf, framewise_displacement, or the mean over the regions.
    target: str
    r: float
    #: As of the model's own score; NaN where there is no test.
    p: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LagCurve:
    """Correlation of a prediction with the BOLD that was measured ``lags`` seconds later.

    Attributes
    ----------
    lags : array, shape (n_lags,)
        Seconds; below 0: BOLD that came before the moment of the prediction. No predictor can profit from
        that but by autocorrelation: the control side.
    r : array, shape (n_lags, n_regions)
        Inverse Fisher z of the mean over runs.
    null_high : array, shape (n_regions,)
        What 2.5 % of the circular shifts beyond the longest lag exceed.
    mean_null_high : float
        The same of the mean over regions (Fisher z).
    """

    lags: Floats
    r: Floats
    null_high: Floats
    mean_null_high: float = float("nan")

    def __post_init__(self) -> None:
        """Check shapes."""
        _check_shape(self, "r", (len(self.lags), None))
        _check_shape(self, "null_high", (self.r.shape[1],))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evaluation:
    """All that the test of one model showed.

    Attributes
    ----------
    specificity : array, shape (n_regions, n_regions)
        Correlation of the prediction for one region (row) with the measured BOLD of another (column).
    """

    model: str
    region_names: tuple[str, ...]
    scores: tuple[Score, ...]
    nulls: tuple[NullTest, ...]
    lags: LagCurve
    specificity: Floats

    def __post_init__(self) -> None:
        """Check shapes."""
        n_regions = len(self.region_names)
        _check_shape(self, "specificity", (n_regions, n_regions))


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTest:
    """One model and region across participants: is the mean Fisher z above zero? One-sided sign-flip test."""

    model: str
    #: What is tested: r, r given the task, given task and nuisance, or how much r exceeds that of the task
    #: baseline (in Fisher z).
    measure: GroupMeasure
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

    Attributes
    ----------
    model : str
        Name in the registry.
    version : str
        Of the app that trained it.
    options : mapping
        The model's own settings.
    tensors : mapping of name to array
        What :meth:`bids_eeg2fmri.registry.Predictor.restore` makes the trained model of.
    channel_names : tuple of str
        The EEG channels it expects, in this order.
    positions : array, shape (n_channels, 3)
        Head coordinates in metres, NaN where unknown.
    sfreq : float
        Sampling rate of the EEG it expects, Hz.
    tr : float
        Seconds from volume to volume in training.
    start_time : float
        From the onset of a volume to the moment its values refer to, s.
    lookahead : float
        How far the cleaning of the training EEG looked ahead, s.
    trained_on : tuple of str
        The runs, by their entities.
    preprocessing : mapping
        The settings of the EEG stage in training.
    objective : str
        What it was trained for: "bold", or classes ("levels", "condition").
    bold : str
        How the BOLD it was trained on was preprocessed: "derivatives" or "minimal".
    """

    model: str
    version: str
    options: Mapping[str, Any]
    tensors: Mapping[str, NDArray[Any]]
    channel_names: tuple[str, ...]
    positions: Floats
    sfreq: float
    tr: float
    start_time: float
    lookahead: float
    region_names: tuple[str, ...]
    trained_on: tuple[str, ...]
    preprocessing: Mapping[str, Any]
    objective: str = "bold"
    bold: str = "derivatives"

    def __post_init__(self) -> None:
        """Check shapes."""
        _check_shape(self, "positions", (len(self.channel_names), 3))

    @property
    def subject(self) -> str:
        """The participant it was trained on, without ``sub-``."""
        return self.trained_on[0].partition("_")[0].removeprefix("sub-") if self.trained_on else ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AppliedModel:
    """What a trained model predicts of one EEG recording.

    Attributes
    ----------
    recording, model_path : Path
        What it was applied to, and its file; ``digest`` is the SHA-256 of the latter.
    trained_on : tuple of str
        The runs the model was trained on.
    values : array, shape (n_volumes, n_regions)
        Percent signal change.
    times : array, shape (n_volumes,)
        The moments, s after the first EEG sample.
    weights : array, shape (n_volumes,)
        0 where the moment lies outside the EEG, else 1.
    clock : VolumeClock
        Where the moments come from.
    tr : float
        Seconds from volume to volume in training.
    eeg_steps, eeg_quality
        As in CleanEeg.
    channels : str
        In words what had to be done for the channels of the recording to be the model's; empty: nothing.
    """

    entities: Entities
    recording: Path
    model: str
    model_path: Path
    digest: str
    trained_on: tuple[str, ...]
    values: Floats
    region_names: tuple[str, ...]
    times: Floats
    weights: Floats
    clock: VolumeClock
    tr: float
    eeg_steps: tuple[str, ...]
    eeg_quality: Mapping[str, float]
    channels: str

    def __post_init__(self) -> None:
        """Check shapes."""
        _check_shape(self, "times", (None,))
        _check_shape(self, "values", (len(self.times), len(self.region_names)))
        _check_shape(self, "weights", (len(self.times),))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassPredictions:
    """The classes that one model took unseen volumes or windows for, beside what they were.

    Attributes
    ----------
    runs : tuple of AlignedRun
        Where classes are of windows of EEG, these stand in the place of volumes.
    target_names : tuple of str
        The regions; or ``condition`` alone.
    class_names : tuple of str
        In their order: level 0 is the lowest.
    labels : tuple of array of int64, shape (n_volumes, n_targets), one per run
        The classes by the rule that was learned with the fold; -1 where no fold tested.
    probabilities : tuple of array, shape (n_volumes, n_targets, n_classes), one per run
        NaN where no fold tested.
    folds : tuple of array of int64, shape (n_volumes,), one per run
        The fold that tested each volume, -1 for none.
    trials : tuple of array of int64, shape (n_volumes,), one per run, or empty
        The trial each window lies in, where classes are those of trials.
    """

    model: str
    runs: tuple[AlignedRun, ...]
    target_names: tuple[str, ...]
    class_names: tuple[str, ...]
    labels: tuple[Labels, ...]
    probabilities: tuple[Floats, ...]
    folds: tuple[NDArray[np.int64], ...]
    unit: Literal["task", "session", "run", "block"]
    trials: tuple[NDArray[np.int64], ...] = ()

    def __post_init__(self) -> None:
        """Check shapes."""
        n_targets, n_classes = len(self.target_names), len(self.class_names)
        for run, labels, values in zip(self.runs, self.labels, self.probabilities, strict=True):
            if labels.shape != (run.n_volumes, n_targets) or values.shape != (*labels.shape, n_classes):
                raise ValueError(
                    f"ClassPredictions: expected ({run.n_volumes}, {n_targets}, {n_classes}), got "
                    f"{labels.shape} and {values.shape}."
                )

    def predicted(self, k: int) -> Labels:
        """Return the most probable classes of run ``k``, (n_volumes, n_targets), -1 where no fold tested."""
        best = np.argmax(np.nan_to_num(self.probabilities[k]), axis=2)
        return np.where(self.folds[k][:, None] >= 0, best, -1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassScore:
    """How well one model told classes apart, of one region or of conditions, in one run or over all runs.

    A figure that cannot be computed is NaN. Region ``mean`` is the mean over the regions.
    """

    model: str
    region: str
    run: str
    #: Volumes or windows tested.
    n_tested: int
    #: Classes that occur in what was tested.
    n_classes: int
    accuracy: float
    #: Mean recall over the classes that occur.
    balanced_accuracy: float
    #: What predictions that have nothing to do with the labels give, from how often each class occurs and is
    #: predicted in each run; and 1 / n_classes.
    chance: float
    chance_nominal: float
    macro_f1: float
    #: Cohen's kappa with quadratic weights; 0 by chance.
    kappa: float
    #: Levels: correlation of the expectation over the levels with the BOLD, and that of the regressor on the
    #: same folds.
    r_expected: float = float("nan")
    r_regressor: float = float("nan")
    #: One-sided, (b + 1) / (n + 1), of balanced accuracy and of kappa; only over all runs.
    p: float = float("nan")
    p_kappa: float = float("nan")
    #: Of r_expected, and of it given the task.
    p_expected: float = float("nan")
    p_expected_given_task: float = float("nan")
    #: What p stands against.
    null: str = ""
    held_out: str = "run"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassEvaluation:
    """All that the test of one classifier showed.

    Attributes
    ----------
    confusions : mapping of run (``all`` over all runs) to array, shape (n_targets, n_classes, n_classes)
        How often each class (row) was taken for each (column).
    per_class : mapping of run to mapping of figure to array, shape (n_targets, n_classes)
        ``precision``, ``recall``, ``f1`` and ``support``.
    expected : Evaluation or None
        Of the expectation over levels as a prediction of the BOLD.
    """

    predictions: ClassPredictions
    scores: tuple[ClassScore, ...]
    confusions: Mapping[str, Floats]
    per_class: Mapping[str, Mapping[str, Floats]]
    expected: Evaluation | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassificationResults:
    """What was trained and tested for one participant where the question is a class.

    Attributes
    ----------
    expected : tuple of Predictions
        The expectation over levels of each model, percent signal change; empty for conditions.
    notes : tuple of str
        What a reader must know of how classes were made, in sentences.
    """

    objective: Literal["levels", "condition"]
    runs: tuple[PreparedRun, ...]
    evaluations: tuple[ClassEvaluation, ...]
    models: tuple[SavedModel, ...]
    splits: tuple[Split, ...]
    descriptions: Mapping[str, str]
    expected: tuple[Predictions, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def scores(self) -> tuple[ClassScore, ...]:
        """The scores of all models."""
        return tuple(score for evaluation in self.evaluations for score in evaluation.scores)


def column_names(record: type[Any]) -> tuple[str, ...]:
    """Return the field names of a record, the columns of its table."""
    return tuple(f.name for f in fields(record))
