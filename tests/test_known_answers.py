"""What the app says of data whose truth is known, through the command: coupled, task only, motion only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bids_eeg2fmri import cli
from bids_eeg2fmri.formats.score_table import read_scores
from bids_eeg2fmri.records import Score
from bids_eeg2fmri.report.verdict import judge_baselines, judge_participant
from bids_eeg2fmri.simulate.dataset import simulate_dataset
from bids_eeg2fmri.simulate.options import SimulationOptions

REGIONS = "name\tx\ty\tz\nM1_L\t-38\t-24\t58\nM1_R\t38\t-24\t58\nSMA\t0\t-6\t60\n"


def test_coupled_data_are_beyond_task_and_nuisance(tmp_path: Path) -> None:
    answers = ask(tmp_path, "power", participants=1, volumes=120)
    (verdict,) = judge_participant(answers[0])
    assert (verdict.kind, verdict.label) == ("beyond", "beyond task and nuisance")
    assert headline(answers) > 0.2
    assert "beyond task and nuisance: ridge" in page(tmp_path).lower()


@pytest.mark.slow
def test_what_only_the_task_shares_is_left_at_chance(tmp_path: Path) -> None:
    answers = ask(tmp_path, "task-only", participants=2, volumes=100)
    assert abs(headline(answers)) < 0.1
    for scores in answers:
        (verdict,) = judge_participant(scores)
        assert verdict.kind in ("task", "nothing")


@pytest.mark.slow
def test_what_only_motion_shares_is_exposed_by_the_nuisance_baseline(tmp_path: Path) -> None:
    answers = ask(tmp_path, "motion", participants=2, volumes=120)
    assert abs(headline(answers)) < 0.1
    given_task = np.mean([overall(scores, "ridge").r_given_task for scores in answers])
    assert given_task > headline(answers) + 0.05
    for scores in answers:
        (sentence, *_) = [text for text in judge_baselines(scores) if text.startswith("Nuisance alone")]
        assert "look at r given task and nuisance" in sentence
        (verdict,) = judge_participant(scores)
        assert (verdict.kind, verdict.label) == ("artefact", "explained by motion or artefact")
    assert "explained by motion or artefact: ridge" in page(tmp_path).lower()


def ask(root: Path, coupling: str, *, participants: int, volumes: int) -> list[tuple[Score, ...]]:
    """Simulate a dataset, run the participant level on it, return the scores of each participant."""
    options = {"participants": participants, "runs": 3, "volumes": volumes, "channels": 16, "seed": 11}
    simulate_dataset(root / "bids", SimulationOptions(coupling=coupling, **options))  # type: ignore[arg-type]
    regions = root / "regions.tsv"
    regions.write_text(REGIONS)
    flags = ["--regions", regions, "--model", "ridge", "--n-nulls", 500, "--device", "cpu"]
    flags += ["--set", "evaluation.task_gain=false"]
    with pytest.raises(SystemExit) as stop:
        cli.main([str(a) for a in (root / "bids", root / "out", "participant", *flags)])
    assert not stop.value.code
    tables = sorted((root / "out").glob("sub-*/*_desc-scores_metrics.tsv"))
    assert len(tables) == participants
    return [read_scores(table) for table in tables]


def overall(scores: tuple[Score, ...], model: str) -> Score:
    """Return the score of the mean over regions and runs."""
    return next(s for s in scores if (s.model, s.region, s.run) == (model, "mean", "all"))


def headline(answers: list[tuple[Score, ...]]) -> float:
    """Return ridge's r given task and nuisance, mean over participants."""
    return float(np.mean([overall(scores, "ridge").r_given_task_nuisance for scores in answers]))


def page(root: Path) -> str:
    """Return the page of the first participant."""
    return (root / "out" / "sub-01.html").read_text(encoding="utf-8")
