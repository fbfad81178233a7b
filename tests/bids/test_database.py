from __future__ import annotations

from pathlib import Path

import pytest

from bids_eeg2fmri.bids import database
from bids_eeg2fmri.bids.dataset import index_files
from bids_eeg2fmri.errors import OutputError


def make_dataset(root: Path) -> Path:
    for label in ("1", "10"):
        for datatype, name in (("eeg", "task-a_eeg.vhdr"), ("func", "task-a_bold.nii.gz")):
            folder = root / f"sub-{label}" / datatype
            folder.mkdir(parents=True)
            (folder / f"sub-{label}_{name}").touch()
    (root / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.10.0"}')
    (root / "task-a_bold.json").symlink_to("nowhere")
    return root


def test_the_kept_index_says_the_same_and_is_made_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, kept = make_dataset(tmp_path / "bids"), tmp_path / "index"
    expected = index_files(root, ["1"])
    assert len(expected) == 2
    assert index_files(root, ["1"], database_dir=kept) == expected
    monkeypatch.setattr(database, "make_index", None)
    assert index_files(root, ["1"], database_dir=kept) == expected
    assert {f.fields["subject"] for f in index_files(root, ["10"], database_dir=kept)} == {"10"}
    assert not [p for p in root.rglob("*") if "sqlite" in p.name]


def test_names_mean_what_pybids_says(small_dataset: Path, tmp_path: Path) -> None:
    for root in (small_dataset, small_dataset / "derivatives" / "fmriprep"):
        files = index_files(root, ["01"])
        assert len(files) > 10
        assert files == index_files(root, ["01"], database_dir=tmp_path)
    assert files[0].fields["subject"] == "01"


def test_another_job_was_faster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, kept = make_dataset(tmp_path / "bids"), tmp_path / "index"
    make_index = database.make_index

    def make_slowly(own: Path, folder: Path) -> None:
        monkeypatch.setattr(database, "make_index", make_index)
        index_files(own, ["1"], database_dir=kept)
        make_index(own, folder)

    monkeypatch.setattr(database, "make_index", make_slowly)
    assert len(index_files(root, ["1"], database_dir=kept)) == 2
    assert len(list(kept.iterdir())) == 1


def test_a_stale_index_is_made_again(tmp_path: Path) -> None:
    root, kept = make_dataset(tmp_path / "bids"), tmp_path / "index"
    index_files(root, ["1"], database_dir=kept)
    (root / "sub-1" / "eeg" / "sub-1_task-b_eeg.vhdr").touch()
    (root / "sub-1" / "func" / "sub-1_task-a_bold.nii.gz").unlink()
    names = [f.path.name for f in index_files(root, ["1"], database_dir=kept)]
    assert names == ["sub-1_task-a_eeg.vhdr", "sub-1_task-b_eeg.vhdr"]
    assert len(list(kept.iterdir())) == 1


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="--bids-database-dir"):
        index_files(make_dataset(tmp_path / "bids"), ["1"], database_dir=tmp_path / "file")


def test_a_damaged_index_is_made_again(tmp_path: Path) -> None:
    root, kept = make_dataset(tmp_path / "bids"), tmp_path / "index"
    good = index_files(root, ["1"], database_dir=kept)
    (database_file,) = kept.rglob("*.sqlite")
    database_file.write_bytes(b"no database at all" * 100)
    assert index_files(root, ["1"], database_dir=kept) == good
    assert len(list(kept.iterdir())) == 1
