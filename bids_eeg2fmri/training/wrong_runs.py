"""The negative control of the wrong run: what a model makes of EEG that does not belong to the BOLD."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bids_eeg2fmri.records import Floats, Split


def holds_out_runs(splits: Sequence[Split]) -> bool:
    """Return whether each of several runs is held out whole: then it has a model that has not seen it."""
    n_runs = len(splits[0].test)
    is_whole = all(split.unit in ("session", "run") for split in splits)
    tested = [any(np.any(split.test[k] > 0) for split in splits) for k in range(n_runs)]
    return n_runs > 1 and is_whole and all(tested)


def arrange_wrong_runs(
    of_every_run: Sequence[tuple[Floats, ...]], splits: Sequence[Split]
) -> tuple[tuple[Floats, ...], ...]:
    """Return for each run what its model, which has not seen it, predicts from the EEG of every run.

    Element [k][j] is for run k from the EEG of run j, (n_volumes of j, n_regions).

    Parameters
    ----------
    of_every_run : sequence of tuple of array, shape (n_volumes, n_regions)
        What the model of each fold predicts from the EEG of every run.
    splits : sequence of Split
        Folds for which :func:`holds_out_runs` is true.
    """
    found: dict[int, tuple[Floats, ...]] = {}
    for predicted, split in zip(of_every_run, splits, strict=True):
        found |= {k: predicted for k, is_tested in enumerate(split.test) if np.any(is_tested > 0)}
    return tuple(found[k] for k in range(len(found)))
