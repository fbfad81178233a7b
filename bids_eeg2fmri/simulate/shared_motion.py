"""Head movements that disturb EEG and BOLD alike: a coupling without any neural activity."""

from __future__ import annotations

import numpy as np
from scipy.signal import butter, sosfiltfilt

from bids_eeg2fmri.records import Floats
from bids_eeg2fmri.simulate.design import SFREQ, RunClock
from bids_eeg2fmri.simulate.haemodynamics import Response
from bids_eeg2fmri.simulate.motion import framewise_displacement

#: Seconds between sudden movements of somebody restless.
RESTLESS_INTERVAL = 25.0
#: A burst in the EEG per framewise displacement: microvolts per mm, and how long it lasts, s.
BURST_SIZE = 60.0
BURST_DURATION = (0.6, 2.0)
BURST_BAND = (1.0, 40.0)
#: Percent signal change per mm of framewise displacement: lost at once, since spins are excited out of step,
#: and gained over the next seconds by the deep breath that goes with the movement (Power 2014,
#: doi:10.1016/j.neuroimage.2013.08.048).
LOST_AT_ONCE = 0.5
GAINED_LATER = 2.5
#: Sum 1 over 0.1 s; peaks after 6 s.
_BREATH = Response(peak=6.0, undershoot=16.0, dispersion=1.0, ratio=0.15)


def draw_bursts(
    motion: Floats, jerks: Floats, *, clock: RunClock, n_channels: int, rng: np.random.Generator
) -> Floats:
    """Return what the movements add to the EEG, shape (n_channels, n_eeg), microvolts.

    A burst of broad-band activity at each jerk, as large as the displacement: muscles, and cables that move
    in the field.

    Parameters
    ----------
    motion : array, shape (n_volumes, 6)
        Translations (mm) and rotations (rad).
    jerks : array, shape (n_jerks,)
        Seconds after the first volume.
    """
    displacement = np.nan_to_num(framewise_displacement(motion))
    band = butter(2, BURST_BAND, "bandpass", fs=SFREQ, output="sos")
    bursts = np.zeros((n_channels, clock.n_eeg))
    for jerk in jerks:
        volume = min(int(np.ceil(jerk / clock.tr)), clock.n_volumes - 1)  # the first that was taken after it
        n_samples = int(rng.uniform(*BURST_DURATION) * SFREQ)
        start = int((jerk + clock.lead) * SFREQ)
        noise = sosfiltfilt(band, rng.standard_normal((n_channels, n_samples)), axis=1)
        noise *= np.hanning(n_samples) / noise.std()
        fits = bursts[:, start : start + n_samples]
        fits += BURST_SIZE * displacement[volume] * noise[:, : fits.shape[1]]
    return bursts


def disturb_bold(motion: Floats, *, clock: RunClock) -> Floats:
    """Return what the movements add to the BOLD of every region, shape (n_ticks,), percent signal change.

    In proportion to framewise displacement, which is no linear combination of the motion parameters and their
    derivatives: cleaning BOLD of these leaves most of it.
    """
    displacement = np.nan_to_num(framewise_displacement(motion))
    times = clock.tick_times
    volume = np.clip(np.floor(times / clock.tr).astype(int), 0, clock.n_volumes - 1)
    course = np.where((times >= 0) & (times < clock.scan_duration), displacement[volume], 0.0)
    later = np.convolve(course, _BREATH.sample())[: len(course)]
    change: Floats = GAINED_LATER * later - LOST_AT_ONCE * course
    return change
