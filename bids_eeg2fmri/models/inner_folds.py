"""Folds inside the training runs, for choices that must not see the test run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.records import AlignedRun, Floats

#: Weights of every run: one (n_volumes,) array each.
RunWeights = tuple[Floats, ...]

#: BOLD less than this apart is alike of itself (the response to one event lasts about 20 s), s.
MIN_GAP = 20.0

#: Blocks shorter than this do not hold one response to an event, s.
MIN_BLOCK = 40.0

MAX_BLOCKS = 5


def contiguous_blocks(
    usable: NDArray[np.bool_], tr: float, *, gap: float = MIN_GAP
) -> list[tuple[Floats, Floats]]:
    """Cut one run into contiguous blocks, each to be held out in turn with a gap on both sides.

    At most ``MAX_BLOCKS`` blocks of at least ``MIN_BLOCK`` seconds, and at least two; the blocks hold equal
    numbers of usable volumes.

    Parameters
    ----------
    usable : array of bool, shape (n_volumes,)
        False for volumes of weight 0.
    tr : float
        Seconds from volume to volume.
    gap : float
        Seconds that are left out of training on both sides of the block.

    Returns
    -------
    folds : list of (train, held_out)
        Each an array of 0 and 1, shape (n_volumes,). Empty if fewer than two blocks leave something to learn
        from.
    """
    volumes = np.flatnonzero(usable)
    n_blocks = int(np.clip(len(volumes) * tr // MIN_BLOCK, 2, MAX_BLOCKS))
    n_gap = int(np.ceil(gap / tr))
    folds = []
    for block in np.array_split(volumes, n_blocks):
        held_out, train = np.zeros(len(usable)), np.zeros(len(usable))
        held_out[block] = 1.0
        if len(block):
            train[volumes[(volumes < block[0] - n_gap) | (volumes > block[-1] + n_gap)]] = 1.0
        if train.any():
            folds.append((train, held_out))
    return folds if len(folds) > 1 else []


def inner_folds(runs: Sequence[AlignedRun]) -> list[tuple[RunWeights, RunWeights]]:
    """Return folds over the training runs: leave one run out, or blocks where only one run can be used.

    Parameters
    ----------
    runs : sequence of AlignedRun

    Returns
    -------
    folds : list of (train, validation)
        At least two.

    Raises
    ------
    BadDataError
        If there is one run only, too short to hold a block of it out.
    """
    usable = [run.weights > 0 for run in runs]
    with_data = [i for i, mask in enumerate(usable) if mask.any()]
    if len(with_data) > 1:
        everything = tuple(mask.astype(float) for mask in usable)
        return [(_only(everything, with_data, but=i), _only(everything, [i])) for i in with_data]
    folds = []
    for i in with_data:
        for train, held_out in contiguous_blocks(usable[i], runs[i].tr):
            nothing = [np.zeros(len(mask)) for mask in usable]
            folds.append((_replaced(nothing, i, train), _replaced(nothing, i, held_out)))
    if not folds:
        raise BadDataError(
            f"The training data are {sum(int(m.sum()) for m in usable)} volumes of one run: too few to hold "
            f"a part out, with a gap of {MIN_GAP:g} s, for choosing the settings of a model. Add runs."
        )
    return folds


def _only(weights: RunWeights, kept: Sequence[int], *, but: int = -1) -> RunWeights:
    """Return the weights with 0 in every run that is not among ``kept`` or is ``but``."""
    return tuple(w if i in kept and i != but else np.zeros(len(w)) for i, w in enumerate(weights))


def _replaced(weights: Sequence[Floats], i: int, value: Floats) -> RunWeights:
    """Return the weights with those of run i replaced."""
    return (*weights[:i], value, *weights[i + 1 :])
