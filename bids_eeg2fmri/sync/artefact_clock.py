"""The clock that the gradient artefact gives, and the check of a clock of markers against it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.records import VolumeClock
from bids_eeg2fmri.sync.gradient import GradientArtefact, find_gradient_artefact
from bids_eeg2fmri.sync.markers import OFFSET_ADVICE
from bids_eeg2fmri.sync.placement import most_dummies


def find_artefact_clock(data: NDArray[Any], sfreq: float, *, n_volumes: int, tr: float) -> VolumeClock:
    """Return the volumes' onsets from the gradient artefact of uncorrected EEG, without any marker.

    Surplus volumes of the artefact are dummies and come first.

    Parameters
    ----------
    data : array, shape (n_channels, n_times)
        EEG before any correction, any unit; about eight channels.
    sfreq : float
        Samples per second, Hz.
    n_volumes : int
        Volumes stored in the BOLD image.
    tr : float
        Seconds from volume to volume, from the BOLD header.

    Raises
    ------
    BadDataError
        If there is no artefact, its beginning is not in the EEG, or its number of volumes does not fit.
    """
    artefact = find_gradient_artefact(data, sfreq, tr=tr, n_volumes=n_volumes)
    duration = data.shape[1] / sfreq
    n_dummies = artefact.n_volumes - n_volumes
    # An EEG that stopped during the scan shows fewer volumes; whether dummies were among them is unknown.
    is_cut = artefact.onset + n_volumes * artefact.period > duration and 2 * artefact.n_volumes >= n_volumes
    if not (0 <= n_dummies <= most_dummies(tr) or (n_dummies < 0 and is_cut)):
        raise BadDataError(
            f"The gradient artefact holds {artefact.n_volumes} volumes of {tr:g} s, from "
            f"{artefact.onset:.3f} s of {duration:.1f} s of EEG, but the BOLD has {n_volumes}; allowed are "
            f"up to {most_dummies(tr)} more, or half as many where the EEG stopped during the scan. Check "
            f"that the EEG and the BOLD are of the same run; else {OFFSET_ADVICE}."
        )
    note = "the EEG stopped during the scan" if n_dummies < 0 else ""
    note = f"the first {n_dummies} of its volumes taken for dummies" if n_dummies > 0 else note
    n_dummies = max(n_dummies, 0)
    return VolumeClock(
        onsets=artefact.onset + artefact.period * (n_dummies + np.arange(n_volumes, dtype=np.float64)),
        source=f"onset of the gradient artefact, no marker used{'; ' * bool(note)}{note}",
        jitter=0.0,
        drift=1e6 * (tr / artefact.period - 1),
        uncertainty=artefact.uncertainty,
        n_dummies=n_dummies,
        n_filled=n_volumes,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockCheck:
    """How the gradient artefact lies to the volumes of a clock.

    Attributes
    ----------
    lag, last_lag : float
        Artefact minus clock at the first and at the last volume, s. It belongs within one TR of 0: scanners
        send the marker up to some tens of milliseconds before or after the gradients.
    n_before : int
        Volumes of the artefact before the clock's first one; they should be its dummies.
    rise : float
        Power of the signal's slope within the scan over that before it, dB.
    """

    lag: float
    last_lag: float
    n_before: int
    rise: float


def check_clock(data: NDArray[Any], sfreq: float, clock: VolumeClock, *, tr: float) -> ClockCheck:
    """Compare a clock with the timing of the gradient artefact in uncorrected EEG.

    Parameters
    ----------
    data : array, shape (n_channels, n_times)
        EEG before any correction, any unit; about eight channels.
    sfreq : float
        Samples per second, Hz.
    clock : VolumeClock
    tr : float
        Seconds from volume to volume.

    Raises
    ------
    BadDataError
        If there is no artefact or its beginning is not in the EEG.
    """
    artefact: GradientArtefact = find_gradient_artefact(data, sfreq, tr=tr, n_volumes=len(clock.onsets))
    n_before = round((clock.onsets[0] - artefact.onset) / artefact.period)
    last = artefact.onset + (n_before + len(clock.onsets) - 1) * artefact.period
    return ClockCheck(
        lag=float(artefact.onset + n_before * artefact.period - clock.onsets[0]),
        last_lag=float(last - clock.onsets[-1]),
        n_before=n_before,
        rise=artefact.rise,
    )
