"""What a model computes of each run once, for all folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bids_eeg2fmri.records import AlignedRun, Floats
from bids_eeg2fmri.registry import FittedPredictor, PreparingPredictor, Trainable


class SharedPreparation:
    """Fits and applies a predictor, handing it what it has prepared of each run.

    A run is known by its EEG, which stays the same array while folds blank its BOLD. What is prepared is made
    from a run without BOLD, so that nothing can leak from a test run through it.
    """

    def __init__(self, predictor: Trainable, runs: Sequence[AlignedRun]) -> None:
        self._predictor = predictor
        self._eeg = [run.eeg for run in runs]
        self._prepared: list[Any] | None = None
        if isinstance(predictor, PreparingPredictor):
            self._prepared = [predictor.prepare(replace(run, bold=np.zeros_like(run.bold))) for run in runs]

    def fit(self, runs: Sequence[AlignedRun], *, rng: np.random.Generator, device: str) -> FittedPredictor:
        """Return the predictor trained on some of the runs."""
        if self._prepared is None or not isinstance(self._predictor, PreparingPredictor):
            return self._predictor.fit(runs, rng=rng, device=device)
        prepared = [self._of(run) for run in runs]
        return self._predictor.fit(runs, rng=rng, device=device, prepared=prepared)

    def predict(self, model: Any, run: AlignedRun) -> Floats:
        """Return what a model that :meth:`fit` returned predicts for one of the runs."""
        predicted: Floats = (
            model.predict(run) if self._prepared is None else model.predict(run, prepared=self._of(run))
        )
        return predicted

    def _of(self, run: AlignedRun) -> Any:
        """Return what was prepared of a run."""
        assert self._prepared is not None
        return next(p for eeg, p in zip(self._eeg, self._prepared, strict=True) if eeg is run.eeg)
