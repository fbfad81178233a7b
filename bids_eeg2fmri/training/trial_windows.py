"""Trials cut into windows of EEG that belong to one trial alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.errors import BadDataError, UsageError
from bids_eeg2fmri.records import AlignedRun, Labels, Split, TaskEvent
from bids_eeg2fmri.settings import ConditionSettings
from bids_eeg2fmri.training.splits import GAP

#: Folds of a participant with one run.
_MOST_BLOCKS = 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrialWindows:
    """The windows of one run.

    Attributes
    ----------
    run : AlignedRun
        Windows in the place of volumes: ``volume_samples`` is the last sample of each; there is no BOLD.
    labels : array of int64, shape (n_windows, 1)
        The condition, by its place among those that are told apart.
    trials : array of int64, shape (n_windows,)
        The trial that each window lies in, counted from 0.
    """

    run: AlignedRun
    labels: Labels
    trials: NDArray[np.int64]


def choose_conditions(runs: Sequence[AlignedRun], settings: ConditionSettings) -> tuple[str, ...]:
    """Return the conditions to tell apart: those asked for, else all that there are.

    Raises
    ------
    UsageError
        If there are not two or three and none are named, or one that is named does not exist.
    """
    known = sorted({event.condition for run in runs for event in run.events})
    if not known:
        raise UsageError(
            "--objective condition: the runs have no task events. Add events.tsv, or see --events."
        )
    there = f"The conditions of the events are {', '.join(known)}."
    if settings.conditions:
        missing = [name for name in settings.conditions if name not in known]
        if missing:
            raise UsageError(f"--conditions: there is no condition {', '.join(missing)}. {there}")
        return settings.conditions
    if len(known) not in (2, 3):
        raise UsageError(
            f"{there} Name two or three with --conditions, for example --conditions {known[0]} ..."
        )
    return tuple(known)


def cut_trials(run: AlignedRun, conditions: Sequence[str], settings: ConditionSettings) -> TrialWindows:
    """Cut the trials of some conditions into windows.

    A window lies within one trial, from ``delay`` seconds after its onset to its end, and no other event
    begins within it. A trial without a duration lasts to the next event.

    Raises
    ------
    BadDataError
        If no window fits, or a condition has no trial.
    """
    ends, labels, trials = [], [], []
    onsets = np.array(sorted(event.onset for event in run.events))
    length = round(settings.window * run.sfreq)
    chosen = [event for event in run.events if event.condition in conditions]
    for number, event in enumerate(chosen):
        begin = event.onset + settings.delay
        for start in np.arange(begin, _end(event, onsets, run) - settings.window + 1e-6, settings.hop):
            first = round(start * run.sfreq)
            stop = start + settings.window
            if np.any((onsets > start) & (onsets < stop) & (onsets != event.onset)):
                continue
            if first >= 0 and first + length <= run.eeg.shape[1]:
                ends.append(first + length - 1)
                labels.append(conditions.index(event.condition))
                trials.append(number)
    missing = [name for k, name in enumerate(conditions) if k not in labels]
    if missing:
        longest = max((e.duration for e in chosen), default=0.0)
        raise BadDataError(
            f"{run.entities}: no window of {settings.window:g} s fits into a trial of {', '.join(missing)} "
            f"({len(chosen)} trials of the conditions, the longest of {longest:g} s, less condition.delay of "
            f"{settings.delay:g} s). Shorten condition.window, or leave the run or the condition out."
        )
    n_windows = len(ends)
    windows = replace(
        run,
        volume_samples=np.array(ends, dtype=np.int64),
        tr=settings.hop,
        bold=np.zeros((n_windows, 1)),
        region_names=("condition",),
        weights=np.ones(n_windows),
        design=np.zeros((n_windows, 0)),
        design_names=(),
        nuisance=np.zeros((n_windows, 0)),
        nuisance_names=(),
    )
    return TrialWindows(
        run=windows, labels=np.array(labels, dtype=np.int64)[:, None], trials=np.array(trials, dtype=np.int64)
    )


def split_trials(windows: TrialWindows) -> tuple[Split, ...]:
    """Return folds within the only run: each tests some neighbouring trials, with a gap around them.

    Whole trials stay on one side.

    Raises
    ------
    BadDataError
        If a fold leaves a condition without a trial to learn from.
    """
    names = np.unique(windows.trials)
    n_blocks = min(_MOST_BLOCKS, len(names) // 2)
    times = windows.run.volume_samples / windows.run.sfreq
    splits = []
    for number, block in enumerate(np.array_split(names, max(n_blocks, 1)), start=1):
        test = np.isin(windows.trials, block)
        near = (times > times[test].min() - GAP) & (times < times[test].max() + GAP)
        train = ~np.isin(windows.trials, windows.trials[near])
        if len(np.unique(windows.labels[train])) < len(np.unique(windows.labels)):
            raise BadDataError(
                f"{windows.run.entities}: {len(names)} trials are too few to be tested within one run, with "
                f"{GAP:g} s between what is learned and what is tested. Add a run."
            )
        splits.append(
            Split(
                name=f"block-{number}",
                unit="block",
                train=(train.astype(np.float64),),
                test=(test.astype(np.float64),),
            )
        )
    return tuple(splits)


def _end(event: TaskEvent, onsets: NDArray[np.float64], run: AlignedRun) -> float:
    """Return when a trial ends, s."""
    if event.duration > 0:
        return event.onset + event.duration
    later = onsets[onsets > event.onset]
    return float(later[0]) if len(later) else run.eeg.shape[1] / run.sfreq
