"""Negative controls: targets and EEG that a predictor of the brain should fail on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bids_eeg2fmri.evaluation.nuisance import CONTROL_TARGETS
from bids_eeg2fmri.evaluation.significance import MEAN_REGION
from bids_eeg2fmri.records import AlignedRun, ControlScore, Evaluation, Floats, Split
from bids_eeg2fmri.registry import Predictor
from bids_eeg2fmri.settings import EvaluationSettings
from bids_eeg2fmri.training.fold_runs import FoldRuns, as_fold_runs
from bids_eeg2fmri.training.testing import try_model

#: Series that are no brain activity; what is known of them is in the confounds table of the BOLD.
TARGETS = (*CONTROL_TARGETS, "framewise_displacement")


def run_controls(
    predictor: Predictor,
    runs: Sequence[AlignedRun] | FoldRuns,
    targets: Sequence[tuple[Floats, tuple[str, ...]]],
    splits: Sequence[Split],
    settings: EvaluationSettings,
    *,
    real: Evaluation,
    seed: int,
    device: str = "cpu",
) -> tuple[ControlScore, ...]:
    """Train and test a model where it should find nothing, or less.

    Three kinds: other targets (white matter, CSF, framewise displacement), time running backwards (the model
    then predicts BOLD from EEG that comes after it), and the EEG of other runs (from ``real``, the test of
    the model itself).

    Parameters
    ----------
    runs : sequence of AlignedRun, or FoldRuns
    targets : sequence of (array, shape (n_volumes, n_targets), names)
        What else was measured at the volumes, one per run, the same names for all.
    splits : sequence of Split
    settings : EvaluationSettings
    real : Evaluation
        Of the same model on the same folds.
    """
    settings = replace(settings, refit_nulls=0, task_gain=False, controls=False)
    data = as_fold_runs(runs)
    scores: list[ControlScore] = []
    if targets[0][1]:
        others = [_with_targets(run, *target) for run, target in zip(data.measured, targets, strict=True)]
        tested = try_model(predictor, others, splits, settings, seed=seed, device=device).evaluation
        scores += [_score(tested, control="other target", target=name) for name in tested.region_names]
    backwards = data.changed(lambda _, run: reverse_time(run))
    reversed_splits = [
        replace(split, train=tuple(t[::-1] for t in split.train), test=tuple(t[::-1] for t in split.test))
        for split in splits
    ]
    tested = try_model(predictor, backwards, reversed_splits, settings, seed=seed, device=device).evaluation
    scores.append(_score(tested, control="reversed time", target=MEAN_REGION))
    wrong = [t for t in real.nulls if (t.null, t.measure, t.region) == ("wrong-run", "r", MEAN_REGION)]
    scores += [
        ControlScore(
            model=real.model,
            control="wrong run",
            target=MEAN_REGION,
            r=float(np.tanh(test.null_mean)),
            p=float("nan"),
        )
        for test in wrong
    ]
    return tuple(scores)


def control_targets(run: AlignedRun) -> tuple[Floats, tuple[str, ...]]:
    """Return what else was measured in a run: series (n_volumes, n_targets) and their names."""
    kept = [
        k for k, name in enumerate(run.nuisance_names) if name in TARGETS and np.ptp(run.nuisance[:, k]) > 0
    ]
    return run.nuisance[:, kept], tuple(run.nuisance_names[k] for k in kept)


def reverse_time(run: AlignedRun) -> AlignedRun:
    """Return the run as if it had been recorded backwards: what was after a volume comes before it."""
    n_times = run.eeg.shape[1]
    return replace(
        run,
        eeg=np.ascontiguousarray(run.eeg[:, ::-1]),
        volume_samples=(n_times - 1 - run.volume_samples)[::-1].copy(),
        bold=run.bold[::-1].copy(),
        weights=run.weights[::-1].copy(),
        design=run.design[::-1].copy(),
        nuisance=run.nuisance[::-1].copy(),
        events=(),
    )


def _with_targets(run: AlignedRun, values: Floats, names: tuple[str, ...]) -> AlignedRun:
    """Return the run with other series in the place of its BOLD, each about its mean over the run."""
    used = run.weights > 0
    return replace(run, bold=values - values[used].mean(axis=0), region_names=names)


def _score(tested: Evaluation, *, control: str, target: str) -> ControlScore:
    """Return a control's score over all runs."""
    score = next(s for s in tested.scores if s.run == "all" and s.region == target)
    return ControlScore(model=tested.model, control=control, target=target, r=score.r, p=score.p)
