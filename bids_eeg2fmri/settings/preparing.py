"""How EEG and BOLD are prepared and brought together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from bids_eeg2fmri.errors import UsageError, did_you_mean

#: Hz, of the cleaned EEG; nothing above the muscles' 500 Hz is EEG.
_LARGEST_SFREQ = 5000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncSettings:
    """How volumes are put on the EEG's clock."""

    #: Name of the volume marker, as written in the recording; empty: found by its statistics.
    volume_marker: str = ""
    #: Onset of the first stored volume, s after the first EEG sample; given: markers are not looked at.
    eeg_offset: float | None = None
    #: Where surplus markers lie: dummies at the start, an aborted volume at the end.
    dummies: Literal["auto", "start", "end"] = "auto"
    #: Where the task events come from: the EEG's markers, the BOLD's table, or the better of them.
    events: Literal["auto", "eeg", "bold"] = "auto"
    #: Tasks that the two modalities label differently, each as ``EEG=BOLD``.
    pair_task: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check that each of ``pair_task`` names two tasks."""
        for text in self.pair_task:
            if not all(label.strip() for label in text.partition("=")):
                raise UsageError(
                    f"sync.pair_task={text!r}: expected EEG=BOLD, the labels of one task in the two "
                    "modalities, for example IMAGON=IMAG."
                )

    @property
    def task_pairs(self) -> dict[str, tuple[str, ...]]:
        """EEG task to the BOLD tasks it belongs to, labels without ``task-``."""
        pairs: dict[str, tuple[str, ...]] = {}
        for text in self.pair_task:
            eeg, _, bold = (label.strip().removeprefix("task-") for label in text.partition("="))
            pairs[eeg] = (*pairs.get(eeg, ()), bold)
        return pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class EegSettings:
    """How the EEG is cleaned."""

    #: Corner frequencies of the causal Butterworth filter, Hz.
    highpass: float = 1.0
    lowpass: float = 40.0
    #: Sampling rate of the cleaned EEG, Hz.
    sfreq: float = 100.0
    #: Whether the gradient artefact is still in the recording; auto: told from the recording.
    state: Literal["auto", "raw", "corrected"] = "auto"
    #: What subtracts it: this app, or MNE for comparison.
    gradient: Literal["aas", "mne"] = "aas"
    #: Volumes of the usual template; windows of half to four times as many, and all, are tried beside it.
    gradient_window: int = 25
    #: Windows of volumes end where the head moves by more from one to the next, mm (framewise displacement).
    max_displacement: float = 0.5
    #: Components of the optimal basis set fitted to what is then left; 0: none.
    residual_components: int | Literal["auto"] = 0
    #: The pulse artefact: corrected where there is one, by MNE's optimal basis sets instead, or left.
    pulse: Literal["auto", "mne", "off"] = "auto"
    #: Bad channels: also those that look bad, or only those that the dataset flags.
    bad_channels: Literal["auto", "flagged"] = "auto"
    #: Whether ocular and muscle components are removed (ICA).
    ica: bool = False
    #: Bursts are clipped at this many robust standard deviations of their channel; 0: not at all.
    burst_limit: float = 8.0

    def __post_init__(self) -> None:
        """Check that the corners fit each other and the sampling rate."""
        if self.burst_limit != 0 and self.burst_limit < 3:
            raise UsageError(
                f"eeg.burst_limit={self.burst_limit:g}: allowed is 0 (off) or at least 3; less clips EEG."
            )
        if not 5 <= self.gradient_window <= 1000:
            raise UsageError(
                f"eeg.gradient_window={self.gradient_window}: allowed are 5 to 1000 volumes; usual are "
                "21 to 31."
            )
        if self.max_displacement <= 0:
            raise UsageError(f"eeg.max_displacement={self.max_displacement:g}: allowed is more than 0 (mm).")
        if isinstance(self.residual_components, int) and not 0 <= self.residual_components <= 20:
            raise UsageError(
                f"eeg.residual_components={self.residual_components}: allowed are 0 to 20, or auto."
            )
        if self.sfreq > _LARGEST_SFREQ:
            raise UsageError(f"eeg.sfreq={self.sfreq:g}: allowed is up to {_LARGEST_SFREQ:g} (Hz).")
        if not 0 < self.highpass < self.lowpass < self.sfreq / 2:
            raise UsageError(
                f"eeg.highpass={self.highpass:g}, eeg.lowpass={self.lowpass:g}, eeg.sfreq={self.sfreq:g}: "
                "allowed is 0 < highpass < lowpass < sfreq / 2 (Hz)."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class BoldSettings:
    """How the signals of regions are taken from the BOLD images."""

    #: Name of a region set, a table (TSV) with columns name, x, y, z (mm in ``space``), or a NIfTI image of
    #: labels or of one map per region.
    regions: str = "motor"
    #: Template space of the derivative that is read.
    space: str = "MNI152NLin2009cAsym"
    #: ``derivatives``: fMRIPrep's output or the like; ``minimal``: the raw BOLD, realigned and registered by
    #: this app; ``auto``: minimal only where no derivative dataset holds preprocessed BOLD.
    preprocessing: Literal["auto", "derivatives", "minimal"] = "auto"
    #: Radius of a region's sphere where the set has none of its own, mm.
    radius: float = 8.0
    #: A region of fewer voxels is dropped.
    min_voxels: int = 1
    #: Which preprocessed image, by its ``desc-``; empty: ``preproc``, else ``denoised``, else the only one.
    desc: str = ""
    #: Which resolution, by its ``res-``; empty: the coarsest, since regions are means over many voxels.
    resolution: str = ""
    #: Cut-off of the cosine high-pass, Hz.
    highpass: float = 0.008
    #: What is removed beside the cosines: motion6, motion12 (with derivatives) or motion24 (with squares),
    #: wm_csf, global_signal, compcor; ``scrub`` gives volumes of high motion the weight 0.
    confounds: tuple[str, ...] | str = ("motion12", "wm_csf")
    #: Components of ``compcor``: the first of the combined white-matter and CSF mask.
    compcor: int = 5
    #: Thresholds of ``scrub``: framewise displacement, mm, and standardised DVARS.
    fd_threshold: float = 0.5
    dvars_threshold: float = 1.5
    #: What stands for a region: the mean of its voxels, or their first principal component.
    summary: Literal["mean", "pc1"] = "mean"
    #: Functional localiser, ``contrast=A-B`` (from the training runs) or ``task=NAME,contrast=A-B``.
    localizer: str = ""
    #: Voxels that the localiser keeps in each region.
    localizer_voxels: int = 30
    #: Further targets, name to ``A - B``: a region minus another, or minus ``background``.
    contrasts: Mapping[str, str] = field(default_factory=dict)
    #: The slab of the brain that is ``background``, from and to, mm along the z axis of the space.
    background: tuple[float, float] = (0.0, 10.0)

    def __post_init__(self) -> None:
        """Check the values."""
        if isinstance(self.confounds, str):
            names = () if self.confounds == "none" else (self.confounds,)
            object.__setattr__(self, "confounds", names)
        check_confounds(self.confounds)
        if self.localizer:
            split_localizer(self.localizer)
        for name, least in (("min_voxels", 1), ("compcor", 1), ("localizer_voxels", 1)):
            if getattr(self, name) < least:
                raise UsageError(f"bold.{name}={getattr(self, name)}: allowed is {least} or more.")
        for name in ("radius", "fd_threshold", "dvars_threshold"):
            if getattr(self, name) <= 0:
                raise UsageError(f"bold.{name}={getattr(self, name):g}: allowed is a number above 0.")
        if not 0 <= self.highpass <= 1:
            raise UsageError(f"bold.highpass={self.highpass:g}: allowed is 0 (off) to 1 (Hz).")
        if not self.background[0] < self.background[1]:
            raise UsageError(
                f"bold.background={list(self.background)}: expected two heights, [from, to] (mm)."
            )


#: Strategies of ``bold.confounds``; of those of motion one is allowed.
CONFOUNDS = ("motion6", "motion12", "motion24", "wm_csf", "global_signal", "compcor", "scrub")


def check_confounds(names: Iterable[str]) -> None:
    """Raise a UsageError for a strategy against confounds that is not offered, or two of motion."""
    names = tuple(names)
    for name in names:
        if name not in CONFOUNDS:
            raise UsageError(
                f"bold.confounds: there is no strategy '{name}'.{did_you_mean(name, CONFOUNDS)} "
                f"Allowed are {', '.join(CONFOUNDS)}, or none."
            )
    if sum(name.startswith("motion") for name in names) > 1 or len(set(names)) < len(names):
        raise UsageError(f"bold.confounds={list(names)}: give each strategy once, and one of motion.")


def split_localizer(text: str) -> tuple[str, str]:
    """Return the task (empty: the training runs themselves) and the contrast of a localiser.

    Raises
    ------
    UsageError
        If the text is not ``contrast=A-B`` or ``task=NAME,contrast=A-B``.
    """
    pairs = [part.partition("=") for part in text.split(",")]
    found = {key.strip(): value.strip() for key, _, value in pairs}
    if len(found) < len(pairs) or not set(found) <= {"task", "contrast"} or not found.get("contrast"):
        raise UsageError(
            f"The localiser '{text}' is not understood; expected contrast=A-B or task=NAME,contrast=A-B, "
            "where A and B are conditions, for example contrast=imagery-rest."
        )
    return found.get("task", "").removeprefix("task-"), found["contrast"]
