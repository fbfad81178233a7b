from __future__ import annotations

from pathlib import Path

import pytest

from bids_eeg2fmri.bids.dataset import IndexedFile, index_files, list_participants, read_description
from bids_eeg2fmri.bids.derivatives import find_derivatives, find_preprocessed, index_derivatives
from bids_eeg2fmri.bids.names import common_entities, entities_of, file_name
from bids_eeg2fmri.bids.sidecars import read_sidecar
from bids_eeg2fmri.errors import BadDataError, MissingInputError, NotBidsError
from bids_eeg2fmri.records import Entities


def test_only_selected_participants_are_indexed(small_dataset: Path) -> None:
    assert list_participants(small_dataset) == ("01", "02")
    files = index_files(small_dataset, ["02"])
    assert {f.fields["subject"] for f in files} == {"02"}
    assert not any("derivatives" in f.path.parts for f in files)


def test_a_label_is_not_a_prefix_of_another(tmp_path: Path) -> None:
    for label in ("1", "10"):
        folder = tmp_path / f"sub-{label}" / "eeg"
        folder.mkdir(parents=True)
        (folder / f"sub-{label}_task-a_eeg.vhdr").touch()
    (tmp_path / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.10.0"}')
    assert [f.fields["subject"] for f in index_files(tmp_path, ["1"])] == ["1"]


def test_description_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError):
        read_description(tmp_path / "none")
    with pytest.raises(NotBidsError, match="not a BIDS dataset"):
        read_description(tmp_path)
    (tmp_path / "dataset_description.json").write_text("{")
    with pytest.raises(NotBidsError, match="cannot be read"):
        read_description(tmp_path)


def test_sidecars_are_inherited_and_the_nearest_wins(tmp_path: Path) -> None:
    folder = tmp_path / "sub-1" / "func"
    folder.mkdir(parents=True)
    (tmp_path / "bold.json").write_text('{"A": 0, "B": 0, "C": 0}')
    (tmp_path / "task-a_bold.json").write_text('\ufeff{"B": 1, "C": 1}', encoding="utf-8")
    (tmp_path / "task-b_bold.json").write_text('{"B": 9}')
    (folder / "sub-1_task-a_bold.json").write_text('{"C": 2}')
    (folder / "sub-1_task-a_run-1_bold.json").symlink_to("nowhere")
    image = folder / "sub-1_task-a_run-1_bold.nii.gz"
    assert read_sidecar(image, tmp_path) == {"A": 0, "B": 1, "C": 2}
    (folder / "sub-1_task-a_bold.json").write_text("{oops")
    with pytest.raises(BadDataError, match=r"sub-1_task-a_bold\.json"):
        read_sidecar(image, tmp_path)


def test_preprocessed_image_with_mask_and_confounds(small_dataset: Path) -> None:
    roots = find_derivatives(small_dataset)
    assert "fmriprep" in [root.name for root in roots]
    files = index_derivatives(roots, ["01"])
    raw = next(
        f
        for f in index_files(small_dataset, ["01"])
        if f.path.name == "sub-01_task-imagery_run-2_bold.nii.gz"
    )
    (found,) = find_preprocessed(files, raw, space="MNI152NLin2009cAsym")
    assert found.image.name == "sub-01_task-imagery_run-2_space-MNI152NLin2009cAsym_desc-preproc_bold.nii.gz"
    assert found.mask is not None
    assert found.confounds is not None
    assert found.confounds.name == "sub-01_task-imagery_run-2_desc-confounds_timeseries.tsv"
    assert find_preprocessed(files, raw, space="T1w") == ()
    other = IndexedFile(path=raw.path, fields={**raw.fields, "direction": "PA"})
    assert find_preprocessed(files, other, space="MNI152NLin2009cAsym") == (), "made from another image"


def test_names() -> None:
    entities = entities_of({"subject": "01", "task": "a", "run": "03"})
    assert str(entities) == "sub-01_task-a_run-3"
    name = file_name(entities, suffix="bold", extension=".nii.gz", space="X", desc="y")
    assert name == "sub-01_task-a_run-3_space-X_desc-y_bold.nii.gz"
    other = Entities(subject="01", task="b", run=1)
    assert common_entities([entities, other]) == Entities(subject="01")
