"""Scores of one model, per region and run and over all runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bids_eeg2fmri.evaluation.metrics import correlate, fisher_z, r_squared, remove_design
from bids_eeg2fmri.evaluation.nulls import null_fisher_z, p_value
from bids_eeg2fmri.records import AlignedRun, Floats, Predictions, Score

#: The region that is the mean over regions.
MEAN_REGION = "mean"


def score_predictions(
    runs: Sequence[AlignedRun],
    predictions: Predictions,
    *,
    n_nulls: int,
    min_shift: float,
    rng: np.random.Generator,
) -> tuple[Score, ...]:
    """Return one score per region and run, and one per region over all runs.

    The region ``mean`` is the mean over regions of Fisher z (of R² for R²). Over all runs, z is the mean over
    runs and R² is computed from all volumes together. Where several folds tested parts of a run, each part is
    correlated about its own mean: the training mean of a fold lies opposite to the mean of what was held out,
    which alone would give negative correlations. The null shifts prediction against measurement within runs;
    see :func:`~bids_eeg2fmri.evaluation.nulls.null_fisher_z`.

    Parameters
    ----------
    n_nulls : int
        Draws of the null.
    min_shift : float
        Smallest shift, s.
    """
    parts = [_tested(run, predictions, k) for k, run in enumerate(runs)]
    kept = [k for k, part in enumerate(parts) if len(part.predicted) >= 3]
    plain = [parts[k].without(parts[k].folds) for k in kept]
    given = [parts[k].without(np.hstack([parts[k].folds, parts[k].design])) for k in kept]
    z = np.array([fisher_z(correlate(*pair)) for pair in plain])
    z_task = np.array([fisher_z(correlate(*pair)) for pair in given])
    r2 = np.array([r_squared(*parts[k][:3]) for k in kept])
    regions = (*runs[0].region_names, MEAN_REGION)
    rows = [
        _rows(predictions, regions, runs[k].entities.run_label, _Figures(len(parts[k].predicted), *figures))
        for k, *figures in zip(kept, z, r2, z_task, strict=True)
    ]
    trs = [runs[k].tr for k in kept]
    p_values = [
        _p_over_runs(pairs, values.mean(axis=0), trs, n_nulls=n_nulls, min_shift=min_shift, rng=rng)
        for pairs, values in ((plain, z), (given, z_task))
    ]
    over_all_runs = _Figures(
        sum(len(parts[k].predicted) for k in kept),
        z.mean(axis=0),
        r_squared(*(np.concatenate([parts[k][side] for k in kept]) for side in range(3))),
        z_task.mean(axis=0),
        *p_values,
    )
    overall = _rows(predictions, regions, "all", over_all_runs)
    return tuple(score for group in (*rows, overall) for score in group)


class _Tested(NamedTuple):
    """The tested volumes with weight of one run: (n_volumes, n_regions) thrice, then regressors.

    ``folds`` (n_volumes, n_folds - 1) tells the folds of the run apart, beside a constant.
    """

    predicted: Floats
    measured: Floats
    training_mean: Floats
    folds: Floats
    design: Floats

    def without(self, regressors: Floats) -> tuple[Floats, Floats]:
        """Return predicted and measured without what a constant and the regressors explain."""
        return remove_design(self.predicted, regressors), remove_design(self.measured, regressors)


def _tested(run: AlignedRun, predictions: Predictions, k: int) -> _Tested:
    """Return what was tested of one run."""
    tested = (predictions.folds[k] >= 0) & (run.weights > 0)
    folds = predictions.folds[k][tested]
    return _Tested(
        predictions.values[k][tested],
        run.bold[tested],
        predictions.training_means[k][tested],
        (folds[:, None] == np.unique(folds)[None, 1:]).astype(np.float64),
        run.design[tested],
    )


def _p_over_runs(
    pairs: Sequence[tuple[Floats, ...]],
    observed: Floats,
    trs: Sequence[float],
    *,
    n_nulls: int,
    min_shift: float,
    rng: np.random.Generator,
) -> Floats:
    """Return p of each region and of their mean, (n_regions + 1,); NaN where the score is."""
    finite = np.isfinite(observed)
    p = np.full(len(observed) + 1, np.nan)
    if finite.any():
        sides = [(a[:, finite], b[:, finite]) for a, b in pairs]
        null = null_fisher_z(sides, trs, n_nulls=n_nulls, min_shift=min_shift, rng=rng)
        p[:-1][finite] = p_value(observed[finite], null)
        p[-1:] = p_value(observed[finite].mean(keepdims=True), null.mean(axis=1, keepdims=True))
    return p


class _Figures(NamedTuple):
    """Figures (n_regions,) of one run or of all; p values have one more, of the mean over regions."""

    n_volumes: int
    z: Floats
    r2: Floats
    z_task: Floats
    p: Floats | None = None
    p_task: Floats | None = None


def _rows(predictions: Predictions, regions: Sequence[str], run: str, figures: _Figures) -> list[Score]:
    """Return the scores of every region and of their mean."""
    nothing = np.full(len(regions), np.nan)
    p, p_task = (nothing if values is None else values for values in (figures.p, figures.p_task))
    z, r2, z_task = (np.append(v, _finite_mean(v)) for v in (figures.z, figures.r2, figures.z_task))
    return [
        Score(
            model=predictions.model,
            region=region,
            run=run,
            n_volumes=figures.n_volumes,
            r=float(np.tanh(z[i])),
            fisher_z=float(z[i]),
            r2=float(r2[i]),
            r_given_task=float(np.tanh(z_task[i])),
            p_shift=float(p[i]),
            p_shift_given_task=float(p_task[i]),
            held_out=predictions.unit,
        )
        for i, region in enumerate(regions)
    ]


def _finite_mean(values: Floats) -> float:
    """Return the mean of the values that are defined."""
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else float("nan")
