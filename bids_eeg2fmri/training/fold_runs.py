"""The runs of a participant, as each fold sees them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bids_eeg2fmri.records import AlignedRun, Split


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FoldRuns:
    """Runs whose BOLD may differ between folds, since what is predicted is itself learned from training data.

    Attributes
    ----------
    measured : tuple of AlignedRun
        Each volume with the BOLD of the fold that tests it: what predictions are compared with.
    folds : mapping of the name of a split to tuple of AlignedRun
        Empty: the same for all folds.
    """

    measured: tuple[AlignedRun, ...]
    folds: Mapping[str, tuple[AlignedRun, ...]] = field(default_factory=dict)

    def runs_for(self, split: Split) -> tuple[AlignedRun, ...]:
        """Return the runs as a fold sees them."""
        return self.folds[split.name] if self.folds else self.measured

    def changed(self, change: Callable[[int, AlignedRun], AlignedRun]) -> FoldRuns:
        """Return the runs with a change that is given their number; shared runs are changed once."""
        done: dict[int, AlignedRun] = {}

        def change_all(runs: tuple[AlignedRun, ...]) -> tuple[AlignedRun, ...]:
            for k, run in enumerate(runs):
                if id(run) not in done:
                    done[id(run)] = change(k, run)
            return tuple(done[id(run)] for run in runs)

        folds = {name: change_all(runs) for name, runs in self.folds.items()}
        return FoldRuns(measured=change_all(self.measured), folds=folds)


def as_fold_runs(runs: Sequence[AlignedRun] | FoldRuns) -> FoldRuns:
    """Return runs that are the same for all folds as such."""
    return runs if isinstance(runs, FoldRuns) else FoldRuns(measured=tuple(runs))
