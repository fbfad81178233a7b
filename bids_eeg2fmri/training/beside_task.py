"""A model beside the task design: what the EEG tells of what the task leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.evaluation.baselines import TaskDesign
from bids_eeg2fmri.records import AlignedRun, Floats, SpatialFilters
from bids_eeg2fmri.registry import FittedPredictor, Predictor, PreparingPredictor


@dataclass(frozen=True, slots=True)
class BesideTask:
    """Task design and a model of the EEG in sequence: the model learns what the task leaves of the BOLD.

    Both are fitted on the training runs, so that no weight between them needs to be learned.
    """

    model: Predictor

    @property
    def name(self) -> str:
        """The model's name after the task's."""
        return f"{TaskDesign.name}{self.model.name}"

    def prepare(self, run: AlignedRun) -> Any:
        """Return what the model computes of a run once for all folds; None if it does not."""
        return self.model.prepare(run) if isinstance(self.model, PreparingPredictor) else None

    def fit(
        self,
        runs: Sequence[AlignedRun],
        *,
        rng: np.random.Generator,
        device: str = "cpu",
        prepared: Sequence[Any] | None = None,
    ) -> FittedBesideTask:
        """Fit the task design, then the model to what is left of the training BOLD."""
        task = TaskDesign().fit(runs, rng=rng)
        left = [
            replace(run, bold=np.where(run.weights[:, None] > 0, run.bold - task.predict(run), 0.0))
            for run in runs
        ]
        if isinstance(self.model, PreparingPredictor):
            model: FittedPredictor = self.model.fit(left, rng=rng, device=device, prepared=prepared)
        else:
            model = self.model.fit(left, rng=rng, device=device)
        return FittedBesideTask(task=task, model=model)


@dataclass(frozen=True, slots=True, eq=False)
class FittedBesideTask:
    """The sum of both predictions."""

    task: FittedPredictor
    model: FittedPredictor

    def predict(self, run: AlignedRun, *, prepared: Any = None) -> Floats:
        """Return (n_volumes, n_regions)."""
        model: Any = self.model
        beside = model.predict(run) if prepared is None else model.predict(run, prepared=prepared)
        predicted: Floats = self.task.predict(run) + beside
        return predicted

    def spatial_filters(self) -> SpatialFilters:
        """Return the model's."""
        return self.model.spatial_filters()

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return those of both, under ``task.`` and ``model.``."""
        return {f"task.{name}": value for name, value in self.task.tensors().items()} | {
            f"model.{name}": value for name, value in self.model.tensors().items()
        }
