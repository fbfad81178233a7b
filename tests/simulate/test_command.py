import subprocess
import sys

import pytest

from bids_eeg2fmri.simulate.command import main


def _exit_status(args: list[str]) -> int:
    with pytest.raises(SystemExit) as stopped:
        main(args)
    return int(stopped.value.code or 0)


@pytest.mark.parametrize(
    ("args", "seen"),
    [
        ([], "OUT"),
        (["x", "--coupling", "strong"], "task-only"),
        (["x", "--channels", "4"], "8 to 128"),
        (["x", "--participants", "1000"], "1 to 999"),
        (["x", "--tr", "20"], "0.3 to 10"),
        (["x", "--runs", "two"], "integer"),
        (["x", "--colour", "red"], "--colour"),
    ],
)
def test_bad_options_exit_64_and_say_what_is_allowed(args, seen, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert _exit_status(args) == 64
    captured = capsys.readouterr()
    assert seen in captured.err
    assert captured.out == ""
    assert list(tmp_path.iterdir()) == []


def test_occupied_output_exits_73(capsys, tmp_path):
    (tmp_path / "file").touch()
    assert _exit_status([str(tmp_path)]) == 73
    assert "not empty" in capsys.readouterr().err


def test_output_that_is_a_file_exits_73(capsys, tmp_path):
    (tmp_path / "file").touch()
    assert _exit_status([str(tmp_path / "file")]) == 73
    assert "Choose another" in capsys.readouterr().err


def test_writes_a_dataset_and_says_so_line_by_line(capsys, tmp_path):
    out = tmp_path / "new" / "dataset"
    main([str(out), "--participants", "1", "--runs", "1", "--volumes", "40", "--channels", "8"])
    captured = capsys.readouterr()
    assert captured.err == "sub-01_task-imagery_run-1 (1 of 1)\n"
    assert "1 runs of 1 participants" in captured.out
    assert (out / "dataset_description.json").exists()


def test_nothing_heavy_is_imported_before_the_options_are_parsed():
    code = (
        "import sys, bids_eeg2fmri.simulate.command\n"
        "print([m for m in ('mne', 'nilearn', 'scipy', 'pandas', 'nibabel') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
