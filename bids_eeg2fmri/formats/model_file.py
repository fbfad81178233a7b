"""Trained models on disk: tensors in safetensors, everything else in JSON; never a pickle."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from bids_eeg2fmri.errors import BadDataError, MissingInputError
from bids_eeg2fmri.formats.atomic import whole_file
from bids_eeg2fmri.formats.json_file import read_json, write_json
from bids_eeg2fmri.formats.model_limits import LARGEST_MODEL, SCORES, check_model_content
from bids_eeg2fmri.records import SavedModel

#: Raised whenever files written before can no longer be read as they are.
FORMAT_VERSION = 1


def write_model(path: Path, model: SavedModel) -> list[Path]:
    """Write ``*_model.safetensors`` and the ``.json`` beside it; return both paths.

    The JSON holds the format version, and digest and shapes of the tensors, which tell a damaged file.
    """
    content = asdict(replace(model, tensors={}))
    tensors = {name: np.asarray(value, order="C") for name, value in model.tensors.items()}
    content["positions"] = [[_or_none(x) for x in row] for row in model.positions.tolist()]
    for name in SCORES:
        content[name] = [_or_none(x) for x in content[name]]
    content["tensors"] = {name: list(value.shape) for name, value in tensors.items()}
    data = save(tensors)
    sidecar = path.with_suffix(".json")
    head = {"format_version": FORMAT_VERSION, "sha256": hashlib.sha256(data).hexdigest()}
    write_json(sidecar, head | content)
    with whole_file(path) as part:
        part.write_bytes(data)
    return [path, sidecar]


def read_model(path: Path) -> SavedModel:
    """Read a trained model from its ``.safetensors`` file and the JSON beside it.

    Raises
    ------
    MissingInputError
        If one of the two files is not there.
    BadDataError
        If they are of another format version, damaged, or do not belong together.
    """
    content = read_json(path.with_suffix(".json"))
    found = content.pop("format_version", None)
    if found != FORMAT_VERSION:
        raise BadDataError(
            f"{path.with_suffix('.json')} is of model format {found}, made by version "
            f"{content.get('version')}; this version reads format {FORMAT_VERSION}. Train the model again "
            "with this version, or use the version that made it."
        )
    try:
        size = path.stat().st_size
        if size > LARGEST_MODEL:
            raise BadDataError(f"{path} has {size} bytes; a model has up to {LARGEST_MODEL}. Train it again.")
        data = path.read_bytes()
    except BadDataError:
        raise
    except OSError as error:
        raise MissingInputError(
            f"There is no file {path} that can be read ({error.strerror}). Copy the model again, both files."
        ) from None
    digest = hashlib.sha256(data).hexdigest()
    try:
        check_model_content(content)
        if content.pop("sha256") != digest:
            raise ValueError(_compare(data, content["tensors"]))
        rows = content.pop("positions")
        positions = np.array([[math.nan if x is None else x for x in row] for row in rows], dtype=np.float64)
        for name in ("channel_names", "region_names", "trained_on"):
            content[name] = tuple(content[name])
        for name in SCORES:
            content[name] = tuple(math.nan if x is None else float(x) for x in content.get(name, []))
        tensors = load(data)
        return SavedModel(**content | {"tensors": tensors, "positions": positions.reshape(-1, 3)})
    except (SafetensorError, KeyError, TypeError, ValueError, OverflowError) as error:
        what = f"no entry {error}" if type(error) is KeyError else error
        raise BadDataError(
            f"{path} and its JSON are not a whole model of this app: {what}. Copy both files again, or train "
            "the model again."
        ) from None


def model_digest(path: Path) -> str:
    """Return the SHA-256 of the tensors and the JSON of a model, which tells it from every other."""
    total = hashlib.sha256(path.read_bytes())
    total.update(path.with_suffix(".json").read_bytes())
    return total.hexdigest()


def _compare(data: bytes, expected: Mapping[str, Any]) -> str:
    """Return in words how the tensors differ from the shapes that the JSON lists."""
    try:
        found = {name: list(value.shape) for name, value in load(data).items()}
    except SafetensorError as error:
        return f"the tensors cannot be read, the file is cut short or damaged ({error})"
    missing = [name for name in expected if name not in found]
    if missing:
        return f"the tensors {', '.join(missing)} are missing"
    for name, shape in expected.items():
        if found[name] != shape:
            return f"tensor {name} is of shape {found[name]}, expected {shape}"
    return "the values of the tensors are not those the JSON was written for"


def _or_none(value: float) -> Any:
    """Return a number JSON can hold."""
    return value if math.isfinite(value) else None
