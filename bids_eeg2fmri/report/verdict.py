"""What the scores say, in sentences: beyond the task, explained by the task, or nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from bids_eeg2fmri.evaluation.baselines import BASELINE_NAMES
from bids_eeg2fmri.records import GroupTest, Score
from bids_eeg2fmri.report.style import TASK_MODEL
from bids_eeg2fmri.report.wording import format_r, state_p

Kind = Literal["beyond", "predicts", "task", "nothing", "unknown"]

MEAN_REGION = "mean"
#: The linear model that every other model has to beat.
LINEAR_MODEL = "ridge"
ALPHA = 0.05
#: Differences of mean Fisher z below this are no more than another random seed can change.
NOTABLE_DIFFERENCE = 0.03

#: What a reader sees of each kind of verdict at a glance.
LABELS: dict[Kind, str] = {
    "beyond": "beyond the task",
    "predicts": "predicts (no task to compare with)",
    "task": "explained by the task",
    "nothing": "nothing found",
    "unknown": "not tested",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What can be said of one model: a kind to see at a glance, and sentences."""

    model: str
    kind: Kind
    sentences: tuple[str, ...]

    @property
    def label(self) -> str:
        """The kind in two or three words."""
        return LABELS[self.kind]


def judge_region(score: Score, task: Score | None) -> tuple[Kind, str]:
    """Say what a model's score over all runs in one region shows.

    Parameters
    ----------
    score : Score
        Of a model of the EEG.
    task : Score or None
        Of the task baseline in the same region, None where there is no task.
    """
    model = score.model
    where = "the BOLD of the regions" if score.region == MEAN_REGION else score.region
    prefix = "mean " if score.region == MEAN_REGION else ""
    with_r = f"{prefix}r {format_r(score.r)}, {state_p(score.p)}"
    if task is None or not math.isfinite(score.p_given_task):
        if not math.isfinite(score.p):
            return "unknown", f"{model} was not tested on {where}."
        if score.p < ALPHA and score.r > 0:
            return "predicts", f"EEG ({model}) predicts {where} ({with_r}); there is no task to compare with."
        return "nothing", f"{model}: nothing found in {where} ({with_r})."
    given = f"r given task {format_r(score.r_given_task)}, {state_p(score.p_given_task)}"
    alone = f"task design alone: r {format_r(task.r)}"
    if score.p_given_task < ALPHA and score.r_given_task > 0:
        return (
            "beyond",
            f"EEG ({model}) predicts {where} beyond the task ({prefix}{given}; {with_r}; {alone}).",
        )
    if score.p < ALPHA and score.r > 0:
        text = f"What {model} predicts of {where} is explained by the task"
        return "task", f"{text} ({with_r}; {prefix}{given}; {alone})."
    return "nothing", f"{model}: nothing found in {where} ({with_r}; {prefix}{given})."


def judge_participant(scores: Iterable[Score], *, linear_model: str = LINEAR_MODEL) -> tuple[Verdict, ...]:
    """Say for each model of a participant what its scores over all runs show, and what it does not beat."""
    overall = {(score.model, score.region): score for score in scores if score.run == "all"}
    verdicts = []
    for model in dict.fromkeys(model for model, _ in overall if model not in BASELINE_NAMES):
        mean = overall.get((model, MEAN_REGION))
        if mean is None:
            continue
        kind, sentence = judge_region(mean, overall.get((TASK_MODEL, MEAN_REGION)))
        regions = [s for (m, region), s in overall.items() if m == model and region != MEAN_REGION]
        has_task = (TASK_MODEL, MEAN_REGION) in overall
        sentences = (
            sentence,
            *_count_regions(regions, given_task=has_task),
            *_compare_with_task(mean, overall.get((TASK_MODEL, MEAN_REGION)), kind),
            *_compare(mean, overall.get((linear_model, MEAN_REGION)), f"the linear model ({linear_model})"),
        )
        verdicts.append(Verdict(model=model, kind=kind, sentences=sentences))
    return tuple(verdicts)


