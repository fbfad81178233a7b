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

    def __post_init__(self) -> None:
        """Check that the corners fit each other and the sampling rate."""
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
    #: Cut-off of the cosine high-pass, Hz.
    highpass: float = 0.008
    #: Number of head-motion regressors: 6 parameters, 12 with their derivatives, 24 with squares.
    motion: int = 12
    #: Whether the mean signals of white matter and CSF are removed too.
    white_matter_csf: bool = True

    def __post_init__(self) -> None:
        """Check the values."""
        if self.motion not in (0, 6, 12, 24):
            raise UsageError(f"bold.motion={self.motion}: allowed are 0, 6, 12 and 24.")
        if self.radius <= 0:
            raise UsageError(f"bold.radius={self.radius:g}: allowed is a radius above 0 (mm).")
        if self.min_voxels < 1:
            raise UsageError(f"bold.min_voxels={self.min_voxels}: allowed is 1 or more.")
        if self.highpass < 0:
            raise UsageError(f"bold.highpass={self.highpass:g}: allowed is 0 (off) or above (Hz).")


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
    #: Draws of the circular-shift null.
    n_nulls: int = 1000
    #: Smallest shift of that null, s.
    min_shift: float = 20.0

    def __post_init__(self) -> None:
        """Check the values."""
        check_scheme(self.cv)
        if self.n_nulls < 1:
            raise UsageError(f"evaluation.n_nulls={self.n_nulls}: allowed is 1 or more.")
        if self.min_shift < 0:
            raise UsageError(f"evaluation.min_shift={self.min_shift:g}: allowed is 0 or more (s).")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that changes a result."""

    #: Models to train, by their names in the registry.
    model: tuple[str, ...] = ("ridge", "eegnet")
    #: Seed of every random draw.
    random_seed: int = 0
    sync: SyncSettings = field(default_factory=SyncSettings)
    eeg: EegSettings = field(default_factory=EegSettings)
    bold: BoldSettings = field(default_factory=BoldSettings)
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)
    #: The settings of each model that differ from its defaults: ``models.eegnet.window``.
    models: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check that there is a model and the seed is usable."""
        if not self.model:
            raise UsageError("No model given: name at least one with --model.")
        if self.random_seed < 0:
            raise UsageError(f"random_seed={self.random_seed}: allowed is 0 or more.")

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
    device: Literal["auto", "cpu", "cuda"] = "auto"
    dry_run: bool = False
    stop_on_first_crash: bool = False
    work_dir: Path | None = None
    #: Keeps pybids' index of the datasets; None: they are indexed anew, only the selected participants.
    bids_database_dir: Path | None = None
    verbose: int = 0


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
        return kind(value)
    if kind is type(None) and value in ("none", ""):
        return None
    raise UsageError(f"{name}={value!r}: expected {_describe(kind)}.")


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
    except tomllib.TOMLDecodeError:
        return text


def _read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise MissingInputError(f"There is no settings file {path}. Check --config-file.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
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
