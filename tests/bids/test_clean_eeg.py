from __future__ import annotations

from pathlib import Path

import pytest

from bids_eeg2fmri.bids.clean_eeg import find_epochs, find_preprocessed_eeg
from bids_eeg2fmri.bids.names import dataset_root, parse_leniently


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sub-xp101/eeg_pp/sub-xp101_task-motorloc_eeg_pp.vhdr", {"subject": "xp101", "task": "motorloc"}),
        ("sub-32/eeg/sub-32_task-rest_eeg.vhdr", {"subject": "32", "task": "rest"}),
        (
            "d_sub-1_ses-2_task-a_acq-x_run-03_cleaned.set",
            {"subject": "1", "session": "2", "task": "a", "acquisition": "x", "run": "03"},
        ),
        ("sub-1/ses-2/task-a.edf", {"subject": "1", "session": "2", "task": "a"}),
        ("sub-1/sub-1_run-first_eeg.set", {"subject": "1"}),
    ],
)
def test_entities_of_names_that_are_not_bids(name: str, expected: dict[str, str]) -> None:
    assert parse_leniently(Path(name)) == expected


def test_recordings_of_one_participant_and_the_last_of_their_stages(tmp_path: Path) -> None:
    names = [
        "sub-1/eeg/sub-1_task-a_proc-filt_raw.fif",
        "sub-1/eeg/sub-1_task-a_proc-clean_raw.fif",
        "sub-1/eeg/sub-1_task-a_proc-clean_epo.fif",
        "sub-1/eeg/sub-1_task-a_proc-ica_ica.fif",
        "sub-1/eeg/sub-1_task-a_split-02_raw.fif",
        "sub-1/eeg_pp/sub-1_task-b_eeg_pp.vhdr",
        "sub-1/eeg_pp/sub-1_task-b_eeg_pp.dat",
        "sub-1_task-c_clean.set",
        "sub-10/eeg/sub-10_task-a_eeg.vhdr",
        "sub-10_task-c_clean.set",
    ]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).symlink_to("nowhere")
    found = find_preprocessed_eeg([tmp_path], "1")
    assert sorted(f.path.relative_to(tmp_path).as_posix() for f in found) == [
        "sub-1/eeg/sub-1_task-a_proc-clean_raw.fif",
        "sub-1/eeg_pp/sub-1_task-b_eeg_pp.vhdr",
        "sub-1_task-c_clean.set",
    ]


def test_root_of_a_recording() -> None:
    assert dataset_root(Path("/data/sub-1/ses-1/eeg/x_eeg.vhdr")) == Path("/data")
    assert dataset_root(Path("/data/flat/sub-1_eeg.vhdr")) == Path("/data/flat")


def test_epochs_are_found_and_are_no_recordings(tmp_path: Path) -> None:
    for name in ("sub-1_task-a_proc-clean_epo.fif", "sub-1_task-a_ave.fif", "sub-1_task-a_run-01_raw.fif"):
        (tmp_path / "sub-1" / "eeg" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "sub-1" / "eeg" / name).touch()
    (found,) = find_epochs([tmp_path], "1")
    assert found.path.name == "sub-1_task-a_proc-clean_epo.fif"
    assert found.fields["task"] == "a"
    assert [f.path.stem for f in find_preprocessed_eeg([tmp_path], "1")] == ["sub-1_task-a_run-01_raw"]
