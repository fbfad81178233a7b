"""From r, r given the task and r given task and nuisance to a kind of verdict, a label and a sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bids_eeg2fmri.records import Measure
from bids_eeg2fmri.report.wording import format_r, state_p

Kind = Literal["beyond", "regions", "artefact", "task", "predicts", "nothing", "unknown"]

ALPHA = 0.05
#: Differences of mean Fisher z below this are no more than another random seed can change.
NOTABLE_DIFFERENCE = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One correlation of a model with its p value; ``given`` says what was removed from both sides."""

    measure: Measure
    given: Literal["", "task", "nuisance", "task and nuisance"]
    r: float
    p: float

    @property
    def holds(self) -> bool:
        """Whether the correlation is above chance."""
        return self.p < ALPHA and self.r > 0

    @property
    def name(self) -> str:
        """The correlation in words: ``r given task``."""
        return f"r given {self.given}" if self.given else "r"


def make_steps(
    values: dict[Measure, tuple[float, float]], *, has_task: bool, has_nuisance: bool
) -> list[Step]:
    """Return what there is to compare with, from nothing to all: the last step is the headline.

    Parameters
    ----------
    values : mapping of measure to (r, p)
    has_task, has_nuisance : bool
        Whether there is a task design, and a nuisance: without one, taking it out means nothing.
    """
    nan = (float("nan"), float("nan"))
    steps = [Step(measure="r", given="", r=values["r"][0], p=values["r"][1])]
    if has_task:
        r, p = values.get("r_given_task", nan)
        steps.append(Step(measure="r_given_task", given="task", r=r, p=p))
    if has_nuisance:
        r, p = values.get("r_given_task_nuisance", nan)
        given: Literal["task and nuisance", "nuisance"] = "task and nuisance" if has_task else "nuisance"
        steps.append(Step(measure="r_given_task_nuisance", given=given, r=r, p=p))
    return [steps[0], *(step for step in steps[1:] if math.isfinite(step.p))]


def judge_steps(steps: Sequence[Step]) -> Kind:
    """Return the kind of verdict that the steps lead to."""
    headline = steps[-1]
    if not math.isfinite(headline.p):
        return "unknown"
    if headline.holds:
        return "beyond" if headline.given else "predicts"
    held = [step for step in steps if step.holds]
    if not held:
        return "nothing"
    # What was taken out after the last correlation that holds explains it.
    return "task" if steps[steps.index(held[-1]) + 1].given == "task" else "artefact"


def label_kind(kind: Kind, steps: Sequence[Step]) -> str:
    """Return what a reader sees of a verdict at a glance."""
    given = _with_article(steps[-1].given)
    labels: dict[Kind, str] = {
        "beyond": f"beyond {given}",
        "regions": "single regions only",
        "artefact": "explained by motion or artefact",
        "task": "explained by the task",
        "predicts": "predicts (no task to compare with)",
        "nothing": "nothing found",
        "unknown": "not tested",
    }
    return labels[kind]


def say_kind(
    kind: Kind, steps: Sequence[Step], *, model: str, where: str, people: str = "", beside: Sequence[str] = ()
) -> str:
    """Return the verdict in a sentence with its figures, the headline's first.

    Parameters
    ----------
    where : str
        What was predicted.
    people : str
        Of whom, with a leading blank; empty for one participant.
    beside : sequence of str
        What else the reader should see among the figures: the baselines, what was held out.
    """
    prefix = "mean " if where == REGIONS_TEXT or people else ""
    figures = [f"{prefix}{step.name} {format_r(step.r)}, {state_p(step.p)}" for step in reversed(steps)]
    numbers = f"({'; '.join([*figures, *beside])})"
    beyond = f"EEG ({model}) predicts {where} beyond {_with_article(steps[-1].given)}{people} {numbers}."
    rest = " beyond the task" if any(step.given == "task" and step.holds for step in steps) else ""
    sentences: dict[Kind, str] = {
        "beyond": beyond,
        "regions": beyond,
        "artefact": f"What {model} predicts of {where}{rest} is explained by motion or artefact"
        f"{people} {numbers}.",
        "task": f"What {model} predicts of {where} is explained by the task{people} {numbers}.",
        "predicts": f"EEG ({model}) predicts {where}{people} {numbers}; there is no task to compare with.",
        "nothing": f"{model}: nothing found in {where}{people} {numbers}.",
        "unknown": f"{model}: {where} not tested{people} {numbers}.",
    }
    return sentences[kind]


#: The mean over regions in words.
REGIONS_TEXT = "the BOLD of the regions"


def compare_values(model: str, other: str, fisher_z: tuple[float, float], *, name: str) -> list[str]:
    """Say whether one mean Fisher z is above another by more than a random seed can change.

    ``name`` is that of the correlation that is compared.
    """
    difference = fisher_z[0] - fisher_z[1]
    if not math.isfinite(difference):
        return []
    r = [format_r(math.tanh(z)) for z in fisher_z]
    figures = f"mean {name} {r[0]} against {r[1]}"
    if difference <= 0:
        return [f"{model} is not better than {other} ({figures})."]
    if difference < NOTABLE_DIFFERENCE:
        return [f"{model} is not clearly better than {other} ({figures}: another seed can change as much)."]
    return [f"{model} has a higher mean {name} than {other} ({figures})."]


def _with_article(given: str) -> str:
    """Return what a prediction is beyond, as it stands in a sentence."""
    return "the task" if given == "task" else given
