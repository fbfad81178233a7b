"""From a recording to clean EEG: bad channels, resampling, causal filter, average reference."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import mne
import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, resample_poly, sosfilt, sosfilt_zi

from bids_eeg2fmri.eeg.positions import electrode_positions
from bids_eeg2fmri.eeg.reduction import reduce_eeg
from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.records import CleanEeg, Floats, VolumeClock
from bids_eeg2fmri.settings import EegSettings

_VOLTS_TO_MICROVOLTS = 1e6
#: scipy.signal.resample_poly's default filter reaches this many samples of the slower rate to either side.
_RESAMPLE_REACH = 10


def clean_eeg(
    raw: mne.io.BaseRaw,
    settings: EegSettings,
    *,
    clock: VolumeClock | None = None,
    tr: float | None = None,
    motion: Floats | None = None,
) -> CleanEeg:
    """Return the EEG channels of a recording, resampled, filtered and referenced to their average.

    Channels that the dataset flags as bad are interpolated by spherical splines (Perrin 1989,
    10.1016/0013-4694(89)90180-6). The band-pass is a Butterworth filter of order 4 that runs forward only:
    what it says of a moment depends on the EEG before it, as it does live. The anti-aliasing filter looks
    ahead by ``CleanEeg.lookahead``, which the alignment with the BOLD makes up for.

    Raises
    ------
    BadDataError
        If ``reduce_eeg`` cannot use the recording, or the signal holds no finite or no changing values.
    """
    reduced = reduce_eeg(raw, settings, clock=clock, tr=tr, motion=motion)
    steps = list(reduced.steps)
    is_eeg = np.array([kind == "eeg" for kind in reduced.channel_types])
    raw = raw.copy().pick("eeg", exclude=[], verbose="error")
    electrode_positions(raw)
    positions = reduced.positions[is_eeg]
    data, lookahead = _resample(reduced.data[is_eeg], reduced.sfreq, settings.sfreq)
    lookahead += reduced.lookahead
    steps.append(f"resampled from {reduced.sfreq:g} to {settings.sfreq:g} Hz (polyphase)")
    _check_signal(data, raw.ch_names)
    sos = butter(4, (settings.highpass, settings.lowpass), "bandpass", fs=settings.sfreq, output="sos")
    start = sosfilt_zi(sos)[:, None, :] * data[None, :, :1]
    data = sosfilt(sos, data, axis=1, zi=start)[0]
    steps.append(f"causal Butterworth band-pass of order 4, {settings.highpass:g} to {settings.lowpass:g} Hz")
    data = _interpolate(data, raw, settings.sfreq, steps)
    data = data - data.mean(axis=0, keepdims=True)
    steps.append(f"average reference over {len(data)} channels")
    return CleanEeg(
        data=data.astype(np.float32),
        sfreq=settings.sfreq,
        channel_names=tuple(raw.ch_names),
        positions=positions,
        steps=tuple(steps),
        quality={
            **reduced.quality,
            "bad_channels": float(len(raw.info["bads"])),
            "median_rms_uv": float(np.median(np.sqrt(np.mean(data**2, axis=1)))),
            "largest_uv": float(np.abs(data).max()),
        },
        lookahead=lookahead,
    )


def _resample(data: NDArray[np.float32], old: float, new: float) -> tuple[NDArray[np.float64], float]:
    """Return the signal at the new rate, and how far the anti-aliasing filter looked ahead, s."""
    ratio = Fraction(new / old).limit_denominator(1000)
    # Zero before the first sample and after the last: a trend over the run would know the future.
    data = data - data[:, :1]
    if ratio != 1:
        data = resample_poly(data, ratio.numerator, ratio.denominator, axis=1)
    return data.astype(np.float64), 0.0 if ratio == 1 else _RESAMPLE_REACH / min(new, old)


def _check_signal(data: NDArray[np.float64], names: list[str]) -> None:
    """Raise if the recording holds no usable signal."""
    if not np.all(np.isfinite(data)):
        broken = [n for n, row in zip(names, data, strict=True) if not np.all(np.isfinite(row))]
        raise BadDataError(
            f"The EEG of {', '.join(broken[:5])} holds values that are not finite. Export the run again."
        )
    if np.median(np.ptp(data, axis=1)) == 0:
        raise BadDataError("More than half of the EEG channels are flat. Export the recording again.")


def _interpolate(data: NDArray[np.float64], raw: Any, sfreq: float, steps: list[str]) -> NDArray[np.float64]:
    """Return the data with the flagged channels interpolated from the others."""
    bads = [name for name in raw.ch_names if name in raw.info["bads"]]
    if not bads:
        return data
    located = np.array(
        [np.all(np.isfinite(c["loc"][:3])) and np.any(c["loc"][:3] != 0) for c in raw.info["chs"]]
    )
    if not located.all():
        steps.append(f"channels flagged as bad kept, since positions are missing: {', '.join(bads)}")
        return data
    info = mne.create_info(raw.ch_names, sfreq, "eeg")
    info["bads"] = bads
    filled = mne.io.RawArray(data / _VOLTS_TO_MICROVOLTS, info, verbose="error")
    filled.set_montage(raw.get_montage(), verbose="error")
    filled.interpolate_bads(verbose="error")
    steps.append(f"channels flagged as bad interpolated: {', '.join(bads)}")
    repaired: NDArray[np.float64] = filled.get_data() * _VOLTS_TO_MICROVOLTS
    return repaired
