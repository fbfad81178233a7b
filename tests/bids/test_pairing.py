from __future__ import annotations

from pathlib import Path

from bids_eeg2fmri.bids.dataset import IndexedFile
from bids_eeg2fmri.bids.pairing import EEG_EXTENSIONS, drop_other_formats, find_recordings, pair_by_name
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
    found = pair_by_name(eeg, bold)
    pairs = [(p.eeg.path.name, p.bold.path.name) for p in found.pairs]
    return pairs, {s.file.path.name: s.reason for s in found.unpaired}


def test_run_numbers_are_integers() -> None:
    pairs, single = paired("sub-1_task-a_run-01_eeg.vhdr", "sub-1_task-a_run-1_bold.nii.gz")
    assert pairs == [("sub-1_task-a_run-01_eeg.vhdr", "sub-1_task-a_run-1_bold.nii.gz")]
    assert not single


def test_an_entity_of_one_side_only_does_not_prevent_a_pair() -> None:
    pairs, _ = paired("sub-1_task-a_eeg.edf", "sub-1_task-a_acq-mb2_run-1_bold.nii.gz")
    assert len(pairs) == 1


def test_what_names_leave_open_is_left_undecided() -> None:
    names = ("sub-1_task-a_eeg.set", "sub-1_task-a_run-1_bold.nii.gz", "sub-1_task-a_run-2_bold.nii.gz")
    found = pair_by_name(*find_recordings([file(n) for n in names], Selection()))
    assert not found.pairs
    assert not found.unpaired
    (group,) = found.undecided
    assert [f.path.name for f in (*group.eeg, *group.bold)] == list(names)


def test_equal_names_go_before_names_that_only_do_not_contradict() -> None:
    pairs, single = paired(
        "sub-1_task-a_eeg.vhdr",
        "sub-1_task-a_run-1_eeg.vhdr",
        "sub-1_task-a_run-1_bold.nii.gz",
        "sub-1_task-a_run-2_bold.nii.gz",
    )
    assert ("sub-1_task-a_run-1_eeg.vhdr", "sub-1_task-a_run-1_bold.nii.gz") in pairs
    assert ("sub-1_task-a_eeg.vhdr", "sub-1_task-a_run-2_bold.nii.gz") in pairs
    assert not single


def test_two_acquisitions_and_sessions() -> None:
    names = [
        f"sub-1_ses-{s}_task-a_acq-{a}_{end}"
        for s in "12"
        for a in ("mb2", "mb4")
        for end in ("eeg.vhdr", "bold.nii.gz")
    ]
    pairs, single = paired(*names)
    assert len(pairs) == 4
    assert not single
    assert all(e.split("_")[:4] == b.split("_")[:4] for e, b in pairs)


def test_tasks_labelled_differently() -> None:
    names = ("sub-1_task-IMAGON_eeg.vhdr", "sub-1_task-IMAG_bold.nii.gz", "sub-1_task-rest_bold.nii.gz")
    _, single = paired(*names)
    assert "--pair-task IMAGON=IMAG" in single["sub-1_task-IMAGON_eeg.vhdr"]
    task_pairs = {"IMAGON": ("IMAG",)}
    recordings = find_recordings([file(n) for n in names], Selection(tasks=("IMAG",)), task_pairs)
    (pair,) = pair_by_name(*recordings, task_pairs).pairs
    assert pair.bold.path.name == "sub-1_task-IMAG_bold.nii.gz"
    assert pair.entities.task == "IMAG"
    assert "--pair-task" in pair.evidence[0]


def test_a_label_is_not_asked_of_a_modality_that_has_none() -> None:
    names = ("sub-1_task-a_eeg.vhdr", "sub-1_task-a_run-1_bold.nii.gz", "sub-1_task-a_run-2_bold.nii.gz")
    recordings = find_recordings([file(n) for n in names], Selection(runs=("2",)))
    (pair,) = pair_by_name(*recordings).pairs
    assert pair.bold.path.name == "sub-1_task-a_run-2_bold.nii.gz"


def test_a_recording_in_two_formats_is_one() -> None:
    files = [file("sub-1_task-a_eeg.edf"), file("sub-1_task-a_eeg.vhdr")]
    kept, others = drop_other_formats(files, EEG_EXTENSIONS, "eeg")
    assert [f.path.suffix for f in kept] == [".vhdr"]
    assert "another format" in others[0].reason


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
