"""What is predicted without any EEG: the task design."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.records import AlignedRun, Floats, SpatialFilters


@dataclass(frozen=True, slots=True)
class TaskDesign:
    """The task conditions convolved with the canonical HRF and its derivative, fitted to the training runs.

    It meets the same protocol as the models, and is trained and tested on the same folds.
    """

    name: ClassVar[str] = "task"
    description: ClassVar[str] = "Task design convolved with the haemodynamic response; no EEG"
    reference: ClassVar[str] = "Friston 1998, 10.1006/nimg.1997.0306"

    def fit(
        self,
        runs: Sequence[AlignedRun],
        *,
        rng: np.random.Generator,  # noqa: ARG002  (nothing is drawn)
        device: str = "cpu",  # noqa: ARG002
    ) -> FittedTaskDesign:
        """Fit the conditions all runs share by least squares, each run about its own mean."""
        names = tuple(n for n in runs[0].design_names if all(n in run.design_names for run in runs))
        designs, targets, offsets = [], [], []
        for run in runs:
            learned = run.weights > 0
            design, bold = _columns(run, names)[learned], run.bold[learned]
            designs.append(design - design.mean(axis=0))
            targets.append(bold - bold.mean(axis=0))
            offsets.append(bold.mean(axis=0) * len(bold))
        n_learned = sum(len(target) for target in targets)
        weights = np.linalg.lstsq(np.concatenate(designs), np.concatenate(targets), rcond=1e-10)[0]
        mean_design = np.concatenate([_columns(r, names)[r.weights > 0] for r in runs]).mean(axis=0)
        offset = np.sum(offsets, axis=0) / n_learned - mean_design @ weights
        return FittedTaskDesign(names=names, weights=weights, offset=offset)

    def restore(self, tensors: Mapping[str, NDArray[Any]]) -> FittedTaskDesign:
        """Return the baseline from its tensors."""
        names = tuple(bytes(tensors["names"]).decode().split("\n")) if len(tensors["names"]) else ()
        return FittedTaskDesign(names=names, weights=tensors["weights"], offset=tensors["offset"])


@dataclass(frozen=True, slots=True, eq=False)
class FittedTaskDesign:
    """Weights (n_regressors, n_regions) of the conditions and an offset (n_regions,)."""

    names: tuple[str, ...]
    weights: Floats
    offset: Floats

    def predict(self, run: AlignedRun) -> Floats:
        """Return (n_volumes, n_regions); a condition that a run lacks counts as never present."""
        predicted: Floats = _columns(run, self.names) @ self.weights + self.offset
        return predicted

    def spatial_filters(self) -> SpatialFilters:
        """Return none: the task design has no channels."""
        return SpatialFilters(names=(), weights=np.zeros((0, 0)), domain="power", bands=np.zeros((0, 2)))

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return names, weights and offset."""
        names = np.frombuffer("\n".join(self.names).encode(), dtype=np.uint8)
        return {"names": names, "weights": self.weights, "offset": self.offset}


def _columns(run: AlignedRun, names: Sequence[str]) -> Floats:
    """Return the design columns of some names, (n_volumes, n_names), zeros where the run has none."""
    columns = np.zeros((run.n_volumes, len(names)))
    for k, name in enumerate(names):
        if name in run.design_names:
            columns[:, k] = run.design[:, run.design_names.index(name)]
    return columns
