"""The report of the group: what holds across participants, and who is in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bids_eeg2fmri.records import Floats, GroupTest, Score
from bids_eeg2fmri.report.brain import draw_brains
from bids_eeg2fmri.report.page import PageFigure, write_page
from bids_eeg2fmri.report.score_dots import DotRow, draw_score_dots
from bids_eeg2fmri.report.style import TASK_MODEL, is_shown, report_style, save_svg
from bids_eeg2fmri.report.verdict import ALPHA, MEAN_REGION, judge_group

_MEASURES = {
    "r": "r",
    "r_given_task": "r given task",
    "r_given_task_nuisance": "r given task and nuisance",
    "r_minus_task": "difference from task",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipantStatus:
    """Whether a participant is in the group, and if not, why. ``label`` is without ``sub-``."""

    label: str
    status: Literal["included", "missing", "failed"]
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GroupReport:
    """All that the group's report shows.

    Attributes
    ----------
    scores : tuple of (participant label, Score)
        Those over all runs are shown.
    tests : tuple of GroupTest
    smallest_p_text : str
        What the number of participants allows the test to show.
    within_run : tuple of str
        Labels of the participants who were tested within a run only.
    maps : mapping of model to array, shape (n_x, n_y, n_z)
        r in the voxels of regions, 0 elsewhere; empty: no brain is drawn.
    affine : array, shape (4, 4)
        Voxel to millimetres of MNI space.
    """

    version: str
    participants: tuple[ParticipantStatus, ...]
    scores: tuple[tuple[str, Score], ...]
    tests: tuple[GroupTest, ...]
    smallest_p_text: str
    within_run: tuple[str, ...] = ()
    maps: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    affine: Floats = field(default_factory=lambda: np.eye(4))
    settings_text: str = ""
    methods_text: str = ""
    notes: tuple[str, ...] = ()


def write_group_report(report: GroupReport, *, html_path: Path, figures_dir: Path) -> tuple[Path, ...]:
    """Write the page and its figures; return their paths, the page's first.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    figures = _write_figures(report, figures_dir)
    tests = {(t.model, t.measure, t.region): t for t in report.tests}
    models = dict.fromkeys(test.model for test in report.tests if is_shown(test.model))
    content = {
        "report": report,
        "figures": figures,
        "verdicts": judge_group(report.tests),
        "tests": tests,
        "models": tuple(model for model in models if model != TASK_MODEL),
        "has_task": TASK_MODEL in models,
        "has_partial": any(test.measure == "r_given_task" for test in report.tests),
        "regions": _regions_mean_last([test.region for test in report.tests]),
        "measures": _MEASURES,
        "counts": {
            status: sum(who.status == status for who in report.participants)
            for status in ("included", "missing", "failed")
        },
    }
    write_page(html_path, "group.html.j2", content)
    return (html_path, *(figure.path for figure in figures.values()))


def _write_figures(report: GroupReport, folder: Path) -> dict[str, PageFigure]:
    """Draw and write the figures that there is content for."""
    figures: dict[str, PageFigure] = {}
    with report_style():
        if report.tests:
            path = folder / "group_desc-scores_metrics.svg"
            save_svg(_draw_scores(report), path)
            figures["scores"] = PageFigure(
                path=path,
                alt="r of each participant, region and model; the means are in the table.",
                caption="Small strokes: each participant. Large marks: the mean (of Fisher z), filled where "
                "p < .05 corrected over regions (max-T); that of the mean over regions is a single test.",
            )
        if report.maps:
            path = folder / "group_desc-r_glassbrain.svg"
            save_svg(draw_brains(report.maps, report.affine), path)
            figures["brain"] = PageFigure(
                path=path,
                alt="Glass brains with the group's mean r painted on each region; the table has the numbers.",
                caption="Mean r of each region across participants, on one scale for all models.",
            )
    return figures


def _draw_scores(report: GroupReport) -> Figure:
    """Draw each participant's r, and r given the task, with the group's mean."""
    regions = _regions_mean_last([test.region for test in report.tests])
    models = list(dict.fromkeys(test.model for test in report.tests if test.measure == "r"))
    models = [model for model in models if is_shown(model)]
    models.sort(key=lambda model: model == TASK_MODEL)
    panels = {"r with the measured BOLD": [_dot_row(report, m, regions, "r") for m in models]}
    partial = [model for model in models if any(_is(t, model, "r_given_task") for t in report.tests)]
    if partial:
        panels["r given the task design"] = [_dot_row(report, m, regions, "r_given_task") for m in partial]
    return draw_score_dots(regions, panels, dot_name="one participant", significance="mean, p < .05")


def _is(test: GroupTest, model: str, measure: str) -> bool:
    """Tell whether a test is of this model and measure."""
    return test.model == model and test.measure == measure


def _dot_row(report: GroupReport, model: str, regions: Sequence[str], measure: str) -> DotRow:
    """Gather one measure of one model, from the participants' scores and the group's tests."""
    tests = {test.region: test for test in report.tests if _is(test, model, measure)}
    overall = {(who, s.region): s for who, s in report.scores if s.model == model and s.run == "all"}
    people = list(dict.fromkeys(who for who, _ in overall))
    dots = [[getattr(overall.get((who, region)), measure, np.nan) for region in regions] for who in people]
    p_values = [
        np.nan if region not in tests else tests[region].p if region == MEAN_REGION else tests[region].p_max_t
        for region in regions
    ]
    return DotRow(
        model=model,
        centre=np.array([tests[region].r if region in tests else np.nan for region in regions]),
        dots=np.array(dots, dtype=np.float64).reshape(len(people), len(regions)),
        is_significant=np.array(p_values) < ALPHA,
    )


def _regions_mean_last(names: Sequence[str]) -> tuple[str, ...]:
    """Return each region once, the mean over them last."""
    unique = dict.fromkeys(names)
    return (*(n for n in unique if n != MEAN_REGION), *(n for n in unique if n == MEAN_REGION))
