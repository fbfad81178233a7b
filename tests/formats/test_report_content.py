from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from bids_eeg2fmri.errors import BadDataError, MissingInputError
from bids_eeg2fmri.formats.report_content import read_content, write_content
from bids_eeg2fmri.records import Entities, Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Inner:
    entities: Entities
    values: Floats
    flags: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shown:
    title: str
    number: float
    kind: Literal["a", "b"]
    path: Path
    many: tuple[Inner, ...]
    pair: tuple[float, float]
    table: Mapping[str, Mapping[str, Floats]]
    anything: Mapping[str, Any]
    missing: Inner | None = None


def make() -> Shown:
    entities = Entities(subject="01", session="x", run=2)
    values = np.random.default_rng(0).normal(size=(4, 3))
    long = np.broadcast_to(np.float32(0), (64, 10**9))
    return Shown(
        title="Ünicode <b>",
        number=math.nan,
        kind="b",
        path=Path("/data/sub-01"),
        many=(
            Inner(entities=entities, values=values, flags=values[:, 0] > 0),
            Inner(entities=entities, values=long),
        ),
        pair=(0.1, math.inf),
        table={"run-1": {"recall": values.T}},
        anything={"bands": [[1, 4], [8.5, 12]], "name": None},
    )


def test_what_is_written_is_read_back_exactly(tmp_path: Path) -> None:
    path, content = tmp_path / "report.safetensors", make()
    assert write_content(path, content, version="1") == [path]
    first = path.read_bytes()
    assert len(first) < 5000, "zeros of a recording's shape take no space"
    back = read_content(path, {"Shown": Shown}, version="1")
    assert (back.title, back.kind, back.path, back.pair) == (
        content.title,
        content.kind,
        content.path,
        content.pair,
    )
    assert math.isnan(back.number)
    assert back.anything == dict(content.anything)
    assert back.missing is None
    assert back.many[0].entities == content.many[0].entities
    np.testing.assert_array_equal(back.many[0].values, content.many[0].values)
    np.testing.assert_array_equal(back.many[0].flags, content.many[0].flags)
    np.testing.assert_array_equal(back.table["run-1"]["recall"], content.table["run-1"]["recall"])
    assert back.many[1].values.shape == (64, 10**9)
    assert back.many[1].values.dtype == np.float32
    write_content(path, back, version="1")
    assert path.read_bytes() == first


def test_damaged_missing_or_foreign_content_is_named(tmp_path: Path) -> None:
    path = tmp_path / "report.safetensors"
    with pytest.raises(MissingInputError, match="without --reports-only"):
        read_content(path, {"Shown": Shown}, version="2")
    write_content(path, make(), version="1")
    with pytest.raises(BadDataError, match="made by version 1, cannot be read by version 2"):
        read_content(path, {"Other": Shown}, version="2")
    text = path.read_bytes()
    path.write_bytes(text.replace(json.dumps("kind").encode()[1:-1], b"king"))
    with pytest.raises(BadDataError, match="Run again without"):
        read_content(path, {"Shown": Shown}, version="2")
    path.write_bytes(text[:100])
    with pytest.raises(BadDataError, match="an unknown version"):
        read_content(path, {"Shown": Shown}, version="2")
