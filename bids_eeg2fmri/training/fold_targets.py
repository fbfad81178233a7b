"""What each fold learns and is tested on, where the targets themselves are learned from training data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.bold.targets import Targets
from bids_eeg2fmri.records import AlignedRun, PreparedRun, RegionSeries, Split
from bids_eeg2fmri.training.fold_runs import FoldRuns


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FoldTargets:
    """The runs of one participant as they are learned from and tested on.

    Attributes
    ----------
    folds : mapping of the name of a split to tuple of AlignedRun
        The runs with the targets of that fold.
    measured : tuple of PreparedRun
        Each volume with the target of the fold that tests it: what predictions are compared with.
    final : tuple of AlignedRun
        The runs with targets from all of them: what the model that is saved is trained on.
    overlap : mapping
        Of a localiser: mean Jaccard index of a region's voxels between folds, by region.
    """

    folds: Mapping[str, tuple[AlignedRun, ...]]
    measured: tuple[PreparedRun, ...]
    final: tuple[AlignedRun, ...]
    overlap: Mapping[str, float]

    @property
    def data(self) -> FoldRuns:
        """The runs as the tests of models take them."""
        return FoldRuns(measured=tuple(run.aligned for run in self.measured), folds=self.folds)


def build_fold_targets(runs: Sequence[PreparedRun], splits: Sequence[Split], targets: Targets) -> FoldTargets:
    """Return the runs with the targets of every fold; nothing of a target crosses its split.

    Where whole runs are held out and nothing is learned for the targets they are the same in all folds.
    """
    final = targets.series()
    whole = tuple(_with_series(run, series) for run, series in zip(runs, final, strict=True))
    is_same = not targets.are_learned and all(split.unit != "block" for split in splits)
    if is_same:
        aligned = tuple(run.aligned for run in whole)
        return FoldTargets(
            folds={split.name: aligned for split in splits}, measured=whole, final=aligned, overlap={}
        )
    by_fold = [targets.series(split.train) for split in splits]
    folds = {
        split.name: tuple(_with_series(run, s).aligned for run, s in zip(runs, series, strict=True))
        for split, series in zip(splits, by_fold, strict=True)
    }
    measured = []
    for k, run in enumerate(whole):
        data = run.regions.data.copy()  # of a volume that no fold tests: the target from all runs
        for split, series in zip(splits, by_fold, strict=True):
            is_tested = split.test[k] > 0
            data[is_tested] = series[k].data[is_tested]
        measured.append(_with_series(run, replace(run.regions, data=data)))
    overlap = _measure_overlap([series[0] for series in by_fold]) if targets.settings.localizer else {}
    return FoldTargets(
        folds=folds, measured=tuple(measured), final=tuple(run.aligned for run in whole), overlap=overlap
    )


def _with_series(run: PreparedRun, series: RegionSeries) -> PreparedRun:
    """Return a run with other targets."""
    aligned = replace(run.aligned, bold=series.data, region_names=series.region_names)
    return replace(run, regions=series, aligned=aligned)


def _measure_overlap(folds: Sequence[RegionSeries]) -> dict[str, float]:
    """Return the mean Jaccard index of each region's voxels over all pairs of folds."""
    names = folds[0].region_names[: len(folds[0].region_names) - len(folds[0].differences)]
    return {
        name: float(np.mean([_jaccard(a.labels == k, b.labels == k) for a, b in combinations(folds, 2)]))
        for k, name in enumerate(names, start=1)
    }


def _jaccard(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Return the share of voxels in either set that are in both; 1 for two empty sets."""
    either = np.count_nonzero(one | other)
    return np.count_nonzero(one & other) / either if either else 1.0
