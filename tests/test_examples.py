from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from bids_eeg2fmri import cli

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_the_stages_from_python(small_dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLES / "01_from_python.py"))["main"](small_dataset, "01")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 13
    assert lines[0].startswith("M1_L")
    assert all("r given task = " in line and "nan" not in line for line in lines)


def test_a_trained_model_is_applied(
    small_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="0"):
        cli.main(
            [str(small_dataset), str(tmp_path), "participant", "--participant-label", "01", "--model", "smr"]
        )
    capsys.readouterr()
    runpy.run_path(str(EXAMPLES / "02_apply_a_model.py"))["main"](tmp_path, small_dataset, "01")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 * 13
    assert lines[0].startswith("sub-01_task-imagery_run-1 smr: 60 moments")
    assert lines[1].strip().startswith("M1_L")
    assert "nan" not in "".join(lines)
