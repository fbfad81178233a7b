from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bids_eeg2fmri import cli
from bids_eeg2fmri.cli import spread_lists


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            ["in", "out", "participant", "--participant-label", "01", "02"],
            ["in", "out", "participant", "--participant-label", "01", "--participant-label", "02"],
        ),
        (
            ["--participant_label", "01", "in", "out", "group"],
            ["--participant-label", "01", "in", "out", "group"],
        ),
        (
            ["in", "out", "participant", "--model", "ridge", "eegnet", "-v", "-w", "x"],
            ["in", "out", "participant", "--model", "ridge", "--model", "eegnet", "-v", "-w", "x"],
        ),
        (
            ["-w", "x", "in", "out", "participant", "--run-label", "1", "2", "--dry-run"],
            ["-w", "x", "in", "out", "participant", "--run-label", "1", "--run-label", "2", "--dry-run"],
        ),
        (
            ["-vv", "in", "out", "-wx", "--run-label=1", "participant", "--run-label"],
            ["-vv", "in", "out", "-wx", "--run-label=1", "participant", "--run-label"],
        ),
    ],
)
def test_list_options_take_several_values(given: list[str], expected: list[str]) -> None:
    lists = {"--participant-label", "--model", "--run-label"}
    assert spread_lists(given, lists, {"-v", "--dry-run"}) == expected


def status_of(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[int, str]:
    """Run the command in this process; return its exit status and what it said on stderr."""
    with pytest.raises(SystemExit) as stop:
        cli.main([str(arg) for arg in args])
    return int(stop.value.code or 0), capsys.readouterr().err


def test_refusals_before_any_work(
    small_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, sim = tmp_path / "out", small_dataset
    (tmp_path / "folder").mkdir()
    (tmp_path / "filter.json").write_text('{"meg": {}}')
    (tmp_path / "link").symlink_to(sim)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.10.0"}')
    for name in "ab":
        (tmp_path / name / "x").mkdir(parents=True)
    cases: list[tuple[list[object], int, str]] = [
        ([tmp_path / "none", out, "participant"], 66, "There is no folder"),
        ([tmp_path / "folder", out, "participant"], 16, "dataset_description.json"),
        ([sim, out, "subject"], 17, "participant and group"),
        ([sim, out, "participant", "--participant-label", "07"], 18, "There is no participant '07'"),
        (
            [sim, out, "participant", "--participant-label", "sub-01", "--run-label", "9"],
            18,
            "No run with both",
        ),
        ([sim, out, "participant", "--exclude-participant-label", "01", "02"], 18, "leaves no participant"),
        ([sim, out, "participant", "--model", "rigde"], 64, "Did you mean 'ridge'"),
        ([sim, out, "participant", "--set", "models.ridge.band=1"], 64, "Did you mean 'bands'"),
        ([sim, out, "participant", "--set", "eeg.lowpas=1"], 64, "Did you mean 'lowpass'"),
        ([sim, out, "participant", "--cv", "shuffled"], 64, "Shuffled splits are not offered"),
        ([sim, out, "participant", "--regions", "moter"], 64, "neither a set"),
        ([sim, out, "participant", "--nproc", "2"], 64, "--nprocs"),
        ([sim, out, "participant", "-d", tmp_path / "none"], 66, "--derivatives"),
        (
            [sim, out, "participant", "--bids-filter-file", tmp_path / "filter.json"],
            64,
            "'meg' is no modality",
        ),
        ([sim, sim, "participant"], 64, "an input dataset itself"),
        ([sim, sim / "sub-01" / "..", "participant"], 64, "an input dataset itself"),
        ([sim, tmp_path / "link", "participant"], 64, "an input dataset itself"),
        ([sim, sim / "derivatives" / "fmriprep", "participant"], 64, "an input dataset itself"),
        ([sim, tmp_path / "other", "participant"], 64, "holds another dataset"),
        (
            [sim, out, "participant", "-d", tmp_path / "a/x", "-d", tmp_path / "b/x"],
            64,
            "Two derivatives are named",
        ),
        ([sim, out, "participant", "--run-label", "7", "--dry-run"], 18, "No run with both"),
        ([sim, out, "group"], 66, "Run the participant level first"),
        ([sim, out], 64, "Missing argument"),
    ]
    for args, status, words in cases:
        seen, message = status_of(capsys, *args)
        assert seen == status, (args, message)
        assert words in message, (args, message)
        assert "Traceback" not in message


def test_unwritable_output_is_73(
    small_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    status, message = status_of(capsys, small_dataset, tmp_path / "file" / "out", "participant")
    assert status == 73
    assert "cannot be made or written" in message


def test_dry_run_lists_every_recording_and_writes_nothing(
    small_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main([str(small_dataset), str(tmp_path / "out"), "participant", "--dry-run"])
    text = capsys.readouterr().out
    assert not stop.value.code
    assert text.count("paired") == 8
    assert "60 markers 'R128'" in text
    assert "would train stack, ridge" in text
    assert not (tmp_path / "out").exists()


def test_import_and_help_are_light() -> None:
    code = (
        "import sys, bids_eeg2fmri; heavy = {'torch', 'mne', 'nilearn', 'pandas'} & set(sys.modules);"
        "import bids_eeg2fmri.cli; heavy |= {'torch', 'mne', 'nilearn', 'pandas', 'bids'} & set(sys.modules);"
        "print(sorted(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_public_names_exist() -> None:
    import bids_eeg2fmri

    for name in bids_eeg2fmri.__all__:
        assert getattr(bids_eeg2fmri, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = bids_eeg2fmri.no_such_name


@pytest.mark.parametrize("option", ["--skip-bids-validation", "--skip_bids_validation"])
def test_the_validation_that_others_skip_is_skipped(
    option: str, small_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of(capsys, small_dataset, tmp_path / "out", "participant", "--dry-run", option)[0] == 0
