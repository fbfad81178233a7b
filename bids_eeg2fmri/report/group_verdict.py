"""What the tests across participants say, in sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from bids_eeg2fmri.evaluation.baselines import BASELINE_NAMES
from bids_eeg2fmri.evaluation.significance import MEAN_REGION
from bids_eeg2fmri.records import MEASURES, GroupMeasure, GroupTest, Measure
from bids_eeg2fmri.report.evidence import (
    ALPHA,
    Kind,
    Step,
    compare_values,
    judge_steps,
    label_kind,
    make_steps,
    say_kind,
)
from bids_eeg2fmri.report.style import NUISANCE_MODEL, TASK_MODEL
from bids_eeg2fmri.report.verdict import LINEAR_MODELS, Verdict
from bids_eeg2fmri.report.wording import format_r, state_p

#: Tests of the mean over regions by model and measure.
Found = Mapping[tuple[str, GroupMeasure], GroupTest]


def judge_group(tests: Sequence[GroupTest]) -> tuple[Verdict, ...]:
    """Say for each model what holds across participants."""
    found = {(test.model, test.measure): test for test in tests if test.region == MEAN_REGION}
    models = [m for m in dict.fromkeys(t.model for t in tests) if m not in BASELINE_NAMES]
    verdicts = []
    for model in models:
        if (model, "r") not in found:
            continue
        steps = _steps(model, found)
        kind = _judge(steps, found[model, "r"])
        regions = [t for t in tests if t.model == model and t.region != MEAN_REGION]
        listed = _list_corrected(regions, steps[-1])
        if kind not in ("beyond", "predicts") and any(_holds_corrected(t, steps[-1]) for t in regions):
            kind = "regions"
        sentences = (
            _say(_judge(steps, found[model, "r"]), found[model, "r"], steps, found),
            *listed,
            *_compare_with_task(model, found),
            *_compare_with_linear(model, models, found),
        )
        label = "too few participants" if _is_too_few(found[model, "r"]) else label_kind(kind, steps)
        verdicts.append(Verdict(model=model, kind=kind, label=label, sentences=sentences))
    return tuple(verdicts)


def judge_group_baselines(tests: Sequence[GroupTest]) -> tuple[str, ...]:
    """Say which baselines predict the BOLD across participants without any EEG."""
    names = {
        TASK_MODEL: "The task design alone",
        NUISANCE_MODEL: "Nuisance alone (motion, heart beat, artefacts)",
    }
    return tuple(
        f"{names[t.model]} predicts BOLD across {t.n_participants} participants "
        f"(mean r {format_r(t.r)}, {state_p(t.p)})."
        for t in tests
        if t.model in names and t.measure == "r" and t.region == MEAN_REGION and t.p < ALPHA
    )


def _is_too_few(test: GroupTest) -> bool:
    """Tell whether no result could be below .05: one of two signs each is all that the test has."""
    return 0.5**test.n_participants >= ALPHA


def _judge(steps: Sequence[Step], plain: GroupTest) -> Kind:
    """Return the kind of verdict; where the test cannot show anything, nothing was tested."""
    return "unknown" if _is_too_few(plain) else judge_steps(steps)


def _steps(model: str, found: Found) -> list[Step]:
    """Return the steps of one model; a measure that was not tested is left out."""
    values: dict[Measure, tuple[float, float]] = {
        measure: (found[model, measure].r, found[model, measure].p)
        for measure in MEASURES
        if (model, measure) in found
    }
    return make_steps(
        values,
        has_task=_predicts_something(found, TASK_MODEL),
        has_nuisance=_predicts_something(found, NUISANCE_MODEL),
    )


def _predicts_something(found: Found, baseline: str) -> bool:
    """Tell whether a baseline has regressors in this dataset."""
    test = found.get((baseline, "r"))
    return test is not None and math.isfinite(test.r)


def _say(kind: Kind, plain: GroupTest, steps: Sequence[Step], found: Found) -> str:
    """Return the sentence on the mean over regions."""
    beside = [
        f"{words} alone: mean r {format_r(found[name, 'r'].r)}"
        for name, words in ((TASK_MODEL, "task design"), (NUISANCE_MODEL, "nuisance"))
        if _predicts_something(found, name)
    ]
    if _is_too_few(plain):
        n = plain.n_participants
        beside.append(f"the test cannot show anything with {n} participant{'s' if n != 1 else ''}")
    people = f" across {plain.n_participants} participant{'s' if plain.n_participants != 1 else ''}"
    return say_kind(kind, steps, model=plain.model, where="BOLD", people=people, beside=beside)


def _holds_corrected(test: GroupTest, headline: Step) -> bool:
    """Tell whether a region's test of the headline holds after correction over regions."""
    return test.measure == headline.measure and test.p_max_t < ALPHA and test.fisher_z > 0


def _list_corrected(tests: Sequence[GroupTest], headline: Step) -> list[str]:
    """Name the regions that hold after correction over regions, as a sentence."""
    family = [t for t in tests if t.measure == headline.measure and math.isfinite(t.p_max_t)]
    if not family:
        return []
    names = [
        f"{t.region} ({format_r(t.r)}, {state_p(t.p_max_t)})" for t in family if _holds_corrected(t, headline)
    ]
    if not names:
        return [
            f"No region by itself has p < .05 corrected over {len(family)} regions ({headline.name}, max-T)."
        ]
    return [
        f"{len(names)} of {len(family)} regions have p < .05 corrected over regions "
        f"({headline.name}, max-T): {', '.join(names)}."
    ]


def _compare_with_task(model: str, found: Found) -> list[str]:
    """Say so if a model is not shown to be above the task design."""
    above = found.get((model, "r_minus_task"))
    if above is None or not math.isfinite(above.p) or (above.p < ALPHA and above.fisher_z > 0):
        return []
    difference = f"{above.fisher_z:+.2f}".replace("-", "\N{MINUS SIGN}")
    return [
        f"{model} is not shown to predict better than the task design alone "
        f"(difference of Fisher z {difference}, {state_p(above.p)})."
    ]


def _compare_with_linear(model: str, models: Sequence[str], found: Found) -> list[str]:
    """Say what a model has above the linear model, the first in the order of ``LINEAR_MODELS``."""
    linear = [name for name in LINEAR_MODELS if name in models]
    if not linear or model == linear[0]:
        return []
    step = _steps(model, found)[-1]
    other = found.get((linear[0], step.measure))
    if other is None:
        return []
    name = f"the linear model ({linear[0]})" if model not in LINEAR_MODELS else linear[0]
    pair = (found[model, step.measure].fisher_z, other.fisher_z)
    return compare_values(model, name, pair, name=step.name)
