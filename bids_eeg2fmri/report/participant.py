"""The report of one participant: first what was found, then how."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bids_eeg2fmri.evaluation.baselines import BASELINE_NAMES
from bids_eeg2fmri.records import (
    AlignedRun,
    ControlScore,
    Evaluation,
    Explanation,
    Floats,
    FoundRun,
    Predictions,
    Score,
    VolumeClock,
)
from bids_eeg2fmri.report.page import write_page
from bids_eeg2fmri.report.participant_figures import Recording, write_figures
from bids_eeg2fmri.report.region_verdict import judge_regions
from bids_eeg2fmri.report.style import is_shown, short_run_labels
from bids_eeg2fmri.report.tested_tables import (
    FEW_DRAWS,
    MEASURE_WORDS,
    NULL_WORDS,
    listed_scores,
    mean_nulls,
    mean_scores,
    note_few_ways,
    tabulate_regions,
)
from bids_eeg2fmri.report.verdict import judge_baselines, judge_participant, summarise
from bids_eeg2fmri.report.wording import name_quality


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RunContent:
    """One run as the report shows it.

    ``eeg_steps`` and ``eeg_quality`` are those of the cleaned EEG, ``region_steps`` those of the BOLD, in
    words; ``evidence`` says why the two recordings are taken to be simultaneous.
    """

    aligned: AlignedRun
    clock: VolumeClock
    eeg_steps: tuple[str, ...]
    eeg_quality: Mapping[str, float]
    region_steps: tuple[str, ...]
    evidence: tuple[str, ...]
    #: ``spectrum`` and ``locked`` of the cleaned EEG.
    eeg_spectrum: Floats | None = None
    eeg_locked: Floats | None = None
    #: Power of the EEG in ``aligned`` (``measure_spectrum``), where that itself was not kept.
    final_spectrum: Floats | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ParticipantReport:
    """All that the report of one participant shows.

    Attributes
    ----------
    participant : str
        Label without ``sub-``.
    version : str
        Of this app.
    predictions : tuple of Predictions
        One per model, the task baseline (``task``) among them; their arrays in the order of ``runs``.
    evaluations : tuple of Evaluation
        One per model, the baselines among them.
    cv_unit : "task", "session", "run" or "block"
        What was held out; "block" is marked as within-run at every table of scores.
    cv_text, settings_text, methods_text, duration_text : str
        How the models were tested; the settings as TOML; the methods for a paper, paragraphs apart by an
        empty line; how long it took, without a date.
    model_descriptions : mapping of model to str
        One sentence each.
    notes : tuple of str
        What the reader should know first (a fallback that was taken, a channel that is missing).
    controls : tuple of ControlScore
        Negative controls, where they were asked for.
    """

    participant: str
    version: str
    found_runs: tuple[FoundRun, ...]
    runs: tuple[RunContent, ...]
    predictions: tuple[Predictions, ...]
    evaluations: tuple[Evaluation, ...]
    explanations: tuple[Explanation, ...]
    cv_unit: Literal["task", "session", "run", "block"]
    cv_text: str
    settings_text: str
    methods_text: str
    duration_text: str = ""
    model_descriptions: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    controls: tuple[ControlScore, ...] = ()

    @property
    def scores(self) -> tuple[Score, ...]:
        """The scores of all models and baselines."""
        return tuple(score for evaluation in self.evaluations for score in evaluation.scores)

    def __post_init__(self) -> None:
        """Check that there are runs, and that predictions fit them."""
        if not self.runs:
            raise ValueError("ParticipantReport.runs: expected at least one run.")
        for prediction in self.predictions:
            if [len(v) for v in prediction.values] != [run.aligned.n_volumes for run in self.runs]:
                raise ValueError(
                    f"ParticipantReport.predictions: those of {prediction.model} do not fit the runs."
                )


def write_participant_report(
    report: ParticipantReport, *, html_path: Path, figures_dir: Path
) -> tuple[Path, ...]:
    """Write the page and its figures; return their paths, the page's first.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    runs = [run.aligned for run in report.runs]
    figures = write_figures(
        f"sub-{report.participant}",
        figures_dir,
        runs=runs,
        predictions=[prediction for prediction in report.predictions if is_shown(prediction.model)],
        scores=report.scores,
        evaluations=[e for e in report.evaluations if e.model not in BASELINE_NAMES],
        explanations=report.explanations,
        recordings=[
            Recording(
                clock=run.clock,
                spectrum=run.eeg_spectrum,
                locked=run.eeg_locked,
                final_spectrum=run.final_spectrum,
            )
            for run in report.runs
        ],
    )
    labels = short_run_labels([run.entities for run in runs])
    nulls = tuple(test for evaluation in report.evaluations for test in evaluation.nulls)
    verdicts = judge_participant(report.scores, nulls)
    listed, all_listed = listed_scores(report.scores)
    shown_nulls = mean_nulls(nulls)
    content = {
        "report": report,
        "figures": figures,
        "headline": summarise(verdicts),
        "verdicts": verdicts,
        "baseline_sentences": judge_baselines(report.scores),
        "region_verdicts": judge_regions(report.scores, nulls),
        "table": tabulate_regions(report.scores),
        "means": mean_scores(report.scores),
        "listed": listed,
        "all_listed": all_listed,
        "nulls": shown_nulls,
        "null_notes": note_few_ways(shown_nulls, n_runs=len(runs), unit=report.cv_unit),
        "few_draws": FEW_DRAWS,
        "measure_words": MEASURE_WORDS,
        "null_words": NULL_WORDS,
        "is_within_run": report.cv_unit == "block",
        "is_across_tasks": report.cv_unit == "task",
        "runs": list(zip(labels, report.runs, strict=True)),
        "eeg_steps": _group_steps(report.runs, labels, lambda run: run.eeg_steps),
        "bold_steps": _group_steps(report.runs, labels, lambda run: run.region_steps),
        "quality_names": {name: name_quality(name) for run in report.runs for name in run.eeg_quality},
        "n_unused": sum(run.status != "paired" for run in report.found_runs),
    }
    write_page(html_path, "participant.html.j2", content)
    return (html_path, *figures.paths())


def _group_steps(
    runs: Sequence[RunContent], labels: Sequence[str], steps_of: Callable[[RunContent], tuple[str, ...]]
) -> list[tuple[str, tuple[str, ...]]]:
    """Return (labels of the runs, steps), runs with the same steps together."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for run, label in zip(runs, labels, strict=True):
        groups.setdefault(steps_of(run), []).append(label)
    if len(groups) == 1 and len(runs) > 1:
        return [("All runs", steps) for steps in groups]
    return [(", ".join(names), steps) for steps, names in groups.items()]
