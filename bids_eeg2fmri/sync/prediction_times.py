"""The moments for which BOLD is predicted where there is none: where volumes are, or a regular grid."""

from __future__ import annotations

import numpy as np

from bids_eeg2fmri.errors import BadDataError, MissingInputError
from bids_eeg2fmri.records import VolumeClock
from bids_eeg2fmri.settings import SyncSettings
from bids_eeg2fmri.sync.marker_fit import marked_volumes
from bids_eeg2fmri.sync.markers import describe_markers, group_markers, is_volume_name
from bids_eeg2fmri.sync.recordings import EegSide


def find_prediction_clock(
    eeg: EegSide, settings: SyncSettings, *, tr: float, start_time: float, duration: float
) -> VolumeClock:
    """Return the onsets of the volumes that the EEG marks, else one every TR from its start.

    A series of markers is the volumes by what :func:`bids_eeg2fmri.sync.clock.find_volume_clock` asks of one,
    if there are ten of them or more, and if their name is one of volumes or they span half of the EEG. All of
    them count, dummies too: no image says how many were stored.

    Parameters
    ----------
    settings : SyncSettings
        With ``eeg_offset`` the grid begins there, and markers are not looked at.
    tr, start_time : float
        Those of the model's training, s.
    duration : float
        Length of the EEG, s; the last moment (onset plus ``start_time``) lies within it.

    Raises
    ------
    BadDataError
        If no moment lies within the EEG.
    MissingInputError
        If ``volume_marker`` names a marker that is not there or does not come every TR.
    """
    if settings.eeg_offset is None:
        marked = marked_volumes(eeg, settings, tr=tr)
        if marked is not None and (settings.volume_marker or _are_volumes(marked, duration)):
            return marked
        if settings.volume_marker:
            markers = describe_markers(group_markers(eeg.markers), at_most=4)
            raise MissingInputError(
                f"{eeg.path.name}: no marker '{settings.volume_marker}' comes every {tr:g} s, the "
                f"model's TR; the markers are: {markers}. Leave "
                "sync.volume_marker out for a regular grid from the EEG's start."
            )
    first = settings.eeg_offset or 0.0
    n_volumes = int(np.floor((duration - start_time - first) / tr + 1e-9)) + 1
    if n_volumes < 1 or first + (n_volumes - 1) * tr + start_time < 0:
        raise BadDataError(
            f"{eeg.path.name}: no moment to predict lies within the EEG of {duration:.1f} s: the first would "
            f"be {first + start_time:.1f} s after its start. Check sync.eeg_offset, or record longer."
        )
    where = "the EEG's start" if settings.eeg_offset is None else f"{first:.3f} s (sync.eeg_offset)"
    found = "no volume marker: " if settings.eeg_offset is None else ""
    return VolumeClock(
        onsets=first + tr * np.arange(n_volumes, dtype=np.float64),
        source=f"{found}a regular grid from {where}, every {tr:g} s (the model's TR)",
        jitter=0.0,
        drift=0.0,
    )


def _are_volumes(clock: VolumeClock, duration: float) -> bool:
    """Return whether markers every TR are a scan, and not a few beats of a metronome."""
    return is_volume_name(clock.marker) or clock.onsets[-1] - clock.onsets[0] >= duration / 2
