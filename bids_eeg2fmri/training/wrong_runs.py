"""The negative control of the wrong run: what a model makes of EEG that does not belong to the BOLD."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bids_eeg2fmri.records import AlignedRun, Floats, Split
from bids_eeg2fmri.registry import FittedPredictor
from bids_eeg2fmri.training.splits import apply_split


def predict_wrong_runs(
    fitted: Sequence[FittedPredictor], runs: Sequence[AlignedRun], splits: Sequence[Split]
) -> tuple[tuple[Floats, ...], ...] | None:
    """Return for each run what its model, which has not seen it, predicts from the EEG of every run.

    Element [k][j] is for run k from the EEG of run j, (n_volumes of j, n_regions). None where folds test
    parts of runs, or there is only one run: then no model is a whole run's.
    """
    if len(runs) < 2 or splits[0].unit not in ("session", "run"):
        return None
    found: dict[int, tuple[Floats, ...]] = {}
    for model, split in zip(fitted, splits, strict=True):
        _, test = apply_split(split, runs)
        predicted = tuple(model.predict(run) for run in test)
        for k, is_tested in enumerate(split.test):
            if np.any(is_tested > 0):
                found[k] = predicted
    if len(found) < len(runs):  # not every run is tested
        return None
    return tuple(found[k] for k in range(len(runs)))
