from __future__ import annotations

import numpy as np
import pytest

from bids_eeg2fmri.records import Marker
from bids_eeg2fmri.sync.recordings import _lost_markers

VOLUMES = np.arange(11.024, 131, 2.0)


def mark(onsets: np.ndarray, name: str) -> list[Marker]:
    return [Marker(onset=float(onset), description=name) for onset in onsets]


@pytest.mark.parametrize(
    ("kept", "lost"),
    [
        (mark(VOLUMES, "Response/R128"), []),
        (mark(VOLUMES + 0.004, "R128"), []),  # renamed and resampled
        (mark(VOLUMES[::10], "imagery"), ["Response/R128"]),  # they stand where some volumes do
        (mark(VOLUMES[:-1], "Response/R128"), ["Response/R128"]),
        (mark(VOLUMES + 0.5, "R128"), ["Response/R128"]),
        (mark(VOLUMES[:1], "first"), ["Response/R128"]),
        ([], ["Response/R128"]),
    ],
)
def test_kinds_of_markers_that_a_pipeline_has_lost(kept: list[Marker], lost: list[str]) -> None:
    found = _lost_markers(mark(VOLUMES, "Response/R128"), kept)
    assert sorted({marker.description for marker in found}) == lost
    assert len(found) == len(lost) * len(VOLUMES)


def test_each_kind_is_judged_by_itself() -> None:
    tasks = mark(VOLUMES[::10] + 0.3, "Stimulus/S 1")
    found = _lost_markers([*mark(VOLUMES, "R128"), *tasks], mark(VOLUMES[::10] + 0.3, "imagery"))
    assert {marker.description for marker in found} == {"R128"}
