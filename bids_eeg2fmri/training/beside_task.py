"""A model beside the task design: what the EEG tells of what the task leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.evaluation.baselines import TaskDesign
from bids_eeg2fmri.records import AlignedRun, Floats, SpatialFilters
from bids_eeg2fmri.registry import FittedPredictor, Predictor


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

    def fit(
        self, runs: Sequence[AlignedRun], *, rng: np.random.Generator, device: str = "cpu"
    ) -> FittedBesideTask:
        """Fit the task design, then the model to what is left of the training BOLD."""
        task = TaskDesign().fit(runs, rng=rng)
        left = [
            replace(run, bold=np.where(run.weights[:, None] > 0, run.bold - task.predict(run), 0.0))
            for run in runs
        ]
        return FittedBesideTask(task=task, model=self.model.fit(left, rng=rng, device=device))


@dataclass(frozen=True, slots=True, eq=False)
class FittedBesideTask:
    """The sum of both predictions."""

    task: FittedPredictor
    model: FittedPredictor

    def predict(self, run: AlignedRun) -> Floats:
        """Return (n_volumes, n_regions)."""
        predicted: Floats = self.task.predict(run) + self.model.predict(run)
        return predicted

    def spatial_filters(self) -> SpatialFilters:
        """Return the model's."""
        return self.model.spatial_filters()

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return those of both, under ``task.`` and ``model.``."""
        return {f"task.{name}": value for name, value in self.task.tensors().items()} | {
            f"model.{name}": value for name, value in self.model.tensors().items()
        }
