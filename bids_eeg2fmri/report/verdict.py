"""What the scores of a participant say, in sentences: for each model, each region, and the baselines."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bids_eeg2fmri.evaluation.baselines import BASELINE_NAMES
from bids_eeg2fmri.evaluation.significance import MEAN_REGION
from bids_eeg2fmri.records import NullTest, Score
from bids_eeg2fmri.report.evidence import ALPHA, Kind, compare_values, judge_steps, label_kind
from bids_eeg2fmri.report.region_verdict import correct_over_regions, holds_corrected, list_regions
from bids_eeg2fmri.report.score_evidence import HELD_OUT, Overall, say_score, score_steps, scores_over_runs
from bids_eeg2fmri.report.style import NUISANCE_MODEL, TASK_MODEL
from bids_eeg2fmri.report.wording import format_r, state_p

#: Models without anything nonlinear between band power and prediction; the first that was trained is what
#: the others are compared with, so that none is chosen by its score.
LINEAR_MODELS = ("ridge", "smr", "efp", "spoc", "sgl")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What can be said of one model: a kind to see at a glance, in two or three words, and in sentences.

    ``mark`` says what was held out where it was no new run.
    """

    model: str
    kind: Kind
    label: str
    sentences: tuple[str, ...]
    mark: str = ""


def judge_participant(scores: Iterable[Score], nulls: Sequence[NullTest] = ()) -> tuple[Verdict, ...]:
    """Say for each model of a participant what its scores over all runs show, and what it does not beat.

    Parameters
    ----------
    scores : iterable of Score
    nulls : sequence of NullTest
        For what holds in single regions after correction over them; empty: they are only counted.
    """
    overall = scores_over_runs(scores)
    models = [m for m in dict.fromkeys(model for model, _ in overall) if m not in BASELINE_NAMES]
    corrected = correct_over_regions(nulls)
    verdicts = []
    for model in models:
        mean = overall.get((model, MEAN_REGION))
        if mean is None:
            continue
        steps = score_steps(mean, overall)
        kind = judge_steps(steps)
        sentence = say_score(kind, mean, steps, overall)
        regions = [s for (m, region), s in overall.items() if m == model and region != MEAN_REGION]
        holding = [s for s in regions if holds_corrected(s, overall, corrected)]
        if holding and kind not in ("beyond", "predicts"):
            kind = "regions"
        verdicts.append(
            Verdict(
                model=model,
                kind=kind,
                label=label_kind(kind, steps),
                mark=HELD_OUT.get(mean.held_out, ""),
                sentences=(
                    sentence,
                    *list_regions(regions, holding, overall, corrected),
                    *_compare_with_task(mean, overall.get((TASK_MODEL, MEAN_REGION)), kind),
                    *_compare_with_linear(model, models, overall),
                ),
            )
        )
    return tuple(verdicts)


def judge_baselines(scores: Iterable[Score]) -> tuple[str, ...]:
    """Say what is predicted without a model of the EEG, where that is above chance."""
    overall = scores_over_runs(scores)
    words = {
        TASK_MODEL: ("The task design alone", "r may be high by the task alone; look at r given task"),
        NUISANCE_MODEL: (
            "Nuisance alone (motion, heart beat, artefacts)",
            "a score may come from there; look at r given task and nuisance",
        ),
        "drift": ("The time in the run alone", "the BOLD drifts alike in all runs"),
    }
    found = []
    for model, (name, advice) in words.items():
        score = overall.get((model, MEAN_REGION))
        if score is not None and score.p < ALPHA and score.r > 0:
            found.append(
                f"{name} predicts the BOLD of the regions (mean r {format_r(score.r)}, {state_p(score.p)}): "
                f"{advice}."
            )
    return tuple(found)


def summarise(verdicts: Sequence[Verdict]) -> str:
    """Return in one sentence what was found by which models; plainly so if nothing was."""
    if not verdicts:
        return "No model of the EEG was tested."
    groups: dict[str, list[str]] = {}
    for verdict in verdicts:
        groups.setdefault(verdict.label, []).append(verdict.model)
    if all(verdict.kind == "nothing" for verdict in verdicts):
        return (
            f"Nothing was found: no model predicts the BOLD of the regions ({', '.join(_models(verdicts))})."
        )
    parts = [f"{label}: {', '.join(models)}" for label, models in groups.items()]
    text = "; ".join(parts)
    if not any(verdict.kind in ("beyond", "regions", "predicts") for verdict in verdicts):
        return (
            f"Nothing of the brain was found in the EEG that predicts the BOLD. {text[0].upper()}{text[1:]}."
        )
    return f"{text[0].upper()}{text[1:]}."


def _compare_with_task(score: Score, task: Score | None, kind: Kind) -> list[str]:
    """Say whether a model's r is above the task's; a higher r counts only if it is beyond the task."""
    if task is None:
        return []
    sentences = compare_values(
        score.model, "the task design alone", (score.fisher_z, task.fisher_z), name="r"
    )
    is_praise = any("higher" in text for text in sentences)
    return [] if is_praise and kind not in ("beyond", "regions") else sentences


def _compare_with_linear(model: str, models: Sequence[str], overall: Overall) -> list[str]:
    """Say what a model has above the linear model, and which other linear models are above it too.

    The linear model is the first in the order of ``LINEAR_MODELS``, not the best on the data it is tested on.
    """
    linear = [name for name in LINEAR_MODELS if name in models]
    if not linear or model == linear[0]:
        return []
    own = _headline_z(model, overall)
    step = score_steps(overall[model, MEAN_REGION], overall)[-1]
    reference = f"the linear model ({linear[0]})" if model not in LINEAR_MODELS else linear[0]
    sentences = compare_values(model, reference, (own, _headline_z(linear[0], overall)), name=step.name)
    if model in LINEAR_MODELS:
        return sentences
    better = {name: z for name in linear[1:] if (z := _headline_z(name, overall)) >= own}
    if better:
        listed = ", ".join(f"{name} {format_r(math.tanh(z))}" for name, z in better.items())
        sentences.append(
            f"{len(better)} of {len(linear) - 1} other linear models are as good or better ({listed})."
        )
    return sentences


def _headline_z(model: str, overall: Overall) -> float:
    """Return Fisher z of a model's headline over the regions; NaN where there is no score."""
    score = overall.get((model, MEAN_REGION))
    if score is None:
        return float("nan")
    r = score_steps(score, overall)[-1].r
    return math.atanh(r) if abs(r) < 1 else float("nan")


def _models(verdicts: Sequence[Verdict]) -> list[str]:
    """Return the names of the models."""
    return [verdict.model for verdict in verdicts]
