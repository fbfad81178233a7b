"""BOLD cut into levels between its lowest and highest value, by what the training runs show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.errors import UsageError
from bids_eeg2fmri.records import AlignedRun, Floats, Labels
from bids_eeg2fmri.settings import LevelsSettings


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LevelRule:
    """How the BOLD of each region becomes a level.

    Attributes
    ----------
    bounds : mapping of key to array, shape (2, n_regions)
        Lowest and highest BOLD in training, % signal change; keys as of :func:`_key`.
    classes : array of int64, shape (n_regions, n_levels)
        The class that each level is in once levels are merged.
    centres : array, shape (n_regions, n_classes)
        Mean BOLD of each class in training, % signal change: what a level stands for in an expectation.
    """

    settings: LevelsSettings
    bounds: dict[str, Floats]
    classes: NDArray[np.int64]
    centres: Floats

    @property
    def n_classes(self) -> int:
        """Number of levels after merging."""
        return int(self.centres.shape[1])

    def cut(self, run: AlignedRun, wanted: NDArray[np.bool_]) -> Labels:
        """Return the level of each volume that is wanted, (n_volumes, n_regions), -1 for others.

        A run that was not learned from and is scaled by itself is cut between its own lowest and highest
        value: that defines what counts as right, never what is predicted.

        Raises
        ------
        UsageError
            If runs are scaled within sessions and no training run is of the same session and task.
        """
        key = _key(run, self.settings)
        bounds = self.bounds.get(key)
        if bounds is None:
            if self.settings.scale != "run":
                raise UsageError(
                    f"levels.scale=session: no training run is of the same session and task as "
                    f"{run.entities.run_label}. Use levels.scale=run or participant, or --cv run."
                )
            bounds = _bounds(run.bold[wanted])
        return _merge(_levels(run.bold, bounds, self.settings.n), self.classes, wanted)

    def expect(self, probabilities: Floats) -> Floats:
        """Return the expected BOLD, (n_volumes, n_regions), of (n_volumes, n_regions, n_classes)."""
        return np.asarray((probabilities * self.centres).sum(axis=2))


def learn_levels(runs: Sequence[AlignedRun], settings: LevelsSettings) -> LevelRule:
    """Learn the rule from the volumes of positive weight.

    Where levels are merged, neighbours are joined to classes of as nearly the same number of training
    volumes as can be: BOLD being rare at its extremes, the outer levels are merged most.

    Parameters
    ----------
    runs : sequence of AlignedRun
        Training runs.
    settings : LevelsSettings
    """
    kept = [run.weights > 0 for run in runs]
    groups: dict[str, list[Floats]] = {}
    for run, mask in zip(runs, kept, strict=True):
        groups.setdefault(_key(run, settings), []).append(run.bold[mask])
    bounds = {key: _bounds(np.concatenate(parts)) for key, parts in groups.items()}
    levels = np.concatenate(
        [_levels(r.bold[m], bounds[_key(r, settings)], settings.n) for r, m in zip(runs, kept, strict=True)]
    )
    bold = np.concatenate([run.bold[mask] for run, mask in zip(runs, kept, strict=True)])
    n_regions = bold.shape[1]
    n_classes = settings.merge or settings.n
    classes = np.tile(np.arange(settings.n), (n_regions, 1))
    if settings.merge:
        counts = [np.bincount(levels[:, k], minlength=settings.n) for k in range(n_regions)]
        classes = np.stack([_merge_evenly(c, n_classes) for c in counts])
    merged = _merge(levels, classes, np.ones(len(levels), dtype=bool))
    centres = np.stack([_centres(bold[:, k], merged[:, k], n_classes) for k in range(n_regions)])
    return LevelRule(settings=settings, bounds=bounds, classes=classes, centres=centres)


def _key(run: AlignedRun, settings: LevelsSettings) -> str:
    """Return what a run shares its scale with."""
    entities = run.entities
    if settings.scale == "run":
        return str(entities)
    return f"{entities.session} {entities.task}" if settings.scale == "session" else ""


def _bounds(bold: Floats) -> Floats:
    """Return lowest and highest, (2, n_regions)."""
    return np.stack([bold.min(axis=0), bold.max(axis=0)])


def _levels(bold: Floats, bounds: Floats, n_levels: int) -> Labels:
    """Return the level of each value, (n_volumes, n_regions); what lies outside is in the outer levels."""
    low, high = bounds
    width = np.where(high > low, high - low, np.inf)
    levels: Labels = np.clip(np.floor((bold - low) / width * n_levels), 0, n_levels - 1).astype(np.int64)
    return levels


def _merge(levels: Labels, classes: NDArray[np.int64], wanted: NDArray[np.bool_]) -> Labels:
    """Return the class of each level, (n_volumes, n_regions), -1 where it is not wanted."""
    merged = classes[np.arange(levels.shape[1]), levels]
    return np.where(wanted[:, None], merged, -1)


def _merge_evenly(counts: NDArray[np.int64], n_classes: int) -> NDArray[np.int64]:
    """Return the class of each level, (n_levels,), neighbours together, no class without a level."""
    total = np.cumsum(counts)
    cuts: list[int] = []
    for k in range(1, n_classes):
        least, most = (cuts[-1] + 1 if cuts else 0), len(counts) - 1 - (n_classes - k)
        wanted = int(np.argmin(np.abs(total - total[-1] * k / n_classes)))
        cuts.append(int(np.clip(wanted, least, most)))
    return np.searchsorted(np.array(cuts), np.arange(len(counts)), side="left").astype(np.int64)


def _centres(bold: Floats, classes: NDArray[np.int64], n_classes: int) -> Floats:
    """Return the mean BOLD of each class, (n_classes,); of classes without volumes from their neighbours."""
    counts = np.bincount(classes, minlength=n_classes)
    sums = np.bincount(classes, weights=bold, minlength=n_classes)
    there = np.flatnonzero(counts)
    return np.asarray(np.interp(np.arange(n_classes), there, sums[there] / counts[there]))
