"""--reports-only: the same pages and figures again, without training."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tiny_job import arguments, contents, run_here

from bids_eeg2fmri.formats.json_file import read_json, write_json


def test_reports_are_made_again_to_the_byte(
    tiny_dataset: Path, tiny_results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    shutil.copytree(tiny_results, out)
    (out / "logs" / "sub-02_done.json").unlink()
    args = arguments(tiny_dataset, out, "--participant-label", "01")
    before = contents(out)
    for path in (out / "sub-01.html", *out.glob("sub-01/figures/*.svg")):
        path.unlink()
    # A figure of an earlier version that is no longer drawn, and names it in the mark.
    old = out / "sub-01" / "figures" / "sub-01_desc-old_metrics.svg"
    old.write_text("<svg/>")
    mark = out / "logs" / "sub-01_done.json"
    content = read_json(mark)
    write_json(mark, content | {"Outputs": sorted([*content["Outputs"], "sub-01/figures/" + old.name])})
    shutil.move(tiny_dataset / "sub-01", tmp_path / "sub-01")  # neither data nor models are looked at
    (tiny_dataset / "sub-01").mkdir()
    try:
        capsys.readouterr()
        assert run_here([str(tiny_dataset), str(out), "participant", "--reports-only"]) == 0
    finally:
        (tiny_dataset / "sub-01").rmdir()
        shutil.move(tmp_path / "sub-01", tiny_dataset / "sub-01")
    said = capsys.readouterr().out
    assert "[1/2] sub-01: done" in said
    assert "[2/2] sub-02: nothing to do (0 s): it has no finished results" in said
    assert contents(out) == before
    assert run_here(args) == 0
    assert "up to date" in capsys.readouterr().out


@pytest.mark.parametrize("objective", [pytest.param("levels", marks=pytest.mark.exhaustive), "condition"])
def test_reports_of_classes_are_made_again(tiny_dataset: Path, tmp_path: Path, objective: str) -> None:
    out = tmp_path / "out"
    model = "logistic" if objective == "levels" else "lda"
    args = arguments(tiny_dataset, out, "--participant-label", "01", "--objective", objective)
    args[args.index("--model") + 1] = model
    assert run_here(args) == 0
    before = contents(out)
    for path in (*out.glob("*.html"), *out.rglob("*.svg")):
        path.unlink()
    assert run_here([str(tiny_dataset), str(out), "participant", "--reports-only"]) == 0
    assert contents(out) == before


def test_reports_of_applied_models_are_made_again(
    tiny_dataset: Path, tiny_results: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    base = [str(tiny_dataset), str(out), "participant", "--participant-label", "01"]
    assert run_here([*base, "--apply", str(tiny_results)]) == 0
    before = contents(out)
    for path in (*out.glob("*.html"), *out.rglob("*.svg")):
        path.unlink()
    assert run_here([*base, "--reports-only"]) == 0
    assert contents(out) == before


def test_without_results_there_is_nothing_to_make(
    tiny_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run_here([str(tiny_dataset), str(out), "participant", "--reports-only"]) == 66
    assert "Run without --reports-only first" in capsys.readouterr().err
    assert not out.exists()
    (out / "logs").mkdir(parents=True)
    assert run_here([str(tiny_dataset), str(out), "participant", "--reports-only"]) == 18
    assert "No participant with results is left" in capsys.readouterr().err
