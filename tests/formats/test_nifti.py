from __future__ import annotations

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from bids_eeg2fmri.errors import BadDataError, MissingInputError
from bids_eeg2fmri.formats.nifti import iterate_volumes, read_image_header, read_volume, write_volume


def make(path: Path, shape: tuple[int, ...] = (4, 5, 6, 40), tr: float = 2.0) -> np.ndarray:
    data = np.random.default_rng(0).integers(0, 1000, shape).astype(np.int16)
    image = nib.Nifti1Image(data, np.diag([3.0, 3.0, 3.0, 1.0]))
    if len(shape) == 4:
        image.header.set_zooms((3.0, 3.0, 3.0, tr))
    image.to_filename(path)
    return data


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_header_and_blocks(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"x{ending}"
    data = make(path)
    header = read_image_header(path)
    assert header.shape == (4, 5, 6, 40)
    assert header.tr == 2.0
    np.testing.assert_array_equal(np.concatenate(list(iterate_volumes(path)), axis=3), data)


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_an_image_cut_short_is_refused_from_its_header_on(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"x{ending}"
    make(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(BadDataError, match="cut short"):
        read_image_header(path)


def test_gzip_of_several_members_is_no_cut_image(tmp_path: Path) -> None:
    path = tmp_path / "x.nii"
    make(path)
    content = path.read_bytes()
    double = tmp_path / "y.nii.gz"
    double.write_bytes(gzip.compress(content[:1000]) + gzip.compress(content[1000:]))
    assert read_image_header(double).shape == (4, 5, 6, 40)


def test_milliseconds_in_the_header(tmp_path: Path) -> None:
    path = tmp_path / "x.nii"
    image = nib.Nifti1Image(np.zeros((2, 2, 2, 3), dtype=np.int16), np.eye(4))
    image.header.set_zooms((1.0, 1.0, 1.0, 2000.0))
    image.header.set_xyzt_units("mm", "msec")
    image.to_filename(path)
    assert read_image_header(path).tr == pytest.approx(2.0)


def test_missing_content(tmp_path: Path) -> None:
    link, pointer, empty, text = (tmp_path / f"{n}.nii.gz" for n in ("link", "pointer", "empty", "text"))
    link.symlink_to(".git/annex/objects/none")
    pointer.write_text("/annex/objects/MD5E-s1--x.nii.gz\n")
    empty.touch()
    text.write_text("this is not an image at all")
    with pytest.raises(MissingInputError, match="datalad get"):
        read_image_header(link)
    with pytest.raises(MissingInputError, match="datalad get"):
        read_image_header(pointer)
    with pytest.raises(BadDataError, match="is empty"):
        read_image_header(empty)
    with pytest.raises(BadDataError, match="cannot be read as NIfTI"):
        read_image_header(text)


def test_volume_round_trip_with_the_same_bytes(tmp_path: Path) -> None:
    data = np.arange(24, dtype=np.int32).reshape(2, 3, 4)
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    for name in ("a.nii.gz", "b.nii.gz"):
        write_volume(tmp_path / name, data, affine)
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()
    np.testing.assert_array_equal(read_volume(tmp_path / "a.nii.gz"), data)
    make(tmp_path / "four.nii")
    with pytest.raises(BadDataError, match="3D image is needed"):
        read_volume(tmp_path / "four.nii")
