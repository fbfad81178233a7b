"""Frozen dataclasses from tables of TOML, checked kind by kind, and back."""

from __future__ import annotations

import contextlib
import json
import math
import re
import tomllib
import types
from collections import abc
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from bids_eeg2fmri.errors import MissingInputError, UsageError, did_you_mean

#: Bytes of a settings file.
_LARGEST_TOML = 2**20


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


def put(table: dict[str, Any], key: str, value: Any) -> None:
    """Set ``a.b.c`` in nested tables."""
    *sections, last = key.split(".")
    for section in sections:
        table = table.setdefault(section, {})
        if not isinstance(table, dict):
            raise UsageError(f"'{section}' in '{key}' is a single setting, not a section.")
    table[last] = value


def parse_value(text: str) -> Any:
    """Return a value written as TOML, or the text itself."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):  # TOML's errors among them
        return text


def read_toml(path: Path) -> dict[str, Any]:
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


def to_toml(table: Mapping[str, Any], prefix: str = "") -> str:
    """Return nested tables as TOML; JSON's scalars and lists are TOML's."""
    scalars = {k: v for k, v in table.items() if v is not None and not isinstance(v, Mapping)}
    lines = [f"{_toml_key(key)} = {json.dumps(value)}" for key, value in scalars.items()]
    for key, value in ((_toml_key(k), v) for k, v in table.items()):
        if isinstance(value, Mapping):
            inner = to_toml(value, prefix=f"{prefix}{key}.")
            header = any(line and not line.startswith("[") for line in inner.splitlines()[:1])
            lines += [f"\n[{prefix}{key}]\n{inner}" if header else inner]
    return "\n".join(lines)


def _toml_key(key: str) -> str:
    """Return a key as TOML writes it."""
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key)
