"""What is held out, and what the page says of it: one run, sessions, runs of different length and TR."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bids_eeg2fmri import cli
from bids_eeg2fmri.formats.score_table import read_scores
from bids_eeg2fmri.formats.table import read_table
from bids_eeg2fmri.simulate.dataset import simulate_dataset
from bids_eeg2fmri.simulate.options import SimulationOptions

QUICK = ["--model", "ridge", "--n-nulls", "50", "--set", "evaluation.task_gain=false", "--device", "cpu"]


def simulate(root: Path, **options: float) -> Path:
    """Simulate one participant."""
    chosen = {"participants": 1, "channels": 16, "volumes": 60, "seed": 3} | options
    simulate_dataset(root, SimulationOptions(**chosen))  # type: ignore[arg-type]
    return root


def evaluate(root: Path, bids: Path) -> tuple[str, Path]:
    """Run the participant level with few regions; return the page and the table of scores."""
    regions = root / "regions.tsv"
    regions.write_text("name\tx\ty\tz\nM1_L\t-38\t-24\t58\nSMA\t0\t-6\t60\n")
    with pytest.raises(SystemExit) as stop:
        cli.main([str(bids), str(root / "out"), "participant", "--regions", str(regions), *QUICK])
    assert not stop.value.code
    (scores,) = (root / "out" / "sub-01").glob("*_desc-scores_metrics.tsv")
    return (root / "out" / "sub-01.html").read_text(encoding="utf-8"), scores


def test_one_run_is_tested_within_it_and_marked(tmp_path: Path) -> None:
    page, table = evaluate(tmp_path, simulate(tmp_path / "bids", runs=1, volumes=100))
    scores = read_scores(table)
    assert {s.held_out for s in scores} == {"block"}
    assert any("block-" in s.run for s in scores)
    assert "within the only run, contiguous blocks in turn were held out" in page
    assert page.count("Within-run scores.") == 9
    assert "; within-run)." in page
    assert "Small strokes: each block." in page
    assert "EEG of other runs: no such test, since there is only one run." in page


def test_two_sessions_of_two_runs_are_tested_across_sessions(tmp_path: Path) -> None:
    page, table = evaluate(tmp_path, simulate(tmp_path / "bids", sessions=2, runs=2, volumes=50))
    scores = read_scores(table)
    assert {s.held_out for s in scores} == {"session"}
    assert {"ses-1", "ses-2", "all"} < {s.run for s in scores}
    assert len({s.run for s in scores}) == 7
    assert "2 folds: each session in turn was held out." in page
    assert "Within-run" not in page
    assert "Small strokes: each run." in page


def test_runs_of_different_length_and_tr_are_tested_across_runs(tmp_path: Path) -> None:
    bids = simulate(tmp_path / "bids", runs=3, volumes=60, tr=2.0)
    other = simulate(tmp_path / "other", runs=3, volumes=90, tr=1.5)
    for path in sorted(bids.rglob("*_run-2_*")):
        path.unlink()
    for path in sorted(other.rglob("*_run-2_*")):
        shutil.copy(path, bids / path.relative_to(other))
    page, table = evaluate(tmp_path, bids)
    scores = read_scores(table)
    assert {s.held_out for s in scores} == {"run"}
    volumes = {s.run[-5:]: s.n_volumes for s in scores if s.region == "mean"}
    assert (volumes["run-1"], volumes["run-2"], volumes["run-3"], volumes["all"]) == (60, 90, 60, 210)
    assert "3 folds: each run in turn was held out." in page
    assert "<td>90</td><td>1.5</td>" in page
    assert "<td>60</td><td>2</td>" in page
    nulls = read_table(table.with_name(table.name.replace("scores", "nulls")))
    own = nulls[(nulls["model"] == "ridge") & (nulls["region"] == "mean")]
    assert set(own["null"]) == {"shift", "phase", "wrong-run"}
    assert own["p"].notna().all()
    assert "EEG of other runs: with 3 runs there are only 2 ways to draw" in page
