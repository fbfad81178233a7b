"""All that one call of the command is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from bids_eeg2fmri.errors import UsageError
from bids_eeg2fmri.settings.preparing import BoldSettings, EegSettings, SyncSettings
from bids_eeg2fmri.settings.tables import to_toml
from bids_eeg2fmri.settings.testing import ConditionSettings, EvaluationSettings, LevelsSettings

#: The models of each objective where none are named.
DEFAULT_MODELS: Mapping[str, tuple[str, ...]] = {
    "bold": ("stack", "ridge"),
    "levels": ("logistic", "eegnet"),
    "condition": ("lda", "eegnet"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that changes a result."""

    #: What is learned: the BOLD, its levels, or the condition.
    objective: Literal["bold", "levels", "condition"] = "bold"
    #: Models to train, by their names in the registry.
    model: tuple[str, ...] = DEFAULT_MODELS["bold"]
    #: Seed of every random draw.
    random_seed: int = 0
    sync: SyncSettings = field(default_factory=SyncSettings)
    eeg: EegSettings = field(default_factory=EegSettings)
    bold: BoldSettings = field(default_factory=BoldSettings)
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)
    levels: LevelsSettings = field(default_factory=LevelsSettings)
    condition: ConditionSettings = field(default_factory=ConditionSettings)
    #: The settings of each model that differ from its defaults: ``models.eegnet.window``.
    models: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check that there is a model and the seed is usable."""
        if not self.model:
            raise UsageError("No model given: name at least one with --model.")
        if self.objective != "bold" and (self.bold.localizer or self.bold.summary != "mean"):
            raise UsageError(
                f"--objective {self.objective} has the means of whole regions only: leave out the localiser "
                "and bold.summary, or use --objective bold."
            )
        if not 0 <= self.random_seed < 2**63:
            raise UsageError(f"random_seed={self.random_seed}: allowed is 0 or more, below 2^63.")

    def as_toml(self) -> str:
        """Return the settings as TOML that ``--config-file`` reads back."""
        return to_toml(asdict(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which part of the dataset is worked on; empty: all of it. Labels without ``sub-``, ``ses-``, ..."""

    participants: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    #: Filters of ``--bids-filter-file``: for "eeg" and "bold", entity to value(s).
    filters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """How the work is done; no result depends on it."""

    nprocs: int = 1
    omp_nthreads: int = 1
    #: Memory for all participants that are worked on at once, bytes; None: as much as is allowed.
    memory: int | None = None
    #: Address of a Dask scheduler whose workers do the work; empty: processes of this machine do.
    dask_scheduler: str = ""
    #: Whether pages and figures are made again from what was kept of finished participants, and nothing else.
    reports_only: bool = False
    device: Literal["auto", "cpu", "cuda"] = "auto"
    dry_run: bool = False
    stop_on_first_crash: bool = False
    work_dir: Path | None = None
    #: Whether what the work folder holds is removed before the work begins.
    clean_work_dir: bool = False
    #: Keeps pybids' index of the datasets; None: they are indexed anew, only the selected participants.
    bids_database_dir: Path | None = None
    verbose: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """Trained models that are applied, in place of training."""

    #: A model file, for everybody, or the output folder of an earlier call with each participant's own.
    path: Path
    #: Models to apply, by their names; empty: all there are.
    models: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """The folder of the models, or that of the one file."""
        return self.path if self.path.is_dir() else self.path.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One call of the command."""

    bids_dir: Path
    output_dir: Path
    #: Name to folder of the derivative datasets; empty: those in the dataset's own derivatives folder.
    derivatives: Mapping[str, Path]
    selection: Selection
    running: Running
    settings: Settings
    #: None: models are trained.
    application: Application | None = None
