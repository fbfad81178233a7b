from __future__ import annotations

from pathlib import Path

import mne
import pytest

from bids_eeg2fmri.errors import BadDataError, MissingInputError
from bids_eeg2fmri.formats.brainvision import read_brainvision_header, read_brainvision_markers

HEADER = """Brain Vision Data Exchange Header File Version 1.0
[Common Infos]
DataFile=$b.eeg
MarkerFile=x.vmrk
DataFormat=BINARY
NumberOfChannels=2
SamplingInterval=200
[Binary Infos]
BinaryFormat=INT_16
[Channel Infos]
Ch1=C3,,0.5,µV
[Comment]
SamplingInterval=1
"""


def test_header_and_markers_are_what_mne_reads(small_dataset: Path) -> None:
    path = small_dataset / "sub-01" / "eeg" / "sub-01_task-imagery_run-1_eeg.vhdr"
    raw = mne.io.read_raw(path, verbose="error")
    header = read_brainvision_header(path)
    assert header.n_channels == len(raw.ch_names)
    assert header.sfreq == raw.info["sfreq"]
    assert header.signal.stat().st_size / header.bytes_per_sample == raw.n_times
    assert header.markers is not None
    markers = read_brainvision_markers(header.markers, header.sfreq)
    known = [(a["onset"], a["description"]) for a in raw.annotations if a["description"] != "New Segment/"]
    assert [m.description for m in markers] == [description for _, description in known]
    assert [m.onset for m in markers] == pytest.approx([onset for onset, _ in known])


def test_old_encodings_and_comments(tmp_path: Path) -> None:
    path = tmp_path / "x.vhdr"
    path.write_bytes(HEADER.encode("cp1252"))
    header = read_brainvision_header(path)
    assert header.sfreq == 5000
    assert header.bytes_per_sample == 4
    assert header.signal == tmp_path / "x.eeg"


def test_markers_with_commas_and_damaged_ones(tmp_path: Path) -> None:
    path = tmp_path / "x.vmrk"
    path.write_text(
        "[Marker Infos]\nMk1=New Segment,,1,1,0\nMk3=Comment,a\\1 b,11,1,0\nMk2=Stimulus,S  1,6,1,0\n"
    )
    first, second = read_brainvision_markers(path, 5.0)
    assert (first.onset, first.description) == (1.0, "Stimulus/S  1")
    assert (second.onset, second.description) == (2.0, "Comment/a, b")
    path.write_text("[Marker Infos]\nMk1=Stimulus,S  1,six,1,0\n")
    with pytest.raises(BadDataError, match="damaged at 'Mk1=Stimulus"):
        read_brainvision_markers(path, 5.0)


def test_files_that_were_renamed_without_their_header(tmp_path: Path) -> None:
    path = tmp_path / "sub-1_eeg.vhdr"
    path.write_text(HEADER.replace("$b.eeg", "old.eeg"), encoding="utf-8")
    path.with_suffix(".eeg").touch()
    with pytest.raises(MissingInputError, match=r"names old.eeg, which is not there, but sub-1_eeg.eeg is"):
        read_brainvision_header(path)
