"""Damaged input through the command: the documented status, a message that helps, nothing lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import pytest

from bids_eeg2fmri import cli

RAW = "sub-01/func/sub-01_task-imagery_run-1_bold"
PREPROCESSED = (
    "derivatives/fmriprep/sub-01/func/sub-01_task-imagery_run-1_space-MNI152NLin2009cAsym_desc-preproc_bold"
)
EEG = "sub-01/eeg/sub-01_task-imagery_run-1_eeg"
ONE = ["--participant-label", "01", "--model", "ridge", "--set", "evaluation.n_nulls=20"]


def run(root: Path, out: Path, *args: str) -> int:
    """Run the participant level in this process and return its exit status."""
    with pytest.raises(SystemExit) as stop:
        cli.main([str(root), str(out), "participant", *args])
    return int(stop.value.code or 0)


def cut(name: str) -> Callable[[Path], None]:
    """Return a damage: half of a file is gone."""

    def damage(root: Path) -> None:
        path = root / name
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    return damage


def remove(name: str) -> Callable[[Path], None]:
    """Return a damage: a file is gone."""
    return lambda root: (root / name).unlink()


def dangle(name: str) -> Callable[[Path], None]:
    """Return a damage: a link to content that is not here."""

    def damage(root: Path) -> None:
        (root / name).unlink()
        (root / name).symlink_to("../../.git/annex/objects/none")

    return damage


def other_tr(root: Path) -> None:
    path = root / f"{RAW}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"RepetitionTime": 2.5}))


def fewer_markers(root: Path) -> None:
    path = root / f"{EEG}.vmrk"
    lines = path.read_text().splitlines(keepends=True)
    volumes = [i for i, line in enumerate(lines) if "R128" in line]
    path.write_text("".join(line for i, line in enumerate(lines) if i not in volumes[::2]))


def fewer_volumes(root: Path) -> None:
    path = root / f"{PREPROCESSED}.nii.gz"
    image = nib.load(path)
    image.slicer[..., :-7].to_filename(path)


@pytest.mark.parametrize(
    ("damage", "status", "words"),
    [
        (cut(f"{EEG}.eeg"), 65, "truncated"),
        (cut(f"{RAW}.nii.gz"), 65, "cut short"),
        (cut(f"{PREPROCESSED}.nii.gz"), 65, "cut short"),
        (other_tr, 65, "RepetitionTime in the JSON is 2.5 s but the image header says 2 s"),
        (fewer_markers, 65, "volume markers|markers 'R128'|R128"),
        (fewer_volumes, 65, "53 volumes"),
        (remove(f"{PREPROCESSED}.nii.gz"), 66, "--derivatives"),
        (dangle(f"{RAW}.nii.gz"), 66, "datalad get"),
        (dangle(f"{EEG}.eeg"), 66, "datalad get"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_damaged_run_fails_its_participant_with_a_reason(
    own_dataset: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    damage: Callable[[Path], None],
    status: int,
    words: str,
) -> None:
    damage(own_dataset)
    assert run(own_dataset, tmp_path / "out", *ONE) == status
    said = capsys.readouterr().out
    assert any(word in said for word in words.split("|")), said
    assert "Traceback" not in said
    assert not list((tmp_path / "out" / "sub-01").glob("**/*_desc-*"))
    assert (tmp_path / "out" / "sub-01" / "sub-01_runs.tsv").read_text().count("unusable") == 2


def test_the_others_finish_and_the_recap_names_the_broken_one(
    own_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut(f"{EEG}.eeg")(own_dataset)
    out = tmp_path / "out"
    assert run(own_dataset, out, *ONE[2:]) == 1
    said = capsys.readouterr().out
    assert "sub-02: done" in said
    assert "2 participants: 1 done, 1 failed." in said
    assert "Failed: sub-01" in said
    (crash,) = (out / "logs").glob("sub-01_*_crash.txt")
    assert "Traceback" in crash.read_text()
    assert (out / "sub-02.html").exists()
    assert not (out / "sub-01.html").exists()


def test_stop_on_first_crash(own_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cut(f"{EEG}.eeg")(own_dataset)
    assert run(own_dataset, tmp_path / "out", *ONE[2:], "--stop-on-first-crash") == 65
    assert "sub-02" not in capsys.readouterr().out


def test_no_run_in_common(own_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for run_label in (1, 2):
        for path in (own_dataset / "sub-01" / "eeg").glob(f"*_run-{run_label}_*"):
            path.rename(path.with_name(path.name.replace("task-imagery", "task-rest")))
    assert run(own_dataset, tmp_path / "out", *ONE) == 18
    assert "none of them paired" in capsys.readouterr().err
