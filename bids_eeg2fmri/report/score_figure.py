"""The figure of one participant's scores: r, given the task, given task and nuisance, runs behind them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from bids_eeg2fmri.evaluation.baselines import BASELINE_NAMES
from bids_eeg2fmri.evaluation.significance import MEAN_REGION
from bids_eeg2fmri.records import Measure, Score
from bids_eeg2fmri.report.evidence import ALPHA
from bids_eeg2fmri.report.score_dots import DotRow, draw_score_dots
from bids_eeg2fmri.report.score_evidence import score_steps
from bids_eeg2fmri.report.style import baselines_last

#: What the axis of each correlation says, and the p value that goes with it.
AXIS: dict[Measure, str] = {
    "r": "r with the measured BOLD",
    "r_given_task": "r given the task design",
    "r_given_task_nuisance": "r given task and nuisance",
}
_P: dict[Measure, str] = {
    "r": "p",
    "r_given_task": "p_given_task",
    "r_given_task_nuisance": "p_given_task_nuisance",
}


def draw_scores(scores: Sequence[Score], run_labels: Sequence[str]) -> Figure:
    """Draw every correlation that means something here, over all runs, with the runs behind them.

    ``run_labels`` tells the scores of runs from those of sessions and blocks.
    """
    overall = {(s.model, s.region): s for s in scores if s.run == "all"}
    names = list(dict.fromkeys(region for _, region in overall))
    regions = [n for n in names if n != MEAN_REGION] + [n for n in names if n == MEAN_REGION]
    models = baselines_last(model for model, _ in overall)
    eeg_models = [model for model in models if model not in BASELINE_NAMES]
    singles, dot_name = _single_labels(scores, run_labels)
    panels = {AXIS["r"]: [_dot_row(m, scores, regions, "r", singles) for m in models]}
    for measure in _partial_measures(overall, eeg_models):
        panels[AXIS[measure]] = [_dot_row(m, scores, regions, measure, singles) for m in eeg_models]
    return draw_score_dots(regions, panels, dot_name=dot_name, significance="all runs, p < .05")


def say_scores(scores: Sequence[Score], run_labels: Sequence[str]) -> str:
    """Return the caption of the figure."""
    text = f"Large marks: over all runs. Small strokes: each {_single_labels(scores, run_labels)[1][4:]}."
    overall = {(s.model, s.region): s for s in scores if s.run == "all"}
    eeg_models = [m for m in dict.fromkeys(model for model, _ in overall) if m not in BASELINE_NAMES]
    if not _partial_measures(overall, eeg_models):
        return text
    return (
        f"{text} Given the task, or task and nuisance (motion, heart beat, artefacts): what remains once "
        "these have been removed from both the measured and the predicted BOLD."
    )


def _partial_measures(overall: dict[tuple[str, str], Score], eeg_models: Sequence[str]) -> list[Measure]:
    """Return the correlations beside r that were tested: without a task, given the task means nothing."""
    found: dict[Measure, None] = {}
    for model in eeg_models:
        if (model, MEAN_REGION) in overall:
            found |= dict.fromkeys(s.measure for s in score_steps(overall[model, MEAN_REGION], overall)[1:])
    return list(found)


def _single_labels(scores: Sequence[Score], run_labels: Sequence[str]) -> tuple[set[str], str]:
    """Return which scores are drawn as small strokes, and what one is: a run, or a block of the only run."""
    blocks = {s.run for s in scores if " block-" in s.run}
    if len(run_labels) == 1 and blocks:
        return blocks, "one block"
    return set(run_labels), "one run"


def _dot_row(
    model: str, scores: Sequence[Score], regions: Sequence[str], figure: Measure, singles: set[str]
) -> DotRow:
    """Gather one correlation of one model from the scores."""
    by_run: dict[str, dict[str, Score]] = {}
    for score in scores:
        if score.model == model:
            by_run.setdefault(score.run, {})[score.region] = score

    def gather(run: str, name: str) -> list[float]:
        return [float(getattr(by_run[run].get(region), name, np.nan)) for region in regions]

    dots = [gather(run, figure) for run in by_run if run in singles]
    return DotRow(
        model=model,
        centre=np.array(gather("all", figure)),
        dots=np.array(dots).reshape(len(dots), len(regions)),
        is_significant=np.array(gather("all", _P[figure])) < ALPHA,
    )
