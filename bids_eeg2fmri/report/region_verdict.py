"""What the scores say of single regions: each by itself, and which hold after correction over regions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bids_eeg2fmri.evaluation.baselines import BASELINE_NAMES
from bids_eeg2fmri.evaluation.significance import MEAN_REGION, primary_null
from bids_eeg2fmri.records import NullTest, Score
from bids_eeg2fmri.report.evidence import ALPHA, Kind, judge_steps, label_kind
from bids_eeg2fmri.report.score_evidence import Overall, say_score, score_steps, scores_over_runs
from bids_eeg2fmri.report.wording import format_r, state_p


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionVerdict:
    """What can be said of one model in one region; ``is_corrected``: it holds after max-T over regions."""

    model: str
    region: str
    kind: Kind
    label: str
    sentence: str
    is_corrected: bool


def judge_regions(scores: Iterable[Score], nulls: Sequence[NullTest] = ()) -> tuple[RegionVerdict, ...]:
    """Say for each region and model what its score over all runs shows."""
    overall = scores_over_runs(scores)
    corrected = correct_over_regions(nulls)
    verdicts = []
    for (model, region), score in overall.items():
        if model in BASELINE_NAMES or region == MEAN_REGION:
            continue
        steps = score_steps(score, overall)
        kind = judge_steps(steps)
        verdicts.append(
            RegionVerdict(
                model=model,
                region=region,
                kind=kind,
                label=label_kind(kind, steps),
                sentence=say_score(kind, score, steps, overall),
                is_corrected=holds_corrected(score, overall, corrected),
            )
        )
    return tuple(verdicts)


def correct_over_regions(nulls: Sequence[NullTest]) -> dict[tuple[str, str, str], float]:
    """Return p against the largest over regions of each model, region and measure, by its primary null."""
    by_place: dict[tuple[str, str, str], list[NullTest]] = {}
    for test in nulls:
        by_place.setdefault((test.model, test.region, test.measure), []).append(test)
    best = {place: primary_null(tests) for place, tests in by_place.items()}
    return {place: test.p_max_t for place, test in best.items() if test is not None}


def holds_corrected(score: Score, overall: Overall, corrected: Mapping[tuple[str, str, str], float]) -> bool:
    """Tell whether a region's headline is above chance after correction over regions."""
    headline = score_steps(score, overall)[-1]
    return headline.holds and corrected.get((score.model, score.region, headline.measure), 1.0) < ALPHA


def list_regions(
    regions: Sequence[Score],
    holding: Sequence[Score],
    overall: Overall,
    corrected: Mapping[tuple[str, str, str], float],
) -> list[str]:
    """Name the regions that hold after correction, or count those below .05 beside what chance leads to."""
    headlines = [score_steps(score, overall)[-1] for score in regions]
    tested = [step for step in headlines if math.isfinite(step.p)]
    if not tested:
        return []
    given = f" given {tested[0].given}" if tested[0].given else ""
    if holding:
        listed = []
        for score in holding:
            step = score_steps(score, overall)[-1]
            p = corrected[score.model, score.region, step.measure]
            listed.append(f"{score.region} ({format_r(step.r)}, {state_p(p)})")
        return [
            f"{len(holding)} of {len(tested)} regions hold by themselves (r{given}, p corrected over regions "
            f"by max-T): {', '.join(listed)}."
        ]
    n_below = sum(step.holds for step in tested)
    none_holds = "; none holds after correction" if corrected and n_below else ""
    return [
        f"{n_below} of {len(tested)} regions have p < .05{given}, not corrected over regions "
        f"({ALPHA * len(tested):.1f} expected by chance){none_holds}."
    ]
