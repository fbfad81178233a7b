"""Settings from defaults, a file, assignments and flags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bids_eeg2fmri.errors import UsageError
from bids_eeg2fmri.settings.job import DEFAULT_MODELS, Settings
from bids_eeg2fmri.settings.tables import build, parse_value, put, read_toml


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
    table: dict[str, Any] = read_toml(config_file) if config_file else {}
    for text in assignments:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"--set {text}: expected KEY=VALUE, for example --set eeg.lowpass=30.")
        put(table, key.strip(), parse_value(value.strip()))
    for key, value in flags.items():
        if value is not None:
            put(table, key, value)
    # What was in force is written down, so the models of another objective are named here.
    table.setdefault("model", DEFAULT_MODELS.get(str(table.get("objective")), DEFAULT_MODELS["bold"]))
    settings: Settings = build(Settings, table, where="")
    return settings
