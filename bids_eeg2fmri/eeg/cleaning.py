"""From a recording to clean EEG: bad channels, resampling, causal filter, average reference."""

from __future__ import annotations

import warnings
from fractions import Fraction
from typing import Any

import mne
import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, resample_poly, sosfilt, sosfilt_zi

from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.records import CleanEeg
from bids_eeg2fmri.settings import EegSettings

#: Channels filtered at once: bounds the memory for long recordings at a high rate.
_BLOCK = 8
_VOLTS_TO_MICROVOLTS = 1e6
#: scipy.signal.resample_poly's default filter reaches this many samples of the slower rate to either side.
_RESAMPLE_REACH = 10


def clean_eeg(raw: mne.io.BaseRaw, settings: EegSettings) -> CleanEeg:
    """Return the EEG channels of a recording, resampled, filtered and referenced to their average.

    Channels that the dataset flags as bad are interpolated by spherical splines (Perrin 1989,
    10.1016/0013-4694(89)90180-6). The band-pass is a Butterworth filter of order 4 that runs forward only:
    what it says of a moment depends on the EEG before it, as it does live. The anti-aliasing filter looks
    ahead by ``CleanEeg.lookahead``, which the alignment with the BOLD makes up for.

    Raises
    ------
    BadDataError
        If there are fewer than two EEG channels, or the signal holds no finite or no changing values.
    """
    steps = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MNE warns of what is handled or checked here
        raw = raw.copy().pick("eeg", exclude=[], verbose="error")
        if len(raw.ch_names) < 2:
            raise BadDataError(
                f"The recording has {len(raw.ch_names)} EEG channels; at least 2 are needed. "
                "Check the types in channels.tsv."
            )
        positions, source = _positions(raw)
    steps.append(f"electrode positions from {source}")
    data, lookahead = _resample(raw, settings.sfreq)
    steps.append(f"resampled from {raw.info['sfreq']:g} to {settings.sfreq:g} Hz (polyphase)")
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
            "bad_channels": float(len(raw.info["bads"])),
            "median_rms_uv": float(np.median(np.sqrt(np.mean(data**2, axis=1)))),
            "largest_uv": float(np.abs(data).max()),
        },
        lookahead=lookahead,
    )


def _positions(raw: Any) -> tuple[NDArray[np.float64], str]:
    """Return head coordinates (n_channels, 3) in metres, NaN where unknown, and where they come from."""
    montage = raw.get_montage()
    known = montage.get_positions()["ch_pos"] if montage is not None else {}
    if montage is not None and any(np.all(np.isfinite(p)) for p in known.values()):
        source = "electrodes.tsv"
    else:
        raw.set_montage(_standard_montage(), match_case=False, on_missing="ignore", verbose="error")
        source = "the channels' names (standard 10-05 montage)"
    positions = np.array([channel["loc"][:3] for channel in raw.info["chs"]], dtype=np.float64)
    positions[np.all(positions == 0, axis=1)] = np.nan
    if np.all(np.isnan(positions)):
        source = "nowhere: the names are not of the 10-05 system and there is no electrodes.tsv"
    return positions, source


def _standard_montage() -> str:
    """Return the name of the 10-05 montage, which MNE 1.13 renamed."""
    known = mne.channels.get_builtin_montages()
    return "colin27_1005" if "colin27_1005" in known else "standard_1005"


def _resample(raw: Any, sfreq: float) -> tuple[NDArray[np.float64], float]:
    """Return the signal in µV at the new rate, and how far the anti-aliasing filter looked ahead, s."""
    ratio = Fraction(sfreq / raw.info["sfreq"]).limit_denominator(1000)
    blocks = []
    for first in range(0, len(raw.ch_names), _BLOCK):
        block = raw.get_data(picks=range(first, min(first + _BLOCK, len(raw.ch_names))), verbose="error")
        block *= _VOLTS_TO_MICROVOLTS
        if ratio != 1:
            # Zero before the first sample and after the last: a trend over the run would know the future.
            block -= block[:, :1]
            block = resample_poly(block, ratio.numerator, ratio.denominator, axis=1)
        blocks.append(block)
    slower = min(sfreq, float(raw.info["sfreq"]))
    return np.concatenate(blocks), 0.0 if ratio == 1 else _RESAMPLE_REACH / slower


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
