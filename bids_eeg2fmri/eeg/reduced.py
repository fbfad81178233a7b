"""What is left of a recording once the gradient artefact is out of it and its rate is reduced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.records import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class ReducedEeg:
    """A recording without gradient artefact, low-passed and decimated; the first half of the cleaning.

    Attributes
    ----------
    data : array of float32, shape (n_channels, n_times)
        EEG and ECG, EOG, EMG channels, microvolts.
    sfreq : float
        Samples per second, Hz.
    channel_names, channel_types : tuple of str
        Types are "eeg", "ecg", "eog", "emg" and "misc".
    bads : tuple of str
        Channels that the dataset flags as bad.
    positions : array, shape (n_channels, 3)
        Electrodes, m; NaN where unknown.
    lookahead : float
        How far the anti-aliasing filter looks ahead, s.
    uncorrected : array of bool, shape (n_times,)
        Where the gradient artefact could not be removed; these samples must get weight 0.
    clipped : array of float32, shape (n_channels,)
        Share of samples of each channel at which the amplifier was saturated, at the full rate.
    residual : array of float32, shape (n_times,)
        What is left of the gradient artefact, microvolts, rms over the EEG channels: a nuisance.
    steps : tuple of str
        What was done, in order.
    quality : mapping
        Name to figure; the name ends with the unit.
    """

    data: NDArray[np.float32]
    sfreq: float
    channel_names: tuple[str, ...]
    channel_types: tuple[str, ...]
    bads: tuple[str, ...]
    positions: Floats
    lookahead: float
    uncorrected: NDArray[np.bool_]
    clipped: NDArray[np.float32]
    residual: NDArray[np.float32]
    steps: tuple[str, ...]
    quality: Mapping[str, float]

    def __post_init__(self) -> None:
        """Check that the shapes fit each other."""
        n_channels, n_times = self.data.shape
        expected: dict[str, tuple[int, ...]] = {
            "channel_names": (n_channels,),
            "channel_types": (n_channels,),
            "positions": (n_channels, 3),
            "uncorrected": (n_times,),
            "clipped": (n_channels,),
            "residual": (n_times,),
        }
        for name, shape in expected.items():
            found = np.shape(getattr(self, name))
            if found != shape:
                raise ValueError(f"ReducedEeg.{name}: expected shape {shape}, got {found}.")
