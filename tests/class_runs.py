"""Aligned runs with events and with levels to tell apart, made of numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from simulated_runs import make_run

from bids_eeg2fmri.records import AlignedRun, TaskEvent

#: Length of a trial, s.
TRIAL = 10.0


def make_trial_run(
    rng: np.random.Generator, *, run: int = 1, effect: float = 1.0, n_trials: int = 12
) -> AlignedRun:
    """Return a run in which imagery takes power from the first channel at 10 Hz, by exp(-effect)."""
    plain = make_run(rng, run=run, n_volumes=int(n_trials * TRIAL / 2) + 4, coupling=0.0)
    events = tuple(
        TaskEvent(onset=4.0 + TRIAL * k, duration=TRIAL, condition=("rest", "imagery")[k % 2])
        for k in range(n_trials)
    )
    eeg = plain.eeg.copy()
    for event in events:
        if event.condition == "imagery":
            part = slice(int(event.onset * 100), int((event.onset + TRIAL) * 100))
            eeg[0, part] *= np.exp(-effect / 2)
    return replace(plain, eeg=eeg, events=events)


def make_trial_runs(n_runs: int = 3, seed: int = 0, **options: object) -> list[AlignedRun]:
    """Return several such runs of one participant."""
    rng = np.random.default_rng([7, seed])
    return [make_trial_run(rng, run=k + 1, **options) for k in range(n_runs)]  # type: ignore[arg-type]
