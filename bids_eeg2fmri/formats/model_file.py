"""Trained models on disk: tensors in safetensors, everything else in JSON; never a pickle."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from bids_eeg2fmri.errors import BadDataError, MissingInputError
from bids_eeg2fmri.formats.atomic import whole_file
from bids_eeg2fmri.formats.json_file import read_json, write_json
from bids_eeg2fmri.records import SavedModel


def write_model(path: Path, model: SavedModel) -> list[Path]:
    """Write ``*_model.safetensors`` and the ``.json`` beside it; return both paths."""
    content = asdict(model)
    tensors = {name: np.asarray(value, order="C") for name, value in content.pop("tensors").items()}
    content["positions"] = [[_or_none(x) for x in row] for row in model.positions.tolist()]
    sidecar = path.with_suffix(".json")
    write_json(sidecar, content)
    with whole_file(path) as part:
        part.write_bytes(save(tensors))
    return [path, sidecar]


def read_model(path: Path) -> SavedModel:
    """Read a trained model from its ``.safetensors`` file and the JSON beside it.

    Raises
    ------
    MissingInputError
        If one of the two files is not there.
    BadDataError
        If they are damaged.
    """
    content = read_json(path.with_suffix(".json"))
    try:
        tensors = load(path.read_bytes())
        rows = content.pop("positions")
        positions = np.array([[math.nan if x is None else x for x in row] for row in rows], dtype=np.float64)
        for name in ("channel_names", "region_names", "trained_on"):
            content[name] = tuple(content[name])
        return SavedModel(**content, tensors=tensors, positions=positions.reshape(-1, 3))
    except FileNotFoundError:
        raise MissingInputError(f"There is no file {path}.") from None
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise BadDataError(f"{path} and its JSON are not a model of this app ({error}).") from None


def _or_none(value: float) -> Any:
    """Return a number JSON can hold."""
    return value if math.isfinite(value) else None
