"""The volumes of a run that were tested, and what is left of both sides given task and nuisance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bids_eeg2fmri.evaluation.baselines import BASELINE_NAMES
from bids_eeg2fmri.evaluation.metrics import correlate, cross_correlate, fisher_z, remove_design
from bids_eeg2fmri.evaluation.nulls import Pair
from bids_eeg2fmri.records import AlignedRun, Floats, Measure, Predictions

#: Fewer volumes tell nothing.
_FEWEST = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TestedRun:
    """The tested volumes with weight of one run.

    Attributes
    ----------
    predicted, measured, training_mean : array, shape (n_volumes, n_regions)
    folds : array, shape (n_volumes, n_folds - 1)
        Tells the folds of the run apart, beside a constant. Where several folds tested parts of a run, each
        part is compared about its own mean: the training mean of a fold lies opposite to the mean of what was
        held out, which alone would give negative correlations.
    design, nuisance : array, shape (n_volumes, n_regressors)
    flat_is_zero : bool
        Whether the correlation of a constant prediction counts as 0. A model that finds nothing to predict
        with has told nothing, and to leave it out would be to average over its successes alone. False for
        baselines: one without regressors is not there.
    """

    run: AlignedRun
    predicted: Floats
    measured: Floats
    training_mean: Floats
    folds: Floats
    design: Floats
    nuisance: Floats
    flat_is_zero: bool = True

    __test__ = False  # not a test, whatever its name says to pytest

    def pair(self, measure: Measure) -> Pair:
        """Return predicted and measured without what a constant, the folds and what is given explain."""
        regressors = self._given(measure)
        return remove_design(self.predicted, regressors), remove_design(self.measured, regressors)

    def fisher_z(self, measure: Measure) -> Floats:
        """Return Fisher z of the correlation, (n_regions,); NaN where it is not defined."""
        predicted, measured = self.pair(measure)
        return self._count_flat(fisher_z(correlate(predicted, measured)), measured)

    def cross_fisher_z(self) -> Floats:
        """Return Fisher z of each region's prediction with each region's BOLD, (n_regions, n_regions)."""
        predicted, measured = self.pair("r")
        return self._count_flat(fisher_z(cross_correlate(predicted, measured)).T, measured[:, :, None]).T

    def _count_flat(self, z: Floats, measured: Floats) -> Floats:
        """Return Fisher z (..., n_regions predicted) with 0 where the prediction is constant in each fold.

        Where the BOLD, (n_volumes, ...), does not vary either, nothing was to be predicted: z stays NaN.
        """
        if not self.flat_is_zero or not np.isnan(z).any():
            return z
        is_flat = ~np.any(remove_design(self.predicted, self.folds), axis=0)
        return np.where(is_flat & np.any(measured, axis=0), 0.0, z)

    def _given(self, measure: Measure) -> Floats:
        """Return the regressors of a measure, (n_volumes, n_regressors)."""
        parts = {
            "r": (self.folds,),
            "r_given_task": (self.folds, self.design),
            "r_given_task_nuisance": (self.folds, self.design, self.nuisance),
        }
        return np.hstack(parts[measure])


def tested_runs(runs: Sequence[AlignedRun], predictions: Predictions) -> tuple[TestedRun, ...]:
    """Return what was tested of each run; runs of which fewer than three volumes were are left out."""
    found = (_select(run, predictions, k) for k, run in enumerate(runs))
    return tuple(part for part in found if len(part.predicted) >= _FEWEST)


def tested_folds(runs: Sequence[AlignedRun], predictions: Predictions) -> tuple[tuple[str, TestedRun], ...]:
    """Return what each fold tested of each run that several folds tested, with a label."""
    found = []
    for k, run in enumerate(runs):
        folds = [int(fold) for fold in np.unique(predictions.folds[k]) if fold >= 0]
        if len(folds) < 2:
            continue
        for number, fold in enumerate(folds, start=1):
            part = _select(run, predictions, k, fold=fold)
            if len(part.predicted) >= _FEWEST:
                found.append((f"{run.entities.run_label} block-{number}", part))
    return tuple(found)


def cross_run_fisher_z(
    runs: Sequence[AlignedRun], wrong: Sequence[Sequence[Floats]], measure: Measure
) -> Floats:
    """Return Fisher z of each run's BOLD with predictions from each run's EEG, (n_runs, n_runs, n_regions).

    Parameters
    ----------
    wrong : sequence of sequence of array, shape (n_volumes, n_regions)
        ``wrong[k][j]``: what the model that has not seen run k predicts from the EEG of run j.

    Notes
    -----
    Runs are compared volume by volume from their first on, as far as the shorter one goes.
    """
    z = np.full((len(runs), len(runs), runs[0].bold.shape[1]), np.nan)
    for k, run in enumerate(runs):
        for j, predicted in enumerate(wrong[k]):
            n = min(run.n_volumes, len(predicted))
            kept = (run.weights[:n] > 0) & (runs[j].weights[:n] > 0)
            part = TestedRun(
                run=run,
                predicted=predicted[:n][kept],
                measured=run.bold[:n][kept],
                training_mean=np.zeros((kept.sum(), run.bold.shape[1])),
                folds=np.zeros((kept.sum(), 0)),
                design=run.design[:n][kept],
                nuisance=run.nuisance[:n][kept],
            )
            z[k, j] = part.fisher_z(measure)
    return z


def _select(run: AlignedRun, predictions: Predictions, k: int, *, fold: int | None = None) -> TestedRun:
    """Return what was tested of one run, by all folds or by one."""
    folds = predictions.folds[k]
    tested = (folds >= 0 if fold is None else folds == fold) & (run.weights > 0)
    labels = folds[tested]
    return TestedRun(
        run=run,
        predicted=predictions.values[k][tested],
        measured=run.bold[tested],
        training_mean=predictions.training_means[k][tested],
        folds=(labels[:, None] == np.unique(labels)[None, 1:]).astype(np.float64),
        design=run.design[tested],
        nuisance=run.nuisance[tested],
        flat_is_zero=predictions.model not in BASELINE_NAMES,
    )
