"""What is learned from and what is tested on: whole sessions, else whole runs, else blocks with a gap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from bids_eeg2fmri.errors import BadDataError, UsageError
from bids_eeg2fmri.records import AlignedRun, Split
from bids_eeg2fmri.settings import check_scheme

#: Seconds on either side of a test block that are not learned from: BOLD is correlated over this long.
GAP = 20.0
#: A block holds at least this many seconds, and a run at most so many blocks.
_SHORTEST_BLOCK = 40.0
_MOST_BLOCKS = 5

Unit = Literal["task", "session", "run", "block"]


def choose_splits(
    runs: Sequence[AlignedRun], *, scheme: str = "auto", train_task: str = "", test_task: str = ""
) -> tuple[Split, ...]:
    """Return the folds; each volume with weight is tested in exactly one of them.

    Parameters
    ----------
    runs : sequence of AlignedRun
        All runs of one participant.
    scheme : "auto", "session", "run" or "block"
        What is held out at a time; ``auto`` takes the strictest that the data allows. ``block`` holds out
        contiguous parts of each run, other runs and the rest of the run outside a gap being learned from.
    train_task, test_task : str
        Given: learn from all runs of the first task and test on all of the second, in one fold; other runs
        are left out.

    Raises
    ------
    UsageError
        If the data does not allow the scheme, or it is none of these.
    BadDataError
        If the runs are too short to be tested at all.
    """
    check_scheme(scheme)
    empty = [str(run.entities) for run in runs if not np.any(run.weights > 0)]
    if empty:
        raise BadDataError(f"No volume of {', '.join(empty)} can be used. Leave the run out (--run-label).")
    if train_task:
        return (_across_tasks(runs, train_task, test_task),)
    sessions = list(dict.fromkeys(run.entities.session for run in runs))
    if scheme == "session" and len(sessions) < 2:
        raise UsageError("--cv session needs two sessions; there is one. Use --cv run, block or auto.")
    if scheme == "run" and len(runs) < 2:
        raise UsageError("--cv run needs two runs; there is one. Use --cv block or auto.")
    if scheme == "session" or (scheme == "auto" and len(sessions) > 1):
        groups = [[i for i, run in enumerate(runs) if run.entities.session == s] for s in sessions]
        return tuple(
            _hold_out(runs, group, f"ses-{session}", "session")
            for group, session in zip(groups, sessions, strict=True)
        )
    if scheme == "run" or (scheme == "auto" and len(runs) > 1):
        return tuple(_hold_out(runs, [i], run.entities.run_label, "run") for i, run in enumerate(runs))
    return _hold_out_blocks(runs)


def apply_split(
    split: Split, runs: Sequence[AlignedRun]
) -> tuple[tuple[AlignedRun, ...], tuple[AlignedRun, ...]]:
    """Return the runs to learn from, and all runs as they are predicted.

    In the first, BOLD that must not be learned from is blanked to 0 and has weight 0, and runs without weight
    are left out. In the second all BOLD is blanked, so that no model can look at it.
    """
    train = [
        replace(
            run, weights=run.weights * keep, bold=np.where((run.weights * keep)[:, None] > 0, run.bold, 0.0)
        )
        for run, keep in zip(runs, split.train, strict=True)
    ]
    test = tuple(replace(run, bold=np.zeros_like(run.bold)) for run in runs)
    return tuple(run for run in train if np.any(run.weights > 0)), test


def _across_tasks(runs: Sequence[AlignedRun], train_task: str, test_task: str) -> Split:
    """Return the fold that learns from one task and tests on another."""
    tasks = [run.entities.task for run in runs]
    for task in (train_task, test_task):
        if task not in tasks:
            known = ", ".join(dict.fromkeys(tasks))
            raise BadDataError(f"There is no run of task '{task}' to train or test on; there are {known}.")
    train, test = (
        tuple(np.full(run.n_volumes, float(run.entities.task == task)) for run in runs)
        for task in (train_task, test_task)
    )
    return Split(name=f"{train_task} to {test_task}", unit="task", train=train, test=test)


def _hold_out(runs: Sequence[AlignedRun], group: Sequence[int], name: str, unit: Unit) -> Split:
    """Return the fold that tests on some whole runs and learns from the others."""
    test = tuple(np.full(run.n_volumes, float(i in group)) for i, run in enumerate(runs))
    return Split(name=name, unit=unit, train=tuple(1.0 - t for t in test), test=test)


def _hold_out_blocks(runs: Sequence[AlignedRun]) -> tuple[Split, ...]:
    """Return the folds that each test on one block of every run."""
    shortest = min(run.n_volumes * run.tr for run in runs)
    n_blocks = min(_MOST_BLOCKS, int(shortest // _SHORTEST_BLOCK))
    if n_blocks < 2:
        raise BadDataError(
            f"A run of {shortest:.0f} s is too short to be tested within itself: two blocks of "
            f"{_SHORTEST_BLOCK:.0f} s are needed. Add a run."
        )
    splits = []
    for block in range(n_blocks):
        train, test = [], []
        for run in runs:
            edges = np.linspace(0, run.n_volumes, n_blocks + 1).astype(int)
            gap = int(np.ceil(GAP / run.tr))
            tested = np.zeros(run.n_volumes)
            tested[edges[block] : edges[block + 1]] = 1.0
            learned = np.ones(run.n_volumes)
            learned[max(edges[block] - gap, 0) : edges[block + 1] + gap] = 0.0
            train.append(learned)
            test.append(tested)
        name = f"block-{block + 1}"
        splits.append(Split(name=name, unit="block", train=tuple(train), test=tuple(test)))
    return tuple(splits)
