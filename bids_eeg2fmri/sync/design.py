"""The task as regressors at the volumes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from nilearn.glm.first_level.hemodynamic_models import compute_regressor

from bids_eeg2fmri.records import Floats, TaskEvent

#: A regressor that varies by less than this share of its size is constant but for rounding.
_CONSTANT = 1e-6
#: What ended longer ago than this has no effect any more, s.
_HRF_LENGTH = 32.0


def task_design(events: Sequence[TaskEvent], volume_times: Floats) -> tuple[Floats, tuple[str, ...]]:
    """Convolve each condition with the canonical HRF of SPM and its time derivative.

    Boxcars of the conditions, on a grid of a fiftieth of the TR, are convolved and sampled at the volumes
    (Friston et al. 1998, doi:10.1006/nimg.1997.0306; the code is nilearn's). There is no intercept, and no
    column is left out for being a sum of others: conditions that fill the run leave a nearly constant sum.

    Parameters
    ----------
    events : sequence of TaskEvent
        Onsets on the EEG's clock, s.
    volume_times : array, shape (n_volumes,)
        The moment each volume's values refer to, on the EEG's clock, s.

    Returns
    -------
    design : array, shape (n_volumes, n_regressors)
        Constant columns (a condition that lasts the whole run, or lies outside it) are left out.
    names : tuple of str
        ``imagery``, ``imagery_derivative``, ...
    """
    columns: list[Floats] = []
    names: list[str] = []
    for condition in sorted({event.condition for event in events}):
        boxcar = _boxcar([event for event in events if event.condition == condition], volume_times)
        if boxcar.shape[1] == 0:
            continue
        regressors, _ = compute_regressor(
            boxcar,
            "spm + derivative",
            np.asarray(volume_times - volume_times[0]),
            con_id=condition,
            min_onset=-_HRF_LENGTH,
        )
        for name, column in zip((condition, f"{condition}_derivative"), regressors.T, strict=True):
            if np.std(column) > _CONSTANT * max(1.0, float(np.abs(column).max())):
                columns.append(np.asarray(column, dtype=np.float64))
                names.append(name)
    design = np.column_stack(columns) if columns else np.empty((len(volume_times), 0))
    return design, tuple(names)


def _boxcar(trials: Sequence[TaskEvent], volume_times: Floats) -> Floats:
    """Return onsets (s after the first volume), durations (s) and amplitudes, (3, n_trials), of what matters.

    Trials are cut to the time from one HRF before the first volume to the last volume.
    """
    onsets = np.asarray([trial.onset for trial in trials]) - volume_times[0]
    ends = onsets + np.asarray([trial.duration for trial in trials])
    last = volume_times[-1] - volume_times[0]
    matters = (ends >= -_HRF_LENGTH) & (onsets <= last)
    begins = np.maximum(onsets[matters], -_HRF_LENGTH)
    durations = np.minimum(ends[matters], last) - begins
    return np.stack([begins, durations, np.ones(len(begins))])
