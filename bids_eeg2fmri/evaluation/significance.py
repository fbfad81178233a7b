"""Is a correlation higher than what no coupling gives? Every measure against every null."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from bids_eeg2fmri.evaluation.nulls import (
    p_value,
    phase_null,
    shift_null,
    widen,
    wrong_run_null,
    wrong_run_widening,
)
from bids_eeg2fmri.evaluation.tested import TestedRun, cross_run_fisher_z
from bids_eeg2fmri.records import MEASURES, AlignedRun, Floats, Measure, NullTest
from bids_eeg2fmri.settings import EvaluationSettings

#: The region that is the mean over regions.
MEAN_REGION = "mean"

#: Draws of refitted models are the best null there is, as long as there are enough of them.
ENOUGH_REFITS = 99

Null = Literal["shift", "phase", "wrong-run", "refit"]


def run_null_tests(
    model: str,
    tested: Sequence[TestedRun],
    settings: EvaluationSettings,
    *,
    rng: np.random.Generator,
    wrong_runs: Sequence[Sequence[Floats]] | None = None,
) -> tuple[NullTest, ...]:
    """Test the three correlations of a model over all runs against surrogates of its predictions.

    Parameters
    ----------
    model : str
    tested : sequence of TestedRun
    settings : EvaluationSettings
        Draws, smallest shift.
    rng : Generator
    wrong_runs : sequence of sequence of array, shape (n_volumes, n_regions), or None
        ``wrong_runs[k][j]``: the prediction for run k from the EEG of run j; None: no such null.
    """
    trs = [part.run.tr for part in tested]
    tests: list[NullTest] = []
    for measure in MEASURES:
        pairs = [part.pair(measure) for part in tested]
        observed = np.mean([part.fisher_z(measure) for part in tested], axis=0)
        finite = np.isfinite(observed)
        if not finite.any():
            continue
        sides = [(x[:, finite], y[:, finite]) for x, y in pairs]
        n, least = settings.n_nulls, settings.min_shift
        draws: dict[Null, Floats] = {
            "shift": widen(shift_null(sides, trs, n_nulls=n, min_shift=least, rng=rng), centre=0.0),
            "phase": widen(phase_null(sides, n_nulls=n, rng=rng)),
        }
        if wrong_runs is not None and len(tested) > 1:
            z = cross_run_fisher_z([part.run for part in tested], wrong_runs, measure)[:, :, finite]
            wrong = wrong_run_null(z, n_nulls=n, rng=rng)
            draws["wrong-run"] = widen(wrong, wrong_run_widening(len(tested)))
        for null, values in draws.items():
            tests += compare_with_null(model, tested[0].run, measure, null, observed=observed, draws=values)
    return tuple(tests)


def primary_null(tests: Sequence[NullTest]) -> NullTest | None:
    """Return of the tests of one model, region and measure the one that scores take their p from.

    That against refitted models where there are enough draws, else that against circular shifts.
    """
    found = {test.null: test for test in tests}
    refit = found.get("refit")
    return refit if refit is not None and refit.n_draws >= ENOUGH_REFITS else found.get("shift")


def compare_with_null(
    model: str, run: AlignedRun, measure: Measure, null: Null, *, observed: Floats, draws: Floats
) -> list[NullTest]:
    """Return the test of every region, of the largest over regions, and of their mean.

    Parameters
    ----------
    run : AlignedRun
        Names the regions.
    observed : array, shape (n_regions,)
        NaN where there is nothing to test.
    draws : array, shape (n_draws, n_finite)
        Of the regions whose ``observed`` is finite.
    """
    finite = np.flatnonzero(np.isfinite(observed))
    p = p_value(observed[finite], draws)
    p_max = p_value(observed[finite], draws.max(axis=1, keepdims=True))
    mean, mean_draws = observed[finite].mean(keepdims=True), draws.mean(axis=1, keepdims=True)
    columns = [*draws.T, mean_draws[:, 0]]
    values = [*observed[finite], mean[0]]
    names = [*(run.region_names[k] for k in finite), MEAN_REGION]
    p_values = [*p, p_value(mean, mean_draws)[0]]
    corrected = [*p_max, float("nan")]
    return [
        NullTest(
            model=model,
            region=names[k],
            measure=measure,
            null=null,
            fisher_z=float(values[k]),
            n_draws=len(draws),
            null_mean=float(columns[k].mean()),
            null_sd=float(columns[k].std()),
            p=float(p_values[k]),
            p_max_t=float(corrected[k]),
        )
        for k in range(len(names))
    ]
