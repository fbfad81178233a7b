"""The pulse step: which beats, whether there is an artefact, its correction, and what to say of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

from bids_eeg2fmri.eeg.provenance import Provenance
from bids_eeg2fmri.eeg.pulse_artefact import correct_pulse
from bids_eeg2fmri.eeg.r_peaks import SWING, Heartbeats, find_heartbeats, running_heart_rate
from bids_eeg2fmri.eeg.reduced import ReducedEeg
from bids_eeg2fmri.records import Floats
from bids_eeg2fmri.settings import EegSettings

#: Beats taken from the EEG must be more alike than those of an ECG: any rhythm has peaks.
_LEAST_LIKENESS = 0.75
#: Spatial components of the EEG in which the beat is looked for.
_N_COMPONENTS = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PulseStep:
    """EEG (n_channels, n_times) µV after the step; ``heart_rate`` (n_times,) per minute, None if unknown."""

    data: NDArray[np.float32]
    steps: tuple[str, ...]
    heart_rate: Floats | None = None
    quality: dict[str, float] = field(default_factory=dict)
    lookahead: float = 0.0
    locked: Floats | None = None


def remove_pulse(
    data: NDArray[np.float32],
    reduced: ReducedEeg,
    settings: EegSettings,
    provenance: Provenance,
    *,
    rng: np.random.Generator,
) -> PulseStep:
    """Find the heartbeats and take their artefact out of average-referenced EEG, if there is one.

    Parameters
    ----------
    data : array, shape (n_channels, n_times)
        Band-passed, at the final rate, microvolts.
    reduced : ReducedEeg
        Has the ECG.
    """
    beats, words = find_ecg_beats(reduced)
    is_wanted = settings.pulse != "off" and "pulse" not in provenance.done
    if beats is None and is_wanted:
        beats = find_eeg_beats(data, settings.sfreq)
        if beats is None:
            return PulseStep(
                data=data, steps=(f"{words}, no regular pulse in the EEG either: no pulse correction",)
            )
        words += ", beats taken from the pulse in the EEG"
    if beats is None:
        return PulseStep(data=data, steps=())
    seconds = np.arange(data.shape[1]) / settings.sfreq
    heart_rate = running_heart_rate(beats.times, seconds)
    quality = {"heart_rate_per_minute": beats.rate, "heartbeats": float(len(beats.times))}
    if not is_wanted:
        return PulseStep(data=data, steps=(), heart_rate=heart_rate, quality=quality)
    done = correct_pulse(data, settings.sfreq, beats.times, rng=rng, backend=settings.pulse)
    quality |= {
        "pulse_locked_before_uv": done.before,
        "pulse_locked_after_uv": done.after,
        "pulse_locked_by_chance_uv": done.chance,
    }
    found = f"{words}: {len(beats.times)} beats, {beats.rate:.0f} per minute"
    if done.n_components == 0:
        step = (
            f"{found}; locked to them {done.before:.1f} µV, by chance {done.chance:.1f} µV: "
            "no pulse artefact to correct"
        )
        return PulseStep(data=data, steps=(step,), heart_rate=heart_rate, quality=quality, locked=done.locked)
    quality["pulse_delay_s"] = done.delay
    method = "MNE's optimal basis sets" if settings.pulse == "mne" else "spatio-temporal optimal basis sets"
    sizes = f"{done.n_components} component{'s' * (done.n_components > 1)}"
    step = (
        f"{found}; pulse artefact, largest {done.delay:.2f} s after the beat, removed by {method} "
        f"({sizes}): {done.before:.1f} µV locked before, {done.after:.1f} after"
    )
    return PulseStep(
        data=done.data,
        steps=(step,),
        heart_rate=heart_rate,
        quality=quality,
        lookahead=done.window,
        locked=done.locked,
    )


def find_ecg_beats(reduced: ReducedEeg) -> tuple[Heartbeats | None, str]:
    """Return the beats of the best ECG channel, None if none is usable, and in words what was seen."""
    complaints = []
    best: tuple[float, str, Heartbeats] | None = None
    for name, kind, signal in zip(reduced.channel_names, reduced.channel_types, reduced.data, strict=True):
        if kind != "ecg":
            continue
        found = find_heartbeats(signal, reduced.sfreq)
        if found.complaint:
            complaints.append(f"the ECG {name} is not usable ({found.complaint})")
        elif best is None or found.likeness > best[0]:
            best = (found.likeness, name, found)
    if best is not None:
        return best[2], f"R peaks from {best[1]}"
    return None, "; ".join(complaints) or "no ECG was recorded"


def find_eeg_beats(data: NDArray[np.float32], sfreq: float) -> Heartbeats | None:
    """Return beats from the spatial component of the EEG (n_channels, n_times) that pulses best, or None."""
    band = butter(2, (SWING.band[0], min(SWING.band[1], 0.45 * sfreq)), "bandpass", fs=sfreq, output="sos")
    slow = sosfiltfilt(band, data, axis=1)
    covariance = slow @ slow.T
    _, vectors = np.linalg.eigh(covariance)
    usable = []
    for k in range(min(_N_COMPONENTS, len(data))):
        found = find_heartbeats(vectors[:, -1 - k] @ slow, sfreq, SWING)
        if not found.complaint and found.likeness >= _LEAST_LIKENESS:
            usable.append(found)
    best = max(usable, key=lambda beats: beats.likeness, default=None)
    if best is None:
        return None
    # The middle of the swing was found; as with an ECG the beat is what the swing follows.
    times = best.times - SWING.half_width
    return replace(best, times=times[times > 0])
