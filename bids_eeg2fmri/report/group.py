"""The report of the group: what holds across participants, and who is in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bids_eeg2fmri.evaluation.baselines import BASELINE_NAMES
from bids_eeg2fmri.evaluation.significance import MEAN_REGION
from bids_eeg2fmri.records import Floats, GroupTest, Measure, Score
from bids_eeg2fmri.report.brain import draw_brains
from bids_eeg2fmri.report.evidence import ALPHA
from bids_eeg2fmri.report.group_verdict import judge_group, judge_group_baselines
from bids_eeg2fmri.report.page import PageFigure, write_page
from bids_eeg2fmri.report.score_dots import DotRow, draw_score_dots
from bids_eeg2fmri.report.score_figure import AXIS
from bids_eeg2fmri.report.style import NUISANCE_MODEL, TASK_MODEL, baselines_last, report_style, save_svg
from bids_eeg2fmri.report.tested_tables import MEASURE_WORDS

_MEASURES: dict[str, str] = {**MEASURE_WORDS, "r_minus_task": "difference from task"}
_BASELINES = {
    "task": "task alone",
    "nuisance": "nuisance alone",
    "tasknuisance": "task and nuisance",
    "drift": "time in run",
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
    known = dict.fromkeys(test.model for test in report.tests)
    content = {
        "report": report,
        "figures": figures,
        "verdicts": judge_group(report.tests),
        "baseline_sentences": judge_group_baselines(report.tests),
        "tests": tests,
        "models": tuple(model for model in known if model not in BASELINE_NAMES),
        "baselines": {name: words for name, words in _BASELINES.items() if name in known},
        "partial": _partial_measures(report.tests),
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
    """Draw each participant's r, given the task, and given task and nuisance, with the group's mean."""
    regions = _regions_mean_last([test.region for test in report.tests])
    models = baselines_last(test.model for test in report.tests if test.measure == "r")
    eeg_models = [model for model in models if model not in BASELINE_NAMES]
    panels = {AXIS["r"]: [_dot_row(report, m, regions, "r") for m in models]}
    for measure in _partial_measures(report.tests):
        panels[AXIS[measure]] = [_dot_row(report, m, regions, measure) for m in eeg_models]
    return draw_score_dots(regions, panels, dot_name="one participant", significance="mean, p < .05")


def _partial_measures(tests: Sequence[GroupTest]) -> list[Measure]:
    """Return the correlations beside r that were tested and mean something: there is what they are given."""
    predicted = {t.model for t in tests if t.measure == "r" and np.isfinite(t.r)}
    needed: dict[Measure, str] = {"r_given_task": TASK_MODEL, "r_given_task_nuisance": NUISANCE_MODEL}
    tested = {t.measure for t in tests}
    return [measure for measure, name in needed.items() if measure in tested and name in predicted]


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
