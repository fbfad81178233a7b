"""What is predicted without a model of the EEG: task design, nuisance, drift, each by least squares."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.polynomial.legendre import legvander
from numpy.typing import NDArray

from bids_eeg2fmri.records import AlignedRun, Floats, SpatialFilters

#: Polynomials of the time in the run, up to this order.
_DRIFT_ORDER = 3


class Baseline(ABC):
    """Named regressors of a run, fitted to the training runs; trained and tested on the same folds as models.

    A subclass says which regressors. It meets the same protocol as the models.
    """

    name: ClassVar[str]
    description: ClassVar[str]
    reference: ClassVar[str]
    #: Regions are fitted one by one, so that any number may be fitted at once.
    regions_are_independent: ClassVar[bool] = True

    @abstractmethod
    def regressors(self, run: AlignedRun) -> dict[str, Floats]:
        """Return the regressors of a run, each (n_volumes,), by name."""

    def fit(
        self,
        runs: Sequence[AlignedRun],
        *,
        rng: np.random.Generator,  # noqa: ARG002  (nothing is drawn)
        device: str = "cpu",  # noqa: ARG002
    ) -> FittedBaseline:
        """Fit the regressors all runs share by least squares, each run about its own mean."""
        regressors = [self.regressors(run) for run in runs]
        names = tuple(name for name in regressors[0] if all(name in r for r in regressors))
        columns = [_columns(r, names, run) for r, run in zip(regressors, runs, strict=True)]
        learned = [run.weights > 0 for run in runs]
        designs = [c[k] - c[k].mean(axis=0) for c, k in zip(columns, learned, strict=True)]
        targets = [run.bold[k] - run.bold[k].mean(axis=0) for run, k in zip(runs, learned, strict=True)]
        weights = np.linalg.lstsq(np.concatenate(designs), np.concatenate(targets), rcond=1e-10)[0]
        mean_bold = np.concatenate([run.bold[k] for run, k in zip(runs, learned, strict=True)]).mean(axis=0)
        mean_design = np.concatenate([c[k] for c, k in zip(columns, learned, strict=True)]).mean(axis=0)
        return FittedBaseline(
            baseline=self, names=names, weights=weights, offset=mean_bold - mean_design @ weights
        )

    def restore(self, tensors: Mapping[str, NDArray[Any]]) -> FittedBaseline:
        """Return the baseline from its tensors."""
        names = tuple(bytes(tensors["names"]).decode().split("\n")) if len(tensors["names"]) else ()
        return FittedBaseline(
            baseline=self, names=names, weights=tensors["weights"], offset=tensors["offset"]
        )


@dataclass(frozen=True, slots=True)
class TaskDesign(Baseline):
    """The task conditions convolved with the canonical HRF and its derivative."""

    name: ClassVar[str] = "task"
    description: ClassVar[str] = "Task design convolved with the haemodynamic response; no EEG"
    reference: ClassVar[str] = "Friston 1998, 10.1006/nimg.1997.0306"

    def regressors(self, run: AlignedRun) -> dict[str, Floats]:
        """Return the design of the run."""
        return dict(zip(run.design_names, run.design.T, strict=True))


@dataclass(frozen=True, slots=True)
class Nuisance(Baseline):
    """Motion, heart beat and what the EEG shows of artefacts."""

    name: ClassVar[str] = "nuisance"
    description: ClassVar[str] = "Motion, heart rate, residual artefact, muscles and blinks; no brain signal"
    reference: ClassVar[str] = "Chang 2009, 10.1016/j.neuroimage.2008.09.029"

    def regressors(self, run: AlignedRun) -> dict[str, Floats]:
        """Return the nuisance of the run."""
        return dict(zip(run.nuisance_names, run.nuisance.T, strict=True))


@dataclass(frozen=True, slots=True)
class TaskNuisance(Baseline):
    """Task design and nuisance together."""

    name: ClassVar[str] = "tasknuisance"
    description: ClassVar[str] = "Task design and nuisance together; no brain signal"
    reference: ClassVar[str] = "Friston 1998, 10.1006/nimg.1997.0306"

    def regressors(self, run: AlignedRun) -> dict[str, Floats]:
        """Return design and nuisance of the run."""
        return TaskDesign().regressors(run) | Nuisance().regressors(run)


@dataclass(frozen=True, slots=True)
class Drift(Baseline):
    """The time in the run: what the BOLD of any run does while it lasts."""

    name: ClassVar[str] = "drift"
    description: ClassVar[str] = "Polynomials of the time in the run; no EEG, no task"
    reference: ClassVar[str] = "Worsley 2002, 10.1006/nimg.2001.0933"

    def regressors(self, run: AlignedRun) -> dict[str, Floats]:
        """Return polynomials from -1 (first volume) to 1 (last)."""
        time = np.linspace(-1.0, 1.0, run.n_volumes)
        columns = legvander(time, _DRIFT_ORDER)[:, 1:]
        return {f"drift{order}": column for order, column in enumerate(columns.T, start=1)}


#: What every model is compared with.
BASELINES: tuple[Baseline, ...] = (TaskDesign(), Nuisance(), TaskNuisance(), Drift())
BASELINE_NAMES = tuple(baseline.name for baseline in BASELINES)


@dataclass(frozen=True, slots=True, eq=False)
class FittedBaseline:
    """Weights (n_regressors, n_regions) of the regressors and an offset (n_regions,)."""

    baseline: Baseline
    names: tuple[str, ...]
    weights: Floats
    offset: Floats

    def predict(self, run: AlignedRun) -> Floats:
        """Return (n_volumes, n_regions); a regressor that a run lacks counts as 0."""
        columns = _columns(self.baseline.regressors(run), self.names, run)
        predicted: Floats = columns @ self.weights + self.offset
        return predicted

    def spatial_filters(self) -> SpatialFilters:
        """Return none: a baseline has no channels."""
        return SpatialFilters(names=(), weights=np.zeros((0, 0)), domain="power", bands=np.zeros((0, 2)))

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return names, weights and offset."""
        names = np.frombuffer("\n".join(self.names).encode(), dtype=np.uint8)
        return {"names": names, "weights": self.weights, "offset": self.offset}


def _columns(regressors: Mapping[str, Floats], names: Sequence[str], run: AlignedRun) -> Floats:
    """Return the regressors of some names, (n_volumes, n_names), zeros for those the run lacks."""
    columns = np.zeros((run.n_volumes, len(names)))
    for k, name in enumerate(names):
        if name in regressors:
            columns[:, k] = regressors[name]
    return columns
