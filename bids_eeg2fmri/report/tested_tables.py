"""What the tables of a participant's page hold: scores by region, figures of merit, nulls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bids_eeg2fmri.evaluation.baselines import BASELINE_NAMES
from bids_eeg2fmri.evaluation.significance import MEAN_REGION
from bids_eeg2fmri.records import MEASURES, Measure, NullTest, Score
from bids_eeg2fmri.report.evidence import ALPHA
from bids_eeg2fmri.report.score_evidence import score_steps
from bids_eeg2fmri.report.wording import format_p

MEASURE_WORDS: dict[str, str] = {
    "r": "r",
    "r_given_task": "r given task",
    "r_given_task_nuisance": "r given task and nuisance",
}
NULL_WORDS = {
    "shift": "circular shifts",
    "phase": "random phases",
    "wrong-run": "EEG of other runs",
    "refit": "models fitted to shifted BOLD",
}
#: With fewer draws p cannot be below .05, and their standard deviation says little.
FEW_DRAWS = 20
#: Rows of a table that a browser still scrolls through.
_MOST_ROWS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One figure with how it is shown: ``is_found`` if it is above chance."""

    value: float
    p: float
    is_found: bool
    #: The last correlation of a model: only beside it p is written.
    is_headline: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionTable:
    """r of every model and region, then that of the baselines.

    ``heads`` has the columns of each model, ``rows`` for each region the cells of all models in order.
    """

    models: tuple[str, ...]
    heads: tuple[str, ...]
    baselines: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[Cell | None, ...], ...], tuple[Cell | None, ...]], ...]


def tabulate_regions(scores: Sequence[Score]) -> RegionTable:
    """Return the table of the scores over all runs, the mean over regions last."""
    overall = {(s.model, s.region): s for s in scores if s.run == "all"}
    names = dict.fromkeys(model for model, _ in overall)
    models = tuple(name for name in names if name not in BASELINE_NAMES)
    baselines = tuple(name for name in BASELINE_NAMES if name in names)
    regions = dict.fromkeys(region for _, region in overall)
    ordered = [*(n for n in regions if n != MEAN_REGION), *(n for n in regions if n == MEAN_REGION)]
    measures = _measures(overall, models)

    def model_cells(model: str, region: str) -> tuple[Cell | None, ...]:
        score = overall.get((model, region))
        if score is None:
            return (None,) * len(measures)
        steps = {step.measure: step for step in score_steps(score, overall)}
        return tuple(
            Cell(value=s.r, p=s.p, is_found=s.holds, is_headline=measure == measures[-1])
            if (s := steps.get(measure)) is not None
            else None
            for measure in measures
        )

    def baseline_cell(model: str, region: str) -> Cell | None:
        score = overall.get((model, region))
        if score is None:
            return None
        found = score.p < ALPHA and score.r > 0
        return Cell(value=score.r, p=score.p, is_found=found, is_headline=False)

    return RegionTable(
        models=models,
        heads=tuple(MEASURE_WORDS[measure] for measure in measures),
        baselines=baselines,
        rows=tuple(
            (
                region,
                tuple(model_cells(model, region) for model in models),
                tuple(baseline_cell(name, region) for name in baselines),
            )
            for region in ordered
        ),
    )


def mean_scores(scores: Sequence[Score]) -> tuple[Score, ...]:
    """Return the scores of the mean over regions over all runs, the models of the EEG first."""
    own = [s for s in scores if s.run == "all" and s.region == MEAN_REGION]
    return tuple(sorted(own, key=lambda s: s.model in BASELINE_NAMES))


def listed_scores(scores: Sequence[Score]) -> tuple[tuple[Score, ...], bool]:
    """Return the scores to list one by one, and whether that is all: else those of the mean over regions."""
    if len(scores) <= _MOST_ROWS:
        return tuple(scores), True
    return tuple(s for s in scores if s.region == MEAN_REGION), False


def mean_nulls(nulls: Sequence[NullTest]) -> tuple[NullTest, ...]:
    """Return the tests of the mean over regions of the models of the EEG."""
    return tuple(t for t in nulls if t.region == MEAN_REGION and t.model not in BASELINE_NAMES)


def note_few_ways(nulls: Sequence[NullTest], *, n_runs: int, unit: str) -> tuple[str, ...]:
    """Return what the number of runs does not allow the nulls to show."""
    notes = []
    for null, words in NULL_WORDS.items():
        counts = {test.n_draws for test in nulls if test.null == null}
        if counts and max(counts) < FEW_DRAWS:
            n = max(counts)
            ways = "is only 1 way" if n == 1 else f"are only {n} ways"
            notes.append(
                f"{words[0].upper()}{words[1:]}: with {n_runs} run{'s' if n_runs != 1 else ''} there {ways} "
                f"to draw; no p below {format_p(1 / (n + 1))} is possible."
            )
    if nulls and not any(test.null == "wrong-run" for test in nulls):
        reason = (
            "there is only one run"
            if n_runs == 1
            else f"what is held out is a {unit}, not whole runs in turn"
        )
        notes.append(f"EEG of other runs: no such test, since {reason}.")
    return tuple(notes)


def _measures(overall: dict[tuple[str, str], Score], models: Sequence[str]) -> tuple[Measure, ...]:
    """Return the correlations that any model was tested on."""
    found: dict[Measure, None] = {}
    for model in models:
        if (model, MEAN_REGION) in overall:
            found |= dict.fromkeys(s.measure for s in score_steps(overall[model, MEAN_REGION], overall))
    return tuple(measure for measure in MEASURES if measure in found) or ("r",)
