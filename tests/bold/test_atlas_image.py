from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from bids_eeg2fmri.bold.atlas_image import place_image, read_atlas_image
from bids_eeg2fmri.bold.grid import Grid, GridRegions, paint_labels
from bids_eeg2fmri.errors import BadDataError

AFFINE = np.array([[2.0, 0, 0, -10], [0, 2, 0, -10], [0, 0, 2, -10], [0, 0, 0, 1]])
SHAPE = (10, 10, 10)
GRID = Grid(shape=SHAPE, affine=AFFINE, mask=np.ones(SHAPE, dtype=bool), space="MNI152NLin2009cAsym")


def save(path: Path, data: np.ndarray, affine: np.ndarray = AFFINE) -> Path:
    nib.save(nib.Nifti1Image(data, affine), path)
    return path


def place(path: Path, grid: Grid = GRID) -> GridRegions:
    return place_image(read_atlas_image(path), grid)


def two_labels() -> np.ndarray:
    data = np.zeros(SHAPE, dtype=np.int16)
    data[:3] = 7
    data[5:, 2:4] = 12
    return data


def test_labels_keep_their_voxels_and_get_names_from_the_table_beside(tmp_path: Path) -> None:
    path = save(tmp_path / "atlas.nii.gz", two_labels())
    regions = place(path)
    assert regions.names == ("label_7", "label_12")
    ranks = (two_labels() > 0).astype(int) + (two_labels() == 12)
    assert np.array_equal(paint_labels(regions.weights, SHAPE), ranks)
    (tmp_path / "atlas.tsv").write_text("index\tname\n12\thand\n99\tnowhere\n")
    assert place(path).names == ("label_7", "hand")


def test_labels_of_another_grid_are_taken_from_the_nearest_voxel(tmp_path: Path) -> None:
    # Twice as fine, mirrored in x: each voxel of the data holds 2 x 2 x 2 of the atlas.
    fine = np.kron(two_labels(), np.ones((2, 2, 2), dtype=np.int16))[::-1]
    affine = np.array([[-1.0, 0, 0, 8.4], [0, 1, 0, -10.4], [0, 0, 1, -10.4], [0, 0, 0, 1]])
    regions = place(save(tmp_path / "fine.nii", fine, affine))
    expected = (two_labels() > 0).astype(int) + (two_labels() == 12)
    assert np.array_equal(paint_labels(regions.weights, SHAPE), expected)


def test_the_brain_mask_cuts_labels(tmp_path: Path) -> None:
    mask = np.zeros(SHAPE, dtype=bool)
    mask[:, :5] = True
    grid = Grid(shape=SHAPE, affine=AFFINE, mask=mask)
    labels = paint_labels(place(save(tmp_path / "a.nii", two_labels()), grid).weights, SHAPE)
    assert np.array_equal(labels > 0, (two_labels() > 0) & mask)


def test_a_mask_is_one_region_named_after_its_file(tmp_path: Path) -> None:
    path = save(tmp_path / "handarea.nii.gz", (two_labels() == 7).astype(np.float32)[..., None])
    regions = place(path)
    assert regions.names == ("handarea",)
    assert regions.weights.sum() == 300


def test_maps_are_weights_and_the_largest_is_painted(tmp_path: Path) -> None:
    maps = np.zeros((*SHAPE, 2), dtype=np.float32)
    maps[2:6, ..., 0] = 0.25
    maps[4:8, ..., 1] = 0.75
    path = save(tmp_path / "maps.nii.gz", maps)
    regions = place(path)
    assert regions.names == ("map_1", "map_2")
    assert np.array_equal(regions.weights.toarray(), maps.reshape(-1, 2).T)
    labels = paint_labels(regions.weights, SHAPE)
    assert [int(labels[k, 0, 0]) for k in range(10)] == [0, 0, 1, 1, 2, 2, 2, 2, 0, 0]
    (tmp_path / "maps.tsv").write_text("index\tname\n0\tleft\n1\tright\n")
    assert place(path).names == ("left", "right")
    # Halfway between two voxels a linear map has half of each.
    shifted = AFFINE.copy()
    shifted[0, 3] -= 1
    moved = place(path, Grid(shape=SHAPE, affine=shifted, mask=GRID.mask)).weights.toarray()
    assert moved.reshape(2, *SHAPE)[0, :, 5, 5].tolist() == [0, 0, 0.125, 0.25, 0.25, 0.25, 0.125, 0, 0, 0]


def test_what_is_no_atlas_is_refused_with_the_reason(tmp_path: Path) -> None:
    broken = two_labels().astype(np.float32)
    broken[0, 0, 0] = np.nan
    far = AFFINE.copy()
    far[:3, 3] = 500
    values = np.arange(8000, dtype=np.int16).reshape(20, 20, 20)
    maps = np.zeros((*SHAPE, 3), dtype=np.float32)
    maps[4, 4, 4] = 1
    broken_maps = maps.copy()
    broken_maps[1, 1, 1, 2] = np.inf
    for data, affine, words in [
        (broken, AFFINE, r"not finite \(NaN\)"),
        (two_labels() * 0.5, AFFINE, "3D but holds values that are not whole numbers"),
        (-two_labels(), AFFINE, "are no labels"),
        (values, AFFINE, "8000 values from 0 to 7999"),
        (two_labels() * 0, AFFINE, "has no labels"),
        (two_labels(), far, "does not overlap the BOLD"),
        (maps, far, "does not overlap the BOLD"),
        (maps - 1, AFFINE, "4D but holds values from -1 to 0"),
        (1000 * maps, AFFINE, "labels are a 3D image"),
        (broken_maps, AFFINE, r"not finite \(NaN\)"),
        (maps[0, 0], AFFINE, "is 2D"),
    ]:
        path = save(tmp_path / "atlas.nii.gz", data, affine)
        with pytest.raises(BadDataError, match=words):
            place(path)


def test_tables_of_names_are_checked(tmp_path: Path) -> None:
    path = save(tmp_path / "atlas.nii.gz", two_labels())
    for text, words in [
        ("label\tname\n7\ta\n", "columns index and name"),
        ("index\tname\n7.5\ta\n", "lacks an index"),
        ("index\tname\n7\tn/a\n", "lacks an index"),
        ("index\tname\n7\ta\n7\tb\n", "twice"),
        ("index\tname\n7\ta\n12\ta\n", "twice"),
        ("index\tname\n12\tlabel_7\n", "have one name"),
    ]:
        (tmp_path / "atlas.tsv").write_text(text)
        with pytest.raises(BadDataError, match=words):
            place(path)
    maps = save(tmp_path / "maps.nii.gz", np.ones((*SHAPE, 3), dtype=np.float32))
    (tmp_path / "maps.tsv").write_text("index\tname\n1\ta\n2\tb\n")
    with pytest.raises(BadDataError, match=r"names 2 regions but maps\.nii\.gz has 3 maps"):
        place(maps)


def test_an_atlas_that_names_another_space(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(BadDataError, match="in the space T1w but the BOLD is in MNI152NLin2009cAsym"):
        place(save(tmp_path / "sub-01_space-T1w_dseg.nii.gz", two_labels()))
    place(save(tmp_path / "tpl-MNI152NLin2009cAsym_dseg.nii.gz", two_labels()))
    assert not caplog.records
    place(save(tmp_path / "tpl-MNI152NLin6Asym_dseg.nii.gz", two_labels()))
    assert "a few mm apart" in caplog.text
