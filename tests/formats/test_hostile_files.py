"""Headers that claim what cannot be, files larger than they look: refused before they are read."""

from __future__ import annotations

import gzip
import json
import os
import struct
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mne
import nibabel as nib
import numpy as np
import pytest
from fuzz_targets import edf_bytes

from bids_eeg2fmri.bids.json_object import DEEPEST_JSON, LARGEST_JSON, load_json
from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.formats.content import LARGEST_TABLE, LARGEST_TEXT, check_content
from bids_eeg2fmri.formats.eeg_recording import inspect_eeg, open_eeg, read_eeg_header
from bids_eeg2fmri.formats.fif_tags import check_fif
from bids_eeg2fmri.formats.json_file import read_json
from bids_eeg2fmri.formats.nifti import read_image_header
from bids_eeg2fmri.formats.table import numbers, read_table
from bids_eeg2fmri.formats.text_table import read_text_table

VHDR = """Brain Vision Data Exchange Header File Version 1.0
[Common Infos]
DataFile={data}
MarkerFile={markers}
DataFormat=BINARY
DataOrientation=MULTIPLEXED
NumberOfChannels={channels}
SamplingInterval={interval}
[Binary Infos]
BinaryFormat=INT_16
[Channel Infos]
Ch1=C3,,0.1,µV
Ch2=C4,,0.1,µV
"""


@pytest.fixture(autouse=True)
def small_and_fast() -> Iterator[None]:
    """No test here may take 100 MB of memory or 5 s of work, whatever a header claims."""
    tracemalloc.start()
    began = time.process_time()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6
    assert time.process_time() - began < 5


def vhdr(folder: Path, **values: Any) -> Path:
    path = folder / "x.vhdr"
    fields = {"data": "x.eeg", "markers": "x.vmrk", "channels": 2, "interval": 4000} | values
    path.write_text(VHDR.format(**fields), encoding="utf-8")
    (folder / "x.eeg").write_bytes(b"\x01\x00" * 4000)
    (folder / "x.vmrk").write_text(
        "Brain Vision Data Exchange Marker File\n[Marker Infos]\nMk1=Response,R 1,5,1,0\n"
    )
    return path


@pytest.mark.parametrize("key", ["data", "markers"])
@pytest.mark.parametrize(
    "name",
    ["/etc/passwd", "../../x.eeg", "sub/x.eeg", "..", "C:\\data\\x.eeg", "..\\x.eeg", "x.eeg\x00", "$b/../y"],
)
def test_a_header_cannot_name_files_elsewhere(tmp_path: Path, key: str, name: str) -> None:
    with pytest.raises(BadDataError, match=r"names a file elsewhere: .*a name without folders"):
        read_eeg_header(vhdr(tmp_path, **{key: name}))
    with pytest.raises(BadDataError, match="names a file elsewhere"):
        open_eeg(tmp_path / "x.vhdr")


@pytest.mark.parametrize(
    "more",
    [
        "[Other]\nDataFile=/etc/passwd\n",  # MNE asks a section, we ask all
        "[DEFAULT]\nMarkerFile : ../x\n",
        "[Other]\n  datafile\t=\t../x\n",
    ],
)
def test_it_cannot_hide_the_name_from_one_of_its_readers(tmp_path: Path, more: str) -> None:
    path = vhdr(tmp_path)
    path.write_text(path.read_text(encoding="utf-8") + more, encoding="utf-8")
    with pytest.raises(BadDataError, match="names a file elsewhere"):
        read_eeg_header(path)


def test_it_cannot_be_read_in_two_encodings(tmp_path: Path) -> None:
    path = vhdr(tmp_path)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("DataFile", "Codepage=utf-7\nDataFile", 1), encoding="utf-8")
    with pytest.raises(BadDataError, match="Codepage=utf-7; allowed are UTF-8"):
        read_eeg_header(path)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"channels": 10**6}, "1000000 channels; allowed are 1 to 2048"),
        ({"channels": 0}, "0 channels"),
        ({"channels": -5}, "-5 channels"),
        ({"interval": "1e-9"}, "1e\\+15 Hz; allowed are 1 to 1e\\+06"),
        ({"interval": -4000}, "-250 Hz"),
        ({"interval": "nan"}, "nan Hz"),
        ({"interval": 0}, "no BrainVision header"),
        ({"interval": "9" * 5000}, "Hz|no BrainVision header"),
    ],
)
def test_absurd_brainvision_headers(tmp_path: Path, values: dict[str, Any], words: str) -> None:
    with pytest.raises(BadDataError, match=words):
        read_eeg_header(vhdr(tmp_path, **values))


