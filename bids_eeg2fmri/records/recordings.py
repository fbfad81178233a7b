"""What was found: recordings, their events and markers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


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
