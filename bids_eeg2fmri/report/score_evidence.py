"""The scores of a participant as evidence: what there is to compare with, and one score in a sentence."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from bids_eeg2fmri.evaluation.significance import MEAN_REGION
from bids_eeg2fmri.records import Score
from bids_eeg2fmri.report.evidence import REGIONS_TEXT, Kind, Step, make_steps, say_kind
from bids_eeg2fmri.report.style import NUISANCE_MODEL, TASK_MODEL
from bids_eeg2fmri.report.wording import format_r

#: Marks of what was held out that a reader must see beside a score.
HELD_OUT = {"block": "within-run", "task": "learned on another task"}

#: Scores over all runs by model and region.
Overall = Mapping[tuple[str, str], Score]


def scores_over_runs(scores: Iterable[Score]) -> dict[tuple[str, str], Score]:
    """Return the scores over all runs by model and region."""
    return {(score.model, score.region): score for score in scores if score.run == "all"}


def score_steps(score: Score, overall: Overall) -> list[Step]:
    """Return the steps of a score over all runs; what there is to compare with is known by the baselines."""
    return make_steps(
        {
            "r": (score.r, score.p),
            "r_given_task": (score.r_given_task, score.p_given_task),
            "r_given_task_nuisance": (score.r_given_task_nuisance, score.p_given_task_nuisance),
        },
        has_task=_predicts_something(overall, TASK_MODEL),
        has_nuisance=_predicts_something(overall, NUISANCE_MODEL),
    )


def say_score(kind: Kind, score: Score, steps: Sequence[Step], overall: Overall) -> str:
    """Return the sentence on one score."""
    beside = [
        f"{words} alone: r {format_r(overall[name, score.region].r)}"
        for name, words in ((TASK_MODEL, "task design"), (NUISANCE_MODEL, "nuisance"))
        if (name, score.region) in overall and math.isfinite(overall[name, score.region].r)
    ]
    mark = HELD_OUT.get(score.held_out)
    where = REGIONS_TEXT if score.region == MEAN_REGION else score.region
    return say_kind(kind, steps, model=score.model, where=where, beside=[*beside, *([mark] if mark else [])])


def _predicts_something(overall: Overall, baseline: str) -> bool:
    """Tell whether a baseline has regressors: without any its prediction is constant, and has no r."""
    score = overall.get((baseline, MEAN_REGION))
    return score is not None and math.isfinite(score.r)
