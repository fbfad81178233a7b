"""How well predictions did, and against what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bids_eeg2fmri.records.shapes import Floats, check_shape

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
        check_shape(self, "r", (len(self.lags), None))
        check_shape(self, "null_high", (self.r.shape[1],))


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
        check_shape(self, "specificity", (n_regions, n_regions))


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
