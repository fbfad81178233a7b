"""What a run of the app can be told: frozen dataclasses, filled from defaults, TOML, ``--set`` and flags.

``Settings`` holds all that changes a result. What selects the data (``Selection``) and how the work is done
(``Running``) stands apart, so that the digest of a result does not depend on it.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
import tomllib
import types
from collections import abc
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from bids_eeg2fmri.errors import MissingInputError, UsageError, did_you_mean

#: Bytes of a settings file.
_LARGEST_TOML = 2**20
#: Draws of a null, all of which are kept.
_MOST_DRAWS = 1_000_000
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
        return _to_toml(asdict(self))


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


def load_settings(
    *, config_file: Path | None, assignments: Iterable[str], flags: Mapping[str, Any]
) -> Settings:
    """Return the settings: defaults, then the TOML file, then ``KEY=VALUE`` texts, then flags.

    Parameters
    ----------
    config_file : path or None
    assignments : iterable of str
        ``section.key=value``; the value is read as TOML, and as text where it is not TOML.
    flags : mapping
        ``section.key`` to value; None is left out.

    Raises
    ------
    UsageError
        For a key that does not exist (the nearest known one is named) or a value of the wrong kind.
    MissingInputError
        If the file is not there.
    """
    table: dict[str, Any] = _read_toml(config_file) if config_file else {}
    for text in assignments:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"--set {text}: expected KEY=VALUE, for example --set eeg.lowpass=30.")
        _put(table, key.strip(), _parse_value(value.strip()))
    for key, value in flags.items():
        if value is not None:
            _put(table, key, value)
    # What was in force is written down, so the models of another objective are named here.
    table.setdefault("model", DEFAULT_MODELS.get(str(table.get("objective")), DEFAULT_MODELS["bold"]))
    settings: Settings = build(Settings, table, where="")
    return settings


def build(kind: type[Any], table: Mapping[str, Any], *, where: str) -> Any:
    """Build a settings dataclass from a table; ``where`` is the table's name in messages."""
    hints = get_type_hints(kind)
    known = [f.name for f in fields(kind)]
    values: dict[str, Any] = {}
    for key, value in table.items():
        name = f"{where}.{key}" if where else key
        if key not in known:
            raise UsageError(
                f"There is no setting '{name}'.{did_you_mean(key, known)} "
                f"{'In [' + where + '] there are' if where else 'The settings are'} {', '.join(known)}."
            )
        values[key] = _convert(value, hints[key], name)
    return kind(**values)


def _convert(value: Any, kind: Any, name: str) -> Any:
    """Return a TOML value as the declared kind of the setting, or say what was expected."""
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _convert_first(value, args, name)
    if is_dataclass(kind) and isinstance(value, Mapping):
        return build(kind, value, where=name)  # type: ignore[arg-type]
    if origin is tuple and isinstance(value, list | tuple) and (args[-1] is ... or len(args) == len(value)):
        inner = args[:1] * len(value) if args[-1] is ... else args
        return tuple(_convert(v, k, name) for v, k in zip(value, inner, strict=True))
    if origin is abc.Mapping and isinstance(value, Mapping):
        return {str(k): _convert(v, args[1], f"{name}.{k}") for k, v in value.items()}
    return _convert_scalar(value, kind, name)


def _convert_scalar(value: Any, kind: Any, name: str) -> Any:
    """Return a number, text or truth value as the declared kind; TOML's whole numbers are numbers too."""
    if type(value) is float and not math.isfinite(value):
        raise UsageError(f"{name}={value}: expected a finite number.")
    if kind is Any or value in get_args(kind) or type(value) is kind:
        return value
    if (kind, type(value)) in ((float, int), (str, int), (str, float)):
        return _number(value, kind, name)
    if kind is type(None) and value in ("none", ""):
        return None
    raise UsageError(f"{name}={value!r}: expected {_describe(kind)}.")


def _number(value: float, kind: Any, name: str) -> Any:
    """Return a number as another kind; a whole number may be too large to be a float."""
    try:
        return kind(value)
    except OverflowError:
        raise UsageError(f"{name}: expected a finite number, not one of {len(str(value))} digits.") from None


def _convert_first(value: Any, kinds: tuple[Any, ...], name: str) -> Any:
    """Return the value as the first of several kinds that takes it."""
    for kind in kinds:
        with contextlib.suppress(UsageError):
            return _convert(value, kind, name)
    raise UsageError(f"{name}={value!r}: expected {' or '.join(_describe(kind) for kind in kinds)}.")


def _describe(kind: Any) -> str:
    """Return a kind of value in words."""
    origin, args = get_origin(kind), get_args(kind)
    if origin is Literal:
        return "one of " + ", ".join(str(a) for a in args)
    if origin is tuple:
        return "a list of " + (_describe(args[0]) if args else "values") + "s"
    words = {float: "number", int: "whole number", str: "text", bool: "true or false", type(None): "none"}
    return words.get(kind, "a table")


def _put(table: dict[str, Any], key: str, value: Any) -> None:
    """Set ``a.b.c`` in nested tables."""
    *sections, last = key.split(".")
    for section in sections:
        table = table.setdefault(section, {})
        if not isinstance(table, dict):
            raise UsageError(f"'{section}' in '{key}' is a single setting, not a section.")
    table[last] = value


def _parse_value(text: str) -> Any:
    """Return a value written as TOML, or the text itself."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):  # TOML's errors among them
        return text


def _read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file."""
    try:
        if path.is_file() and path.stat().st_size > _LARGEST_TOML:
            raise UsageError(f"{path} has {path.stat().st_size} bytes; settings have up to {_LARGEST_TOML}.")
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise MissingInputError(f"There is no settings file {path}. Check --config-file.") from None
    except UsageError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(
            f"{path} is not valid TOML: {error}. Write settings as [section] and key = value."
        ) from None


def _to_toml(table: Mapping[str, Any], prefix: str = "") -> str:
    """Return nested tables as TOML; JSON's scalars and lists are TOML's."""
    scalars = {k: v for k, v in table.items() if v is not None and not isinstance(v, Mapping)}
    lines = [f"{_toml_key(key)} = {json.dumps(value)}" for key, value in scalars.items()]
    for key, value in ((_toml_key(k), v) for k, v in table.items()):
        if isinstance(value, Mapping):
            inner = _to_toml(value, prefix=f"{prefix}{key}.")
            header = any(line and not line.startswith("[") for line in inner.splitlines()[:1])
            lines += [f"\n[{prefix}{key}]\n{inner}" if header else inner]
    return "\n".join(lines)


def _toml_key(key: str) -> str:
    """Return a key as TOML writes it."""
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key)