def judge_group(tests: Sequence[GroupTest], *, linear_model: str = LINEAR_MODEL) -> tuple[Verdict, ...]:
    """Say for each model what holds across participants."""
    found = {(test.model, test.measure): test for test in tests if test.region == MEAN_REGION}
    verdicts = []
    for model in dict.fromkeys(test.model for test in tests if test.model not in BASELINE_NAMES):
        if (model, "r") not in found:
            continue
        plain, given = found[model, "r"], found.get((model, "r_given_task"))
        kind, sentence = _judge_group_mean(plain, given)
        above = found.get((model, "r_minus_task"))
        sentences = [sentence]
        regions = [t for t in tests if t.model == model and t.region != MEAN_REGION]
        sentences += _list_corrected(regions, measure="r" if given is None else "r_given_task")
        if above is not None and math.isfinite(above.p) and not (above.p < ALPHA and above.fisher_z > 0):
            difference = f"{above.fisher_z:+.2f}".replace("-", "\N{MINUS SIGN}")
            sentences.append(
                f"{model} is not shown to predict better than the task design alone "
                f"(difference of Fisher z {difference}, {state_p(above.p)})."
            )
        if model != linear_model and (linear_model, "r") in found:
            linear = found[linear_model, "r"]
            sentences += _compare_values(
                model,
                f"the linear model ({linear_model})",
                plain.fisher_z,
                linear.fisher_z,
                (plain.r, linear.r),
            )
        verdicts.append(Verdict(model=model, kind=kind, sentences=tuple(sentences)))
    return tuple(verdicts)


def _judge_group_mean(plain: GroupTest, given: GroupTest | None) -> tuple[Kind, str]:
    """Say what the tests of the mean over regions show; ``given`` is None where there is no task."""
    model, n = plain.model, plain.n_participants
    with_r = f"mean r {format_r(plain.r)}, {state_p(plain.p)}"
    if not math.isfinite(plain.p):
        return "unknown", f"{model}: not tested, with {n} participant(s) (mean r {format_r(plain.r)})."
    people = f"across {n} participants"
    if given is None:
        if plain.p < ALPHA:
            return "predicts", f"EEG ({model}) predicts BOLD {people} ({with_r}); no task to compare with."
        return "nothing", f"{model}: nothing found {people} ({with_r})."
    with_given = f"mean r given task {format_r(given.r)}, {state_p(given.p)}"
    if given.p < ALPHA:
        return "beyond", f"EEG ({model}) predicts BOLD beyond the task {people} ({with_given}; {with_r})."
    if plain.p < ALPHA:
        return "task", f"What {model} predicts is explained by the task {people} ({with_r}; {with_given})."
    return "nothing", f"{model}: nothing found {people} ({with_r}; {with_given})."


def _list_corrected(tests: Sequence[GroupTest], *, measure: str) -> list[str]:
    """Name the regions that hold after correction over regions, as a sentence."""
    family = [test for test in tests if test.measure == measure and math.isfinite(test.p_max_t)]
    if not family:
        return []
    what = "r given task" if measure == "r_given_task" else "r"
    names = [test.region for test in family if test.p_max_t < ALPHA]
    if not names:
        return [f"No region by itself has p < .05 corrected over {len(family)} regions ({what}, max-T)."]
    return [
        f"{len(names)} of {len(family)} regions have p < .05 corrected over regions "
        f"({what}, max-T): {', '.join(names)}."
    ]


def _count_regions(scores: Sequence[Score], *, given_task: bool) -> list[str]:
    """Count the regions with p < .05, beside how many chance alone leads to expect."""
    p_values = [score.p_given_task if given_task else score.p for score in scores]
    tested = [p for p in p_values if math.isfinite(p)]
    if not tested:
        return []
    n_below = sum(p < ALPHA for p in tested)
    what = " given the task" if given_task else ""
    return [
        f"{n_below} of {len(tested)} regions have p < .05{what}, not corrected over regions "
        f"({ALPHA * len(tested):.1f} expected by chance)."
    ]


def _compare_with_task(score: Score, task: Score | None, kind: Kind) -> list[str]:
    """Say whether a model is above the task baseline; a higher r counts only if "beyond" it."""
    sentences = _compare(score, task, "the task design alone")
    is_higher = task is not None and score.fisher_z - task.fisher_z >= NOTABLE_DIFFERENCE
    return [] if is_higher and kind != "beyond" else sentences


def _compare(score: Score, other: Score | None, other_name: str) -> list[str]:
    """Say whether the mean r of a model is above another's."""
    if other is None or other.model == score.model:
        return []
    return _compare_values(score.model, other_name, score.fisher_z, other.fisher_z, (score.r, other.r))


def _compare_values(
    model: str, other_name: str, fisher_z: float, other_z: float, r_values: tuple[float, float]
) -> list[str]:
    """Say whether one Fisher z is above another by more than a random seed can change."""
    difference = fisher_z - other_z
    if not math.isfinite(difference):
        return []
    figures = f"mean r {format_r(r_values[0])} against {format_r(r_values[1])}"
    if difference <= 0:
        return [f"{model} is not better than {other_name} ({figures})."]
    if difference < NOTABLE_DIFFERENCE:
        return [
            f"{model} is not clearly better than {other_name} ({figures}: another seed can change as much)."
        ]
    return [f"{model} has a higher mean r than {other_name} ({figures})."]
