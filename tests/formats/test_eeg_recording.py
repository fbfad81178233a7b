from __future__ import annotations

from pathlib import Path

import pytest

from bids_eeg2fmri.errors import BadDataError, MissingInputError
from bids_eeg2fmri.formats.eeg_recording import read_eeg_header
from bids_eeg2fmri.formats.eeg_signal import read_eeg


def recording(root: Path) -> Path:
    return root / "sub-01" / "eeg" / "sub-01_task-imagery_run-1_eeg.vhdr"


def test_header_and_markers(small_dataset: Path) -> None:
    header = read_eeg_header(recording(small_dataset))
    assert header.sfreq == 250.0
    assert sum("R128" in m.description for m in header.markers) == 60
    assert 120 < header.duration < 160


def test_signal_through_mne_bids(small_dataset: Path) -> None:
    raw = read_eeg(recording(small_dataset))
    assert raw.get_channel_types().count("eeg") == 16
    assert raw.get_channel_types().count("ecg") == 1


def test_truncated_signal_is_refused_and_says_where_it_ends(own_dataset: Path) -> None:
    signal = recording(own_dataset).with_suffix(".eeg")
    signal.write_bytes(signal.read_bytes()[: signal.stat().st_size // 2])
    with pytest.raises(BadDataError, match=r"truncated: it ends after \d+\.\d s, but its last marker"):
        read_eeg_header(recording(own_dataset))


def test_shorter_than_its_sidecar_says(small_dataset: Path) -> None:
    with pytest.raises(BadDataError, match="RecordingDuration"):
        read_eeg_header(recording(small_dataset), stated_duration=999.0)


def test_missing_and_damaged_parts(own_dataset: Path) -> None:
    header = recording(own_dataset)
    header.with_suffix(".vmrk").unlink()
    with pytest.raises(MissingInputError, match="vmrk"):
        read_eeg_header(header)
    header.write_text("no header\n")
    header.with_suffix(".vmrk").write_text("no markers\n")
    with pytest.raises(BadDataError, match="cannot be read as EEG"):
        read_eeg_header(header)
