"""What a report shows, in one safetensors file: arrays as tensors, everything else as JSON; no pickle."""

from __future__ import annotations

import json
import types
from collections import abc
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from bids_eeg2fmri.errors import BadDataError, MissingInputError
from bids_eeg2fmri.formats.atomic import whole_file

_KEY = "report"


def write_content(path: Path, content: Any, *, version: str) -> list[Path]:
    """Write a dataclass of dataclasses, tuples, mappings, arrays, paths and scalars; return the path.

    The same content gives the same bytes.
    """
    tensors: dict[str, NDArray[Any]] = {}
    tree = {"kind": type(content).__name__, "version": version, "content": _encode(content, tensors)}
    data = save(tensors, metadata={_KEY: json.dumps(tree)})
    with whole_file(path) as part:
        part.write_bytes(data)
    return [path]


def read_content(path: Path, kinds: Mapping[str, type[Any]], *, version: str) -> Any:
    """Read what :func:`write_content` wrote: a dataclass, one of ``kinds`` by their names.

    Raises
    ------
    MissingInputError
        If the file is not there.
    BadDataError
        If it is damaged, or of a version that this one (``version``) cannot read.
    """
    if not path.exists():
        raise MissingInputError(f"There is no file {path}. Run again without --reports-only.")
    made_by = "an unknown version"
    try:
        with safe_open(path, framework="numpy") as file:
            tree = json.loads(file.metadata()[_KEY])
            made_by = f"version {tree['version']}"
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (no mapping)
        return _decode(tree["content"], kinds[tree["kind"]], tensors)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise BadDataError(
            f"{path}, made by {made_by}, cannot be read by version {version} ({error}). Run again without "
            "--reports-only."
        ) from None


def _encode(value: Any, tensors: dict[str, NDArray[Any]]) -> Any:
    """Return a value as JSON holds it, arrays put aside under names."""
    if is_dataclass(value):
        return {f.name: _encode(getattr(value, f.name), tensors) for f in fields(value)}
    if isinstance(value, np.ndarray):
        return _encode_array(value, tensors)
    if isinstance(value, Mapping):
        return {str(key): _encode(item, tensors) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_encode(item, tensors) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    return str(value) if isinstance(value, Path) else value


def _encode_array(value: NDArray[Any], tensors: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """Return an array's name; of one that holds a single value many times, that value and the shape."""
    if value.size > 1 and not any(value.strides):
        return {"value": value.flat[0].item(), "shape": list(value.shape), "dtype": str(value.dtype)}
    name = f"{len(tensors):06d}"
    tensors[name] = np.asarray(value, order="C")
    return {"tensor": name}


def _decode(value: Any, kind: Any, tensors: Mapping[str, NDArray[Any]]) -> Any:
    """Return a value of a declared kind from what JSON holds."""
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        (inner,) = (arg for arg in args if arg is not type(None))
        return None if value is None else _decode(value, inner, tensors)
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return kind(**{name: _decode(item, hints[name], tensors) for name, item in value.items()})  # type: ignore[operator]
    if origin is np.ndarray:
        return _decode_array(value, tensors)
    if origin is tuple:
        kinds = args[:1] * len(value) if args[-1] is ... else args
        return tuple(_decode(item, one, tensors) for item, one in zip(value, kinds, strict=True))
    if origin is abc.Mapping:
        return {key: _decode(item, args[1], tensors) for key, item in value.items()}
    return Path(value) if kind is Path else value


def _decode_array(value: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    """Return an array from its name, or from the value it holds many times (read-only, of no size)."""
    if "tensor" in value:
        return tensors[value["tensor"]]
    return np.broadcast_to(np.array(value["value"], dtype=value["dtype"]), tuple(value["shape"]))
