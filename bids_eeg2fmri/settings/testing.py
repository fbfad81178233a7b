"""How predictions and classes are tested."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bids_eeg2fmri.errors import UsageError

#: Draws of a null, all of which are kept.
_MOST_DRAWS = 1_000_000


def check_scheme(scheme: str) -> None:
    """Raise a UsageError for a cross-validation that is not offered; shuffled ones with the reason."""
    if scheme == "shuffled":
        raise UsageError(
            "Shuffled splits are not offered: neighbouring volumes are correlated, so that data without any "
            "coupling give r = 0.5 to 0.7. Use --cv auto, session, run or block."
        )
    if scheme not in ("auto", "session", "run", "block"):
        raise UsageError(
            f"There is no cross-validation '{scheme}'; allowed are auto, session, run and block."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationSettings:
    """How predictors are tested."""

    #: What is held out; ``auto`` takes the strictest that the data allows.
    cv: str = "auto"
    #: Draws of each null.
    n_nulls: int = 1000
    #: Smallest shift of that null, s.
    min_shift: float = 20.0
    #: Draws with shifted BOLD for which every fold is fitted anew, for models that are cheap to fit.
    refit_nulls: int = 0
    #: Whether each model is also fitted to what the task leaves, for its gain in R² (twice the time).
    task_gain: bool = True
    #: Whether negative controls are run: other targets, the EEG of the future.
    controls: bool = False
    #: Learn from the runs of one task and test on those of another; both or none.
    train_task: str = ""
    test_task: str = ""

    def __post_init__(self) -> None:
        """Check the values."""
        check_scheme(self.cv)
        if not 1 <= self.n_nulls <= _MOST_DRAWS:
            raise UsageError(f"evaluation.n_nulls={self.n_nulls}: allowed is 1 to {_MOST_DRAWS}.")
        if self.min_shift < 0:
            raise UsageError(f"evaluation.min_shift={self.min_shift:g}: allowed is 0 or more (s).")
        if not 0 <= self.refit_nulls <= _MOST_DRAWS:
            raise UsageError(
                f"evaluation.refit_nulls={self.refit_nulls}: allowed is 0 (none) to {_MOST_DRAWS}."
            )
        self._check_tasks()

    def _check_tasks(self) -> None:
        """Check that testing across tasks names two tasks, and nothing else is held out."""
        if bool(self.train_task) != bool(self.test_task):
            raise UsageError("--train-task and --test-task belong together: give both or none.")
        if self.train_task and self.train_task == self.test_task:
            raise UsageError(
                f"--train-task and --test-task are both '{self.train_task}'. Name two tasks; within one task "
                "use --task-label."
            )
        if self.train_task and self.cv != "auto":
            raise UsageError(
                f"--cv {self.cv} cannot be had with --train-task: what is held out is the other task."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelsSettings:
    """How BOLD is cut into levels (``--objective levels``)."""

    #: Number of levels of equal width between the lowest and the highest BOLD.
    n: int = 3
    #: So many levels are left after merging neighbours, the outer ones most; 0: none are merged.
    merge: int = 0
    #: What lowest and highest are taken of: each run by itself, the training runs of the same session and
    #: task, or all training runs of the participant.
    scale: Literal["run", "session", "participant"] = "participant"
    #: Whether rare levels count as much in training as frequent ones.
    balance: bool = True

    def __post_init__(self) -> None:
        """Check the numbers."""
        if not 2 <= self.n <= 100:
            raise UsageError(f"levels.n={self.n}: allowed is 2 to 100.")
        if self.merge and not 2 <= self.merge < self.n:
            raise UsageError(
                f"levels.merge={self.merge}: allowed is 0 (off) or 2 to {self.n - 1} (of levels.n)."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionSettings:
    """How trials are cut into windows (``--objective condition``)."""

    #: The conditions that are told apart, as the events name them; empty: all, where there are two or three.
    conditions: tuple[str, ...] = ()
    #: Length of a window, and from one window to the next (0: half a window), s.
    window: float = 2.0
    step: float = 0.0
    #: Left out at the beginning of each trial: nobody reacts at once, s.
    delay: float = 0.5

    def __post_init__(self) -> None:
        """Check the values."""
        if len(self.conditions) == 1 or len(set(self.conditions)) < len(self.conditions):
            raise UsageError(
                f"--conditions {' '.join(self.conditions)}: expected two or more different conditions."
            )
        for name, least in (("window", 0.5), ("step", 0.0), ("delay", 0.0)):
            if not getattr(self, name) >= least:
                raise UsageError(
                    f"condition.{name}={getattr(self, name):g}: allowed is {least:g} or more (s)."
                )

    @property
    def hop(self) -> float:
        """Seconds from one window to the next."""
        return self.step or self.window / 2
