"""Scores of one model: per fold, run, session and over all, with all that its test showed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from bids_eeg2fmri.evaluation.bootstrap import confidence_interval
from bids_eeg2fmri.evaluation.coherence import coherence_in_band
from bids_eeg2fmri.evaluation.lags import best_lag, trace_lags
from bids_eeg2fmri.evaluation.metrics import (
    calibration_slope,
    change_accuracy,
    concordance,
    effective_samples,
    mean_squared_error,
    r_squared,
)
from bids_eeg2fmri.evaluation.significance import MEAN_REGION, primary_null, run_null_tests
from bids_eeg2fmri.evaluation.tested import TestedRun, tested_folds, tested_runs
from bids_eeg2fmri.records import (
    MEASURES,
    AlignedRun,
    Evaluation,
    Floats,
    Measure,
    NullTest,
    Predictions,
    Score,
)
from bids_eeg2fmri.settings import EvaluationSettings

#: A change is told over this long: about what the haemodynamic response needs to rise, s.
_CHANGE = 4.0


def evaluate(
    runs: Sequence[AlignedRun],
    predictions: Predictions,
    settings: EvaluationSettings,
    *,
    rng: np.random.Generator,
    wrong_runs: Sequence[Sequence[Floats]] | None = None,
    refit_nulls: Sequence[NullTest] = (),
    beside_task: tuple[Predictions, Predictions] | None = None,
) -> Evaluation:
    """Return scores, nulls, lags and specificity of one model's predictions for what it had not seen.

    The region ``mean`` is the mean over regions of Fisher z (of each figure for the others).

    Parameters
    ----------
    runs : sequence of AlignedRun
    predictions : Predictions
    settings : EvaluationSettings
    rng : Generator
    wrong_runs : sequence of sequence of array, or None
        See :func:`~bids_eeg2fmri.evaluation.significance.run_null_tests`.
    refit_nulls : sequence of NullTest
        Tests against models refitted to surrogate BOLD, made where models are trained.
    beside_task : (Predictions, Predictions) or None
        Of the task alone, and of task and this model together: for the gain in R².
    """
    tested = tested_runs(runs, predictions)
    groups: list[tuple[str, Sequence[TestedRun]]] = [
        *((label, (part,)) for label, part in tested_folds(runs, predictions)),
        *((part.run.entities.run_label, (part,)) for part in tested),
        *_sessions(tested),
        ("all", tested),
    ]
    gains = _gains(runs, beside_task)
    nulls = (
        *run_null_tests(predictions.model, tested, settings, rng=rng, wrong_runs=wrong_runs),
        *refit_nulls,
    )
    scores: list[Score] = []
    for label, parts in groups:
        figures = _figures(parts, rng) | gains.get(label, {})
        scores += _rows(predictions, runs[0].region_names, label, parts, figures)
    plain = [part.pair("r") for part in tested]
    return Evaluation(
        model=predictions.model,
        region_names=runs[0].region_names,
        scores=tuple(_with_p(score, nulls) if score.run == "all" else score for score in scores),
        nulls=nulls,
        lags=trace_lags(plain, [part.run.tr for part in tested]),
        specificity=np.tanh(np.mean([part.cross_fisher_z() for part in tested], axis=0)),
    )


def _sessions(tested: Sequence[TestedRun]) -> list[tuple[str, Sequence[TestedRun]]]:
    """Return the runs of each session, where there are several sessions."""
    names = list(dict.fromkeys(part.run.entities.session for part in tested))
    if len(names) < 2:
        return []
    return [(f"ses-{s}", [part for part in tested if part.run.entities.session == s]) for s in names]


def _figures(parts: Sequence[TestedRun], rng: np.random.Generator) -> dict[str, Floats]:
    """Return every figure of a group of runs, (n_regions,) each."""
    z = {measure: np.array([part.fisher_z(measure) for part in parts]) for measure in MEASURES}
    pairs = [part.pair("r") for part in parts]
    predicted, measured, training_mean = (
        np.concatenate([getattr(part, side) for part in parts])
        for side in ("predicted", "measured", "training_mean")
    )
    trs = [part.run.tr for part in parts]
    low, high = confidence_interval(pairs, trs, rng=rng)
    undefined = np.isnan(z["r"]).any(axis=0)
    changes = [
        change_accuracy(part.predicted, part.measured, step=max(round(_CHANGE / part.run.tr), 1))
        for part in parts
    ]
    # Each run about its own mean: what differs between runs is no change of the brain.
    x, y = (np.concatenate([pair[side] for pair in pairs]) for side in (0, 1))
    return {
        "fisher_z": z["r"].mean(axis=0),
        "fisher_z_sd": z["r"].std(axis=0, ddof=1) if len(parts) > 1 else np.full(z["r"].shape[1], np.nan),
        "r_low": np.where(undefined, np.nan, low),
        "r_high": np.where(undefined, np.nan, high),
        "r_given_task": z["r_given_task"].mean(axis=0),
        "r_given_task_nuisance": z["r_given_task_nuisance"].mean(axis=0),
        "r2": r_squared(predicted, measured, training_mean),
        "mse": mean_squared_error(predicted, measured),
        "ccc": concordance(predicted, measured),
        "slope": calibration_slope(x, y),
        "coherence": coherence_in_band(pairs, trs),
        "best_lag": best_lag(trace_lags(pairs, trs)),
        "change_accuracy": np.mean(changes, axis=0),
        "n_effective": np.sum([effective_samples(*pair) for pair in pairs], axis=0),
    }


def _gains(
    runs: Sequence[AlignedRun], beside_task: tuple[Predictions, Predictions] | None
) -> dict[str, dict[str, Floats]]:
    """Return the gain in R² of task and EEG over the task alone, for every run and over all runs."""
    if beside_task is None:
        return {}
    alone, together = (tested_runs(runs, predictions) for predictions in beside_task)
    groups = [(a.run.entities.run_label, [a], [b]) for a, b in zip(alone, together, strict=True)]
    groups.append(("all", list(alone), list(together)))
    return {label: {"r2_gain": _pooled_r2(b) - _pooled_r2(a)} for label, a, b in groups}


def _pooled_r2(parts: Sequence[TestedRun]) -> Floats:
    """Return R² of all volumes together, (n_regions,)."""
    return r_squared(
        np.concatenate([part.predicted for part in parts]),
        np.concatenate([part.measured for part in parts]),
        np.concatenate([part.training_mean for part in parts]),
    )


def _rows(
    predictions: Predictions,
    region_names: Sequence[str],
    run: str,
    parts: Sequence[TestedRun],
    figures: Mapping[str, Floats],
) -> list[Score]:
    """Return the scores of every region and of their mean."""
    columns = {name: np.append(values, _finite_mean(values)) for name, values in figures.items()}
    columns["r"] = columns["fisher_z"]
    for name in MEASURES:  # averaged as Fisher z, shown as correlations
        columns[name] = np.tanh(columns[name])
    n_volumes = sum(len(part.predicted) for part in parts)
    return [
        Score(
            model=predictions.model,
            region=region,
            run=run,
            n_volumes=n_volumes,
            held_out=predictions.unit,
            **{name: float(values[i]) for name, values in columns.items()},
        )
        for i, region in enumerate((*region_names, MEAN_REGION))
    ]


def _with_p(score: Score, nulls: Sequence[NullTest]) -> Score:
    """Return the score with its p values."""

    def p(measure: Measure) -> float:
        best = primary_null([t for t in nulls if t.region == score.region and t.measure == measure])
        return float("nan") if best is None else best.p

    return replace(
        score,
        p=p("r"),
        p_given_task=p("r_given_task"),
        p_given_task_nuisance=p("r_given_task_nuisance"),
    )


def _finite_mean(values: Floats) -> float:
    """Return the mean of the values that are defined."""
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else float("nan")
