"""The report of one participant where the question is a class: levels of the BOLD, or the condition."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from bids_eeg2fmri.evaluation.significance import MEAN_REGION
from bids_eeg2fmri.records import ClassEvaluation, ClassificationResults, ClassScore, FoundRun
from bids_eeg2fmri.report.class_figures import (
    choose_targets,
    draw_classes,
    draw_confusions,
    draw_levels_over_time,
)
from bids_eeg2fmri.report.evidence import ALPHA
from bids_eeg2fmri.report.page import PageFigure, write_page
from bids_eeg2fmri.report.style import report_style, save_svg, short_run_labels
from bids_eeg2fmri.report.wording import format_r, state_p

_HEADS = {"levels": "levels of the BOLD from EEG", "condition": "condition from EEG"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassificationReport:
    """All that the report shows; texts as of ``ParticipantReport``."""

    participant: str
    version: str
    results: ClassificationResults
    found_runs: tuple[FoundRun, ...]
    cv_text: str
    settings_text: str
    methods_text: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassVerdict:
    """What can be said of one classifier: a kind that gives the colour, a label, sentences.

    ``mark`` says what was held out where it was no new run.
    """

    model: str
    kind: str
    label: str
    sentences: tuple[str, ...]
    mark: str = ""


def write_classification_report(
    report: ClassificationReport, *, html_path: Path, figures_dir: Path
) -> tuple[Path, ...]:
    """Write the page and its figures; return their paths, the page's first.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    results = report.results
    first = results.evaluations[0].predictions
    targets = choose_targets(results.evaluations)
    confusions, classes, courses = _draw_all(report, targets, figures_dir)
    runs = [run.aligned for run in results.runs]
    overall = {(s.model, s.region): s for s in results.scores if s.run == "all"}
    regions = tuple(dict.fromkeys(s.region for s in results.scores))
    content = {
        "report": report,
        "head": _HEADS[results.objective],
        "has_levels": results.objective == "levels",
        "verdicts": tuple(judge_classes(evaluation) for evaluation in results.evaluations),
        "models": tuple(e.predictions.model for e in results.evaluations),
        "overall": overall,
        "regions": regions,
        "classes": first.class_names,
        "is_within_run": first.unit == "block",
        "confusions": confusions,
        "class_figure": classes,
        "courses": courses,
        "runs": list(zip(short_run_labels([r.entities for r in runs]), results.runs, strict=True)),
        "n_unused": sum(run.status != "paired" for run in report.found_runs),
    }
    write_page(html_path, "classification.html.j2", content)
    return (html_path, *(figure.path for figure in (*confusions, classes, *courses)))


def judge_classes(evaluation: ClassEvaluation) -> ClassVerdict:
    """Say what the test of one classifier showed, from its scores over all runs."""
    predictions = evaluation.predictions
    overall = {s.region: s for s in evaluation.scores if s.run == "all"}
    summary = overall.get(MEAN_REGION) or next(iter(overall.values()))
    what = "the conditions" if predictions.trials else "levels of the BOLD"
    found = summary.p < ALPHA and summary.balanced_accuracy > summary.chance
    of = "mean balanced accuracy over regions" if summary.region == MEAN_REGION else "balanced accuracy"
    numbers = f"{of} {summary.balanced_accuracy:.2f}, {summary.chance:.2f} by chance, {state_p(summary.p)}"
    text = f"{'tells' if found else 'cannot tell'} {what} apart from the EEG ({numbers})."
    sentences = [f"{predictions.model} {text}"]
    if predictions.unit == "block":
        sentences.append("Within-run: tested on parts of the run that it learned from.")
    if evaluation.expected is not None:
        sentences += _compare(predictions.model, summary, found=found)
    return ClassVerdict(
        model=predictions.model,
        kind="predicts" if found else "nothing",
        label="above chance" if found else "at chance",
        sentences=tuple(sentences),
        mark="within-run" if predictions.unit == "block" else "",
    )


def _compare(model: str, score: ClassScore, *, found: bool) -> list[str]:
    """Return how the expectation over levels compares with the regression, and what the task leaves of it."""
    sentences = [
        f"As a prediction of the BOLD, the expectation over the levels of {model} reaches r = "
        f"{format_r(score.r_expected)}, the regression on the same folds {format_r(score.r_regressor)}."
    ]
    if found and score.p_expected_given_task >= ALPHA:
        sentences.append(
            f"Once the task is taken out of both sides nothing is left of it "
            f"({state_p(score.p_expected_given_task)}): the levels may be those of the task."
        )
    return sentences


def _draw_all(
    report: ClassificationReport, targets: Sequence[str], folder: Path
) -> tuple[tuple[PageFigure, ...], PageFigure, tuple[PageFigure, ...]]:
    """Draw and write all figures."""
    results, prefix = report.results, f"sub-{report.participant}"
    first = results.evaluations[0].predictions
    note = ""
    if len(targets) < len(first.target_names):
        note = f" {len(targets)} of {len(first.target_names)} regions are shown, those told apart best."
    with report_style():
        confusions = tuple(
            _write(
                draw_confusions(e, targets),
                folder / f"{prefix}_desc-{e.predictions.model}_confusion.svg",
                alt=f"Matrices of confusion of {e.predictions.model}; the table has the numbers.",
                caption=f"{e.predictions.model}: what was taken for what, over all runs; rows add up to 1. "
                f"Above each matrix its balanced accuracy.{note}",
            )
            for e in results.evaluations
        )
        classes = _write(
            draw_classes(results.evaluations, targets),
            folder / f"{prefix}_desc-classes_metrics.svg",
            alt="Precision and recall of every class, one panel per region; the tables have the numbers.",
            caption=f"Recall (filled) and precision (hollow) of every class over all runs.{note}",
        )
        courses = () if results.objective == "condition" else _draw_courses(report, targets, folder)
    return confusions, classes, courses


def _draw_courses(
    report: ClassificationReport, targets: Sequence[str], folder: Path
) -> tuple[PageFigure, ...]:
    """Draw the levels over time of the first classifier, one figure per run."""
    evaluation = report.results.evaluations[0]
    runs = evaluation.predictions.runs
    labels = short_run_labels([run.entities for run in runs])
    return tuple(
        _write(
            draw_levels_over_time(evaluation, targets, k),
            folder / f"{run.entities}_desc-levels_timeseries.svg",
            alt=f"Measured and predicted level over time in {label}, one panel per region.",
            caption=f"{label}: measured levels, and those {evaluation.predictions.model} predicted.",
        )
        for k, (run, label) in enumerate(zip(runs, labels, strict=True))
    )


def _write(figure: Figure, path: Path, *, alt: str, caption: str) -> PageFigure:
    """Write one figure under a name that is safe."""
    safe = path.with_name(re.sub(r"[^A-Za-z0-9_-]", "", path.stem) + path.suffix)
    save_svg(figure, safe)
    return PageFigure(path=safe, alt=alt, caption=caption)
