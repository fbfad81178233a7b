from __future__ import annotations

from pathlib import Path

import pytest

from bids_eeg2fmri.bids.model_files import check_models_path, find_model_files, list_model_names
from bids_eeg2fmri.errors import BadDataError, MissingInputError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("sub-01/sub-01_desc-ridge", "sub-01/sub-01_task-a_desc-smr", "sub-02/sub-02_desc-efp"):
        path = tmp_path / f"{name}_model.safetensors"
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (tmp_path / "sub-01" / "sub-01_desc-scores_metrics.tsv").touch()
    return tmp_path


def test_each_participant_gets_the_own_models(folder: Path) -> None:
    assert [path.name for path in find_model_files(folder, "01")] == [
        "sub-01_desc-ridge_model.safetensors",
        "sub-01_task-a_desc-smr_model.safetensors",
    ]
    assert [path.name for path in find_model_files(folder, "01", ["smr"])] == [
        "sub-01_task-a_desc-smr_model.safetensors"
    ]
    assert list_model_names(folder) == ("efp", "ridge", "smr")


def test_a_file_is_for_everybody(folder: Path) -> None:
    (file,) = find_model_files(folder, "02")
    assert find_model_files(file, "07") == (file,)
    assert list_model_names(file) == ("efp",)


def test_what_is_not_there_is_named(folder: Path) -> None:
    with pytest.raises(MissingInputError, match=r"no model of sub-03; it has models of sub-01, sub-02\."):
        find_model_files(folder, "03")
    with pytest.raises(MissingInputError, match=r"no model 'efp' of sub-01 .* there are ridge, smr\."):
        find_model_files(folder, "01", ["efp"])
    (folder / "sub-01" / "sub-01_ses-1_desc-smr_model.safetensors").touch()
    with pytest.raises(BadDataError, match="Two model files of sub-01 are of the model 'smr'"):
        find_model_files(folder, "01")


def test_a_path_without_models_is_refused(folder: Path) -> None:
    check_models_path(folder)
    check_models_path(*find_model_files(folder, "02"))
    for path in (folder / "none", folder / "sub-01", folder / "sub-01" / "sub-01_desc-scores_metrics.tsv"):
        with pytest.raises(MissingInputError, match="Give --apply the output folder"):
            check_models_path(path)
