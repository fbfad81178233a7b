"""From the scores of participants to tests over participants, and to maps of the brain."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.evaluation.baselines import BASELINE_NAMES, TaskDesign
from bids_eeg2fmri.records import Floats, GroupTest, Score
from bids_eeg2fmri.stats.signflip import Measure, sign_flip_test

#: The name under which the scores of the task baseline stand beside those of the models.
TASK_MODEL = TaskDesign.name


def run_group_tests(
    scores: Sequence[tuple[str, Score]],
    *,
    rng: np.random.Generator,
    baseline: str = TASK_MODEL,
    n_permutations: int = 9999,
) -> tuple[GroupTest, ...]:
    """Test every model and region across participants.

    The measures are told apart by ``GroupTest.measure``: ``r`` of every model, the baselines included; of the
    models of the EEG ``r_given_task``, ``r_given_task_nuisance`` and, paired within participants,
    ``r_minus_task``: how much their Fisher z exceeds the baseline's. These are left out where there are no
    such scores.

    Parameters
    ----------
    scores : sequence of (participant label, Score)
        Only scores over all runs (``run == "all"``) are used; a participant who lacks one counts as missing.
    rng : Generator
        Draws the signs when there are more than 12 participants.
    baseline : str
        The model to subtract.

    Raises
    ------
    ValueError
        If a participant has two scores of the same model and region over all runs.
    """
    overall = [(participant, score) for participant, score in scores if score.run == "all"]
    participants = _unique(participant for participant, _ in overall)
    models = _unique(score.model for _, score in overall)
    regions = _unique(score.region for _, score in overall)
    by_place: dict[tuple[str, str, str], Score] = {}
    for participant, score in overall:
        if by_place.setdefault((participant, score.model, score.region), score) is not score:
            raise ValueError(f"Participant {participant} has two scores of {score.model} in {score.region}.")

    def table(model: str, measure: Measure = "r") -> Floats:
        """Return Fisher z, (n_participants, n_regions), NaN where there is no score."""
        rows = [[by_place.get((who, model, region)) for region in regions] for who in participants]
        return np.array([[_fisher_z(score, measure) for score in row] for row in rows])

    tables: list[tuple[str, Measure, Floats]] = [(model, "r", table(model)) for model in models]
    compared = [model for model in models if model not in (baseline, *BASELINE_NAMES)]
    given: tuple[Measure, ...] = ("r_given_task", "r_given_task_nuisance")
    tables += [(model, measure, table(model, measure)) for measure in given for model in compared]
    if baseline in models:
        tables += [(model, "r_minus_task", table(model) - table(baseline)) for model in compared]
    return tuple(
        test
        for model, measure, fisher_z in tables
        if measure == "r" or np.isfinite(fisher_z).any()
        for test in sign_flip_test(
            fisher_z,
            model=model,
            measure=measure,
            region_names=regions,
            rng=rng,
            n_permutations=n_permutations,
        )
    )


def paint_regions(labels: NDArray[np.int32], values: Sequence[float] | Floats) -> NDArray[np.float32]:
    """Return an image, (n_x, n_y, n_z) float32, with each region's value in its voxels and 0 elsewhere.

    Parameters
    ----------
    labels : array, shape (n_x, n_y, n_z)
        Voxels of region k hold k + 1, background 0.
    values : sequence of float, shape (n_regions,)
        A value that is not finite is painted as 0, as what was not measured.

    Raises
    ------
    ValueError
        If a label has no value.
    """
    if labels.min(initial=0) < 0 or labels.max(initial=0) > len(values):
        raise ValueError(f"labels: expected 0 to {len(values)}, got {labels.min()} to {labels.max()}.")
    palette = np.zeros(len(values) + 1, dtype=np.float32)
    palette[1:] = np.nan_to_num(np.asarray(values, dtype=np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    return palette[labels]


def _fisher_z(score: Score | None, measure: Measure) -> float:
    """Return Fisher z of a score, NaN if there is none or if it is not finite."""
    if score is None:
        return float("nan")
    if measure == "r":
        return score.fisher_z
    r = float(getattr(score, measure))
    return float(np.arctanh(r)) if abs(r) < 1 else float("nan")


def _unique(names: Iterable[str]) -> list[str]:
    """Return each name once, in order of first appearance."""
    return list(dict.fromkeys(names))
