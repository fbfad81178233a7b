"""A recording that needs no gradient correction, brought to the rate at which the rest is done."""

from __future__ import annotations

import warnings
from typing import Any

import mne
import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from bids_eeg2fmri.eeg.reduced import ReducedEeg
from bids_eeg2fmri.eeg.reference import standard_montage
from bids_eeg2fmri.errors import BadDataError

#: The rate is divided by a whole number and stays above this, Hz.
_LOWEST_RATE = 250.0
#: Channels read at once: bounds the memory for long recordings at a high rate.
_BLOCK = 8
_VOLTS_TO_MICROVOLTS = 1e6
_KINDS = ("eeg", "ecg", "eog", "emg")
#: scipy.signal.resample_poly's default filter reaches this many samples of the slower rate to either side.
_RESAMPLE_REACH = 10


def reduce_corrected(raw: mne.io.BaseRaw) -> ReducedEeg:
    """Return EEG, ECG, EOG and EMG of a recording without gradient artefact at 250 Hz or somewhat above.

    Raises
    ------
    BadDataError
        If there are no EEG channels.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MNE warns of what is handled or checked here
        kinds = raw.get_channel_types()
        picks = [k for k, kind in enumerate(kinds) if kind in _KINDS]
        if not any(kinds[k] == "eeg" for k in picks):
            raise BadDataError("The recording has 0 EEG channels; at least 2 are needed. Check channels.tsv.")
        names = tuple(raw.ch_names[k] for k in picks)
        positions, source = _positions(raw, names)
    rate = float(raw.info["sfreq"])
    factor = max(int(rate / _LOWEST_RATE), 1)
    data = np.empty((len(picks), -(-raw.n_times // factor)), dtype=np.float32)
    clipped = np.zeros(len(picks), dtype=np.float32)
    for first in range(0, len(picks), _BLOCK):
        block = raw.get_data(picks=picks[first : first + _BLOCK], verbose="error") * _VOLTS_TO_MICROVOLTS
        rows = slice(first, first + len(block))
        clipped[rows] = _clipped_share(block)
        # Zero before the first sample and after the last: a trend over the run would know the future.
        block -= block[:, :1]
        data[rows] = block if factor == 1 else resample_poly(block, 1, factor, axis=1)
    steps = [f"electrode positions from {source}"]
    if factor > 1:
        steps.append(f"resampled from {rate:g} to {rate / factor:g} Hz (polyphase)")
    return ReducedEeg(
        data=data,
        sfreq=rate / factor,
        channel_names=names,
        channel_types=tuple(kinds[k] for k in picks),
        bads=tuple(name for name in names if name in raw.info["bads"]),
        positions=positions,
        lookahead=0.0 if factor == 1 else _RESAMPLE_REACH * factor / rate,
        uncorrected=np.zeros(data.shape[1], dtype=bool),
        clipped=clipped,
        residual=np.zeros(data.shape[1], dtype=np.float32),
        steps=tuple(steps),
        quality={},
    )


def _positions(raw: Any, names: tuple[str, ...]) -> tuple[NDArray[np.float64], str]:
    """Return head coordinates (n_channels, 3) in metres, NaN where unknown, and where they come from."""
    montage = raw.get_montage()
    known = montage.get_positions()["ch_pos"] if montage is not None else {}
    if any(np.all(np.isfinite(p)) for p in known.values()):
        source = "electrodes.tsv"
        info = raw.info
    else:
        source = "the channels' names (standard 10-05 montage)"
        info = raw.info.copy()  # the recording handed in is not changed
        info.set_montage(standard_montage(), match_case=False, on_missing="ignore", verbose="error")
    by_name = {channel["ch_name"]: channel["loc"][:3] for channel in info["chs"]}
    positions = np.array([by_name[name] for name in names], dtype=np.float64)
    positions[np.all(positions == 0, axis=1)] = np.nan
    if np.all(np.isnan(positions)):
        source = "nowhere: the names are not of the 10-05 system and there is no electrodes.tsv"
    return positions, source


def _clipped_share(block: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of samples (n_channels,) at which a channel stays at its largest or smallest value.

    A signal meets its extremes for a sample at a time; an amplifier at its limit stays there.
    """
    low, high = block.min(axis=1, keepdims=True), block.max(axis=1, keepdims=True)
    stays = np.zeros(len(block))
    for limit in (low, high):
        at = block == limit
        stays += np.mean(at[:, 1:] & at[:, :-1], axis=1)
    # A channel that is flat everywhere is not saturated but dead, which is found elsewhere.
    return np.where((high == low)[:, 0], 0.0, stays)
