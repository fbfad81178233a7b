"""Types of arrays, and the check of their shapes."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
#: Class of each volume or window and target, (n_volumes, n_targets); -1 where there is none.
Labels = NDArray[np.int64]


def check_shape(owner: object, name: str, expected: tuple[int | None, ...]) -> None:
    """Raise if the array ``owner.name`` is not of the expected shape (None: any length)."""
    shape = np.shape(getattr(owner, name))
    fits = len(shape) == len(expected) and all(
        e is None or s == e for s, e in zip(shape, expected, strict=True)
    )
    if not fits:
        wanted = ", ".join("any" if e is None else str(e) for e in expected)
        raise ValueError(f"{type(owner).__name__}.{name}: expected shape ({wanted}), got {shape}.")


def column_names(record: type[Any]) -> tuple[str, ...]:
    """Return the field names of a record, the columns of its table."""
    return tuple(f.name for f in fields(record))