def test_a_signal_cannot_be_blown_up_by_its_fastest_channel(tmp_path: Path) -> None:
    """Slow channels are repeated: 2000 of them up to 60000 samples, of which the file holds one each."""
    content = bytearray(edf_bytes(np.ones((2000, 1)), 1))
    content[256 + 216 * 2000 : 256 + 216 * 2000 + 8] = b"60000   "
    path = tmp_path / "x.edf"
    path.write_bytes(bytes(content) + bytes(2 * 60_000))
    with pytest.raises(
        BadDataError, match="announces 60000 samples of 2000 channels, but holds 636256 bytes"
    ):
        open_eeg(path)


def test_links_into_an_annex_are_files_like_any_other(tmp_path: Path) -> None:
    path = vhdr(tmp_path)
    annex = tmp_path / ".git" / "annex" / "objects" / "a1"
    annex.mkdir(parents=True)
    for name in ("x.vhdr", "x.eeg", "x.vmrk"):
        (tmp_path / name).rename(annex / f"MD5E-{name}")
        (tmp_path / name).symlink_to(Path(".git/annex/objects/a1") / f"MD5E-{name}")
    assert len(read_eeg_header(path).markers) == 1
    assert open_eeg(path).n_times == 2000


def nifti(path: Path, **fields: tuple[str, int, Any]) -> Path:
    """Write a valid image of 4 volumes and put numbers into its header: (format, offset, value)."""
    image = nib.Nifti1Image(np.ones((4, 5, 6, 4), np.int16), np.diag([2.0, 2.0, 2.0, 1.0]))
    content = bytearray(image.to_bytes())
    for kind, offset, value in fields.values():
        struct.pack_into(f"<{kind}", content, offset, value)
    path.write_bytes(gzip.compress(bytes(content)) if path.suffix == ".gz" else bytes(content))
    return path


