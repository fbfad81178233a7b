from __future__ import annotations

from pathlib import Path

from bids_eeg2fmri.bids.dataset import IndexedFile
from bids_eeg2fmri.bids.pairing import find_recordings, pair_by_name
from bids_eeg2fmri.settings import Selection


def file(name: str) -> IndexedFile:
    """An indexed file as pybids would describe it."""
    stem, _, extension = name.partition(".")
    *pairs, suffix = stem.split("_")
    keys = {
        "sub": "subject",
        "ses": "session",
        "task": "task",
        "acq": "acquisition",
        "run": "run",
        "echo": "echo",
    }
    fields = {keys[p.split("-")[0]]: p.split("-")[1] for p in pairs}
    return IndexedFile(path=Path(name), fields={**fields, "suffix": suffix, "extension": "." + extension})


def paired(*names: str) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """Return the pairs, and the reason of every recording left alone."""
    eeg, bold = find_recordings([file(n) for n in names], Selection())
    pairs, single = pair_by_name(eeg, bold)
    return [(p.eeg.path.name, p.bold.path.name) for p in pairs], {s.file.path.name: s.reason for s in single}


def test_run_numbers_are_integers() -> None:
    pairs, single = paired("sub-1_task-a_run-01_eeg.vhdr", "sub-1_task-a_run-1_bold.nii.gz")
    assert pairs == [("sub-1_task-a_run-01_eeg.vhdr", "sub-1_task-a_run-1_bold.nii.gz")]
    assert not single


def test_an_entity_of_one_side_only_does_not_prevent_a_pair() -> None:
    pairs, _ = paired("sub-1_task-a_eeg.edf", "sub-1_task-a_acq-mb2_run-1_bold.nii.gz")
    assert len(pairs) == 1


def test_ambiguous_recordings_stay_alone_and_say_why() -> None:
    pairs, single = paired(
        "sub-1_task-a_eeg.set", "sub-1_task-a_run-1_bold.nii.gz", "sub-1_task-a_run-2_bold.nii.gz"
    )
    assert not pairs
    assert "not unique" in single["sub-1_task-a_eeg.set"]
    assert len(single) == 3


def test_other_task_or_session_is_no_partner() -> None:
    pairs, single = paired(
        "sub-1_ses-1_task-a_eeg.vhdr", "sub-1_ses-2_task-a_bold.nii.gz", "sub-1_ses-1_task-b_bold.nii.gz"
    )
    assert not pairs
    assert all("no " in reason for reason in single.values())


def test_only_the_first_echo_counts() -> None:
    pairs, single = paired(
        "sub-1_task-a_eeg.vhdr", "sub-1_task-a_echo-1_bold.nii.gz", "sub-1_task-a_echo-2_bold.nii.gz"
    )
    assert [bold for _, bold in pairs] == ["sub-1_task-a_echo-1_bold.nii.gz"]
    assert not single


def test_selection_by_label_and_filter() -> None:
    files = [file(f"sub-1_task-{t}_run-0{r}_eeg.vhdr") for t in "ab" for r in (1, 2)]
    chosen, _ = find_recordings(files, Selection(tasks=("a",), runs=("1",)))
    assert [f.path.name for f in chosen] == ["sub-1_task-a_run-01_eeg.vhdr"]
    chosen, _ = find_recordings(files, Selection(filters={"eeg": {"task": ["b"], "run": 2}}))
    assert [f.path.name for f in chosen] == ["sub-1_task-b_run-02_eeg.vhdr"]
