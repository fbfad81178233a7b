"""One run as a model sees it: EEG and BOLD on one clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.records import (
    AlignedRun,
    CleanEeg,
    Entities,
    Floats,
    RegionSeries,
    TaskEvent,
    VolumeClock,
)
from bids_eeg2fmri.sync.design import task_design


def align_run(
    entities: Entities,
    eeg: CleanEeg,
    clock: VolumeClock,
    regions: RegionSeries,
    events: Sequence[TaskEvent],
    *,
    tr: float,
    start_time: float,
) -> AlignedRun:
    """Put the EEG and the BOLD of one run on the EEG's clock.

    Volumes whose moment lies outside the EEG stay, with weight 0; so do those in whose last TR the EEG could
    not be corrected. The nuisance series of the EEG are averaged over that TR.

    Parameters
    ----------
    eeg : CleanEeg
        Its first sample is the zero of the clock.
    clock : VolumeClock
    regions : RegionSeries
    events : sequence of TaskEvent
        Onsets on the EEG's clock, s.
    tr : float
        Seconds from volume to volume, from the BOLD header.
    start_time : float
        From the onset of a volume to the moment its values refer to, s (``StartTime``, or the sampling time
        of the regions' slices where the slices were not brought to one time).

    Raises
    ------
    BadDataError
        If clock and BOLD disagree about the number of volumes or the TR, or no volume lies within the EEG.
    """
    n_volumes = len(regions.data)
    if len(clock.onsets) != n_volumes:
        raise BadDataError(
            f"{entities}: the clock has {len(clock.onsets)} volumes but the BOLD of the regions {n_volumes}; "
            "they must be as many. Check that the preprocessed BOLD holds every volume of the raw one."
        )
    measured_tr = float(np.median(np.diff(clock.onsets))) if n_volumes > 1 else tr
    if abs(measured_tr - tr) > 0.01 * tr:
        raise BadDataError(
            f"{entities}: the volumes lie {measured_tr:.3f} s apart on the EEG's clock but the TR of the "
            f"BOLD is {tr:.3f} s; they must agree within 1 %. Check RepetitionTime and volume markers."
        )
    volume_times = clock.onsets + start_time
    volume_samples = _samples_at(volume_times, eeg)
    is_inside = (volume_samples >= 0) & (volume_samples < eeg.data.shape[1])
    if not is_inside.any():
        raise BadDataError(
            f"{entities}: none of the {n_volumes} volumes, from {volume_times[0]:.1f} to "
            f"{volume_times[-1]:.1f} s, lies within the EEG of {eeg.data.shape[1] / eeg.sfreq:.1f} s. "
            "Check the offset of the EEG."
        )
    design, design_names = task_design(events, volume_times)
    n_window = max(round(tr * eeg.sfreq), 1)
    weights = np.where(is_inside, regions.weights, 0.0)
    if eeg.weights is not None:
        is_dirty = _mean_before(eeg.weights[:, None] == 0, volume_samples, n_window)[:, 0] > 0
        weights[is_dirty] = 0.0
    nuisance, nuisance_names = regions.nuisance, regions.nuisance_names
    if eeg.nuisance is not None:
        own = _mean_before(eeg.nuisance, volume_samples, n_window)
        nuisance, nuisance_names = np.hstack([nuisance, own]), (*nuisance_names, *eeg.nuisance_names)
    return AlignedRun(
        entities=entities,
        eeg=eeg.data,
        sfreq=eeg.sfreq,
        channel_names=eeg.channel_names,
        positions=eeg.positions,
        volume_samples=volume_samples,
        tr=tr,
        bold=regions.data,
        region_names=regions.region_names,
        weights=weights,
        design=design,
        design_names=design_names,
        nuisance=nuisance,
        nuisance_names=nuisance_names,
        events=tuple(events),
    )


def align_without_bold(
    entities: Entities,
    eeg: CleanEeg,
    onsets: Floats,
    region_names: Sequence[str],
    *,
    tr: float,
    start_time: float,
) -> AlignedRun:
    """Put moments to predict in the place of volumes; BOLD is NaN and every weight 0.

    Parameters
    ----------
    onsets : array, shape (n_volumes,)
        Where volumes begin or would begin, s after the first EEG sample.
    region_names : sequence of str
        The regions to predict.
    tr, start_time : float
        As in :func:`align_run`.
    """
    n_volumes = len(onsets)
    return AlignedRun(
        entities=entities,
        eeg=eeg.data,
        sfreq=eeg.sfreq,
        channel_names=eeg.channel_names,
        positions=eeg.positions,
        volume_samples=_samples_at(onsets + start_time, eeg),
        tr=tr,
        bold=np.full((n_volumes, len(region_names)), np.nan),
        region_names=tuple(region_names),
        weights=np.zeros(n_volumes),
        design=np.zeros((n_volumes, 0)),
        design_names=(),
        nuisance=np.zeros((n_volumes, 0)),
        nuisance_names=(),
    )


def _samples_at(times: Floats, eeg: CleanEeg) -> NDArray[np.int64]:
    """Return the last sample whose cleaning looked no further than each time (n,), s."""
    return np.asarray(np.floor((times - eeg.lookahead) * eeg.sfreq + 1e-6).astype(np.int64))


def _mean_before(series: NDArray[Any], volume_samples: NDArray[np.int64], n_window: int) -> Floats:
    """Return the mean of series (n_times, n) over the samples up to each volume's, (n_volumes, n).

    What lies outside the EEG does not count; a volume with nothing inside gets 0.
    """
    n_times = len(series)
    total = np.vstack([np.zeros(series.shape[1]), np.cumsum(series, axis=0, dtype=np.float64)])
    end = np.clip(volume_samples + 1, 0, n_times)
    begin = np.clip(volume_samples + 1 - n_window, 0, n_times)
    mean: Floats = (total[end] - total[begin]) / np.maximum(end - begin, 1)[:, None]
    return mean