@pytest.mark.parametrize("name", ["x.nii", "x.nii.gz"])
@pytest.mark.parametrize(
    ("field", "words"),
    [
        (
            ("3h", 42, (10_000, 10_000, 10_000)),
            "10000 x 10000 x 10000 x 4 voxels; allowed are 268435456 in a volume",
        ),
        (("h", 48, 30_000), "cut short"),
        (("h", 40, 0), "dimensions"),
        (("h", 40, 9), "dimensions"),
        (("h", 42, -4), "dimensions"),
        (("h", 70, 1792), "data type 1792"),
        (("h", 70, 0), "data type 0"),
        (("f", 80, float("nan")), "voxels of nan"),
        (("f", 84, 0.0), "voxels of 2 x 0 x 2 mm"),
        (("f", 92, -2.0), "repetition time of -2"),
        (("f", 92, float("inf")), "repetition time of inf"),
        (("f", 108, 1e12), "data from byte 1e\\+12"),
        (("f", 108, float("nan")), "data from byte nan"),
        (("f", 280, float("nan")), "affine"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_absurd_images(tmp_path: Path, name: str, field: Any, words: str) -> None:
    kind, offset, value = field
    values = value if isinstance(value, tuple) else (value,)
    path = tmp_path / name
    image = nib.Nifti1Image(np.ones((4, 5, 6, 4), np.int16), np.diag([2.0, 2.0, 2.0, 1.0]))
    content = bytearray(image.to_bytes())
    struct.pack_into(f"<{kind}", content, offset, *values)
    path.write_bytes(gzip.compress(bytes(content)) if path.suffix == ".gz" else bytes(content))
    with pytest.raises(BadDataError, match=words):
        read_image_header(path)


def test_an_image_of_a_trillion_voxels_of_nifti_2(tmp_path: Path) -> None:
    content = bytearray(nib.Nifti2Image(np.ones((4, 5, 6), np.int16), np.eye(4)).to_bytes())
    struct.pack_into("<3q", content, 24, 10**4, 10**4, 10**4)
    (tmp_path / "x.nii").write_bytes(bytes(content))
    with pytest.raises(BadDataError, match="10000 x 10000 x 10000 voxels; allowed are 268435456"):
        read_image_header(tmp_path / "x.nii")


def test_a_bomb_is_refused_unread(tmp_path: Path) -> None:
    """300 GB in 400 MB: possible, and never an image."""
    content = bytearray(nib.Nifti1Image(np.ones((4, 5, 6, 4), np.int16), np.eye(4)).to_bytes())
    struct.pack_into("<4h", content, 42, 500, 500, 500, 1200)
    path = tmp_path / "x.nii.gz"
    path.write_bytes(gzip.compress(bytes(content)))
    os.truncate(path, 400 * 10**6)
    with pytest.raises(
        BadDataError, match="300000000000 bytes compressed to 400000000; allowed are a ratio of 200"
    ):
        read_image_header(path)


def test_a_matlab_bomb(tmp_path: Path) -> None:
    stream = zlib.compressobj(1)
    packed = b"".join(stream.compress(bytes(2**20)) for _ in range(300)) + stream.flush()
    path = tmp_path / "x.set"
    path.write_bytes(
        b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM" + struct.pack("<II", 15, len(packed)) + packed
    )
    with pytest.raises(BadDataError, match="holds more than 268435456 once decompressed"):
        open_eeg(path)


@pytest.mark.parametrize(
    ("place", "text", "words"),
    [
        (252, b"1000000 "[:4], "announces 1000 signals|cannot|channels|ends within"),
        (252, b"-1  ", "-1 channels"),
        (252, b"abcd", "number of signals is b'abcd'"),
        (236, b"-9      ", "-9 records"),
        (244, b"nan     ", "length of a record"),
        (256 + 216 * 2, b"99999999", "records of .* bytes, but"),
        (256 + 216 * 2, b"-8      ", "records of"),
        (256 + 216 * 2, b"0       0       "[:16], "records of 0 bytes"),
    ],
)
def test_absurd_edf_headers(tmp_path: Path, place: int, text: bytes, words: str) -> None:
    content = bytearray(edf_bytes(np.ones((2, 1000)), 100))
    content[place : place + len(text)] = text
    path = tmp_path / "x.edf"
    path.write_bytes(bytes(content))
    with pytest.raises(BadDataError, match=words):
        open_eeg(path)


def fif(folder: Path, name: str = "x_raw.fif") -> Path:
    raw = mne.io.RawArray(np.ones((2, 500)) * 1e-6, mne.create_info(2, 100.0, "eeg"), verbose="error")
    raw.save(folder / name, verbose="error")
    return folder / name


@pytest.mark.parametrize(
    ("offset", "value", "words"),
    [(8, 2**31 - 1, "announces 2147483647 bytes"), (8, -1, "announces -1 bytes"), (12, 4, "leads back")],
)
def test_fif_tags_lie_in_the_file_and_lead_on(tmp_path: Path, offset: int, value: int, words: str) -> None:
    path = fif(tmp_path)
    check_fif(path)
    content = bytearray(path.read_bytes())
    (length,) = struct.unpack_from(">i", content, 8)
    struct.pack_into(">i", content, 16 + length + offset, value)  # of the second tag
    path.write_bytes(bytes(content))
    with pytest.raises(BadDataError, match=words):
        open_eeg(path)


@pytest.mark.parametrize("name", ["x_raw.fif", "../x_raw.fif", "/etc/passwd"])
def test_a_fif_recording_is_not_continued_in_circles_or_elsewhere(tmp_path: Path, name: str) -> None:
    path = fif(tmp_path)
    tags = [(104, 3, struct.pack(">i", 118)), (115, 3, struct.pack(">i", 2)), (118, 10, name.encode())]
    tags += [(105, 3, struct.pack(">i", 118))]
    content = bytearray(path.read_bytes())
    struct.pack_into(">i", content, 36 + 16, -1)  # no directory: the tags are gone through
    end = content.rindex(struct.pack(">iIii", 108, 0, 0, -1))  # the last tag, which says so
    more = b"".join(struct.pack(">iIii", kind, type_, len(data), 0) + data for kind, type_, data in tags)
    path.write_bytes(bytes(content[:end]) + more)
    with pytest.raises(
        BadDataError, match="comes before it" if name == "x_raw.fif" else "continued elsewhere"
    ):
        open_eeg(path)


JSONS: dict[str, tuple[bytes, str]] = {
    "deep": (b"[" * 10**6 + b"]" * 10**6, f"more than {DEEPEST_JSON} levels deep"),
    "deep enough to be read": (b'{"a":' * 100 + b"1" + b"}" * 100, f"more than {DEEPEST_JSON} levels deep"),
    "utf-16": ('{"a": 1}'.encode("utf-16"), "cannot be read as JSON"),
    "zeros": (b"\x00" * 100, "cannot be read as JSON"),
    "list": (b"[1, 2]", "holds no JSON object"),
    "duplicate brackets": (b'{"a": 1}}', "cannot be read as JSON"),
}


@pytest.mark.parametrize("content", JSONS.values(), ids=JSONS)
def test_json_that_is_none(tmp_path: Path, content: tuple[bytes, str]) -> None:
    (tmp_path / "x.json").write_bytes(content[0])
    with pytest.raises(BadDataError, match=content[1]):
        read_json(tmp_path / "x.json")


def test_numbers_of_json_are_finite_or_none(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(
        f'\ufeff{{"a": NaN, "b": 1e999, "c": {"9" * 5000}, "d": -Infinity, "e": 12, "f": {10**20}}}'
    )
    assert load_json(path) == {"a": None, "b": None, "c": None, "d": None, "e": 12, "f": 1e20}


def large(limit: int, name: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(b"onset\tduration\n1\t2\n")
        os.truncate(path, limit + 1)  # sparse: it takes no space
        return path

    return make


@pytest.mark.parametrize(
    ("make", "read"),
    [
        (large(LARGEST_JSON, "x.json"), read_json),
        (large(LARGEST_TABLE, "x.tsv"), read_table),
        (large(LARGEST_TEXT, "x.tsv"), read_text_table),
        (large(LARGEST_TEXT, "x.vhdr"), read_eeg_header),
    ],
)
def test_what_is_read_as_a_whole_has_a_largest_size(
    tmp_path: Path, make: Callable[[Path], Path], read: Callable[[Path], Any]
) -> None:
    with pytest.raises(BadDataError, match=r"bytes.*\d{8}"):
        read(make(tmp_path))


@pytest.mark.parametrize("read", [read_table, read_text_table])
def test_a_table_of_a_million_columns(tmp_path: Path, read: Callable[[Path], Any]) -> None:
    path = tmp_path / "x.tsv"
    path.write_bytes(b"a" + b"\t" * 10**6)
    with pytest.raises(BadDataError, match="1000001 columns; at most 20000"):
        read(path)


@pytest.mark.parametrize("value", ["inf", "-inf", "1e300"])
def test_numbers_beyond_any_measure(tmp_path: Path, value: str) -> None:
    path = tmp_path / "x.tsv"
    path.write_text(f"onset\tx\n1\t{value}\n")
    with pytest.raises(BadDataError, match=r"'x' holds .*allowed is up to 1e\+30"):
        read_text_table(path).numbers("x")
    with pytest.raises(BadDataError, match=r"'x' holds .*allowed is up to 1e\+30"):
        numbers(read_table(path), "x", path)


def test_a_pipe_in_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.json")
    with pytest.raises(BadDataError, match="no regular file"):
        read_json(tmp_path / "x.json")
    with pytest.raises(BadDataError, match="pipe or device"):
        check_content(tmp_path / "x.json")


def test_markers_beyond_any_scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bids_eeg2fmri.formats.brainvision._MOST_MARKERS", 10)
    path = vhdr(tmp_path)
    lines = "".join(f"Mk{k}=Response,R 1,5,1,0\n" for k in range(11))
    (tmp_path / "x.vmrk").write_text(f"Brain Vision Data Exchange Marker File\n[Marker Infos]\n{lines}")
    with pytest.raises(BadDataError, match="more than 10 markers"):
        read_eeg_header(path)


def test_control_characters_become_escapes(tmp_path: Path) -> None:
    path = vhdr(tmp_path)
    (tmp_path / "x.vmrk").write_bytes(
        b"Brain Vision Data Exchange Marker File\n[Marker Infos]\nMk1=Comment,\x1b[31mred\x07,5,1,0\n"
    )
    (marker,) = read_eeg_header(path).markers
    assert marker.description == r"Comment/\x1b[31mred\x07"
    table = tmp_path / "x.tsv"
    table.write_bytes(b"onset\ttrial_type\n1\t\x1b]0;title\x07go\n")
    assert read_text_table(table).texts("trial_type") == (r"\x1b]0;title\x07go",)
    state = inspect_eeg(tmp_path / "no\x1b[2J.vhdr")
    assert "\x1b" not in str(state.problems[0])
    assert json.dumps(str(state.problems[0])).count("x1b") == 1
