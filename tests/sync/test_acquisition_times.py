from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from bids_eeg2fmri.sync.acquisition_times import (
    Began,
    is_simultaneous,
    offset_of,
    overlap,
    read_acquisition_times,
)


def began(text: str, resolution: float = 1.0) -> Began:
    return Began(time=datetime.fromisoformat(text), resolution=resolution)


@pytest.mark.parametrize(
    ("bold", "shared", "together"),
    [
        ("2020-01-01T10:00:10", 100, True),
        ("2020-01-01T09:59:30", 70, True),
        ("2020-01-01T10:01:40", 20, False),
        ("2020-01-01T10:05:00", -180, False),
        ("2020-01-02T10:00:10", -86290, False),
    ],
)
def test_overlap(bold: str, shared: float, together: bool) -> None:
    seconds = overlap(began("2020-01-01T10:00:00"), 120.0, began(bold), 100.0)
    assert seconds == pytest.approx(shared)
    assert is_simultaneous(seconds, 120.0, 100.0) is together


def test_offset_is_as_exact_as_the_coarser_time(tmp_path: Path) -> None:
    folder = tmp_path / "sub-1" / "ses-1"
    folder.mkdir(parents=True)
    (folder / "sub-1_ses-1_scans.tsv").write_text(
        "filename\tacq_time\neeg/a.vhdr\t1880-01-01T10:00:00.250Z\nfunc/a.nii.gz\t1880-01-01T10:00:09\nx\tn/a\n"
    )
    times, complaints = read_acquisition_times(tmp_path, "1")
    assert not complaints
    assert len(times) == 2
    offset, resolution = offset_of(times[folder / "eeg" / "a.vhdr"], times[folder / "func" / "a.nii.gz"])
    assert (offset, resolution) == (8.75, 1.0)
