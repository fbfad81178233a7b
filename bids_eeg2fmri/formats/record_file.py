"""Records kept in the work folder, so that another model or seed does not clean everything again."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.formats.atomic import whole_file
from bids_eeg2fmri.records import CleanEeg, RealignedRun, RegionSeries, RegionSignals, TemplatePlace

R = TypeVar("R", CleanEeg, RegionSeries, RegionSignals, RealignedRun, TemplatePlace)

_logger = logging.getLogger(__name__)


def keep_record(work_dir: Path | None, kind: type[R], name: str, digest: str, make: Callable[[], R]) -> R:
    """Return a record from the work folder, or make it and keep it there."""
    if work_dir is None:
        return make()
    path = work_dir / f"{name}_{digest[:16]}.safetensors"
    if path.exists():
        try:
            return read_record(path, kind)
        except BadDataError as error:
            _logger.warning("%s", error)
    record = make()
    write_record(path, record)
    return record


def write_record(
    path: Path, record: CleanEeg | RegionSeries | RegionSignals | RealignedRun | TemplatePlace
) -> None:
    """Write a record as one safetensors file: arrays as tensors, everything else as JSON in its metadata."""
    values = {f.name: getattr(record, f.name) for f in fields(record)}
    arrays = {k: np.ascontiguousarray(v) for k, v in values.items() if isinstance(v, np.ndarray)}
    rest = {k: v for k, v in values.items() if k not in arrays}
    with whole_file(path) as part:
        part.write_bytes(save(arrays, metadata={"record": json.dumps(rest)}))


def read_record(path: Path, kind: type[R]) -> R:
    """Read a record of a known kind.

    Raises
    ------
    BadDataError
        If the file is damaged or holds something else.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            rest = json.loads(file.metadata()["record"])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (no mapping)
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in rest.items()}
        return kind(**(values | arrays))
    except (
        SafetensorError,
        OSError,
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
        RecursionError,
    ) as error:
        raise BadDataError(f"{path} is damaged ({error}). Remove it; it is made again.") from None
