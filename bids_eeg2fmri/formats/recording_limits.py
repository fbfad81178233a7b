"""What an EEG recording can be: headers that claim more are refused before anything is allocated."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bids_eeg2fmri.errors import BadDataError

#: Caps with 256 electrodes are the largest; eight such amplifiers in one file are still a recording.
MOST_CHANNELS = 2048
#: Hz. EEG amplifiers sample at up to 100 kHz; a rate below 1 Hz is an interval in a wrong unit.
LEAST_SFREQ, LARGEST_SFREQ = 1.0, 1e6
#: Samples that a file of so many bytes can hold: of formats that repeat slow channels, and simulated EEG.
_SAMPLES_PER_BYTE = 100


def check_channels(path: Path, n_channels: int) -> None:
    """Raise if a recording cannot have so many channels.

    Raises
    ------
    BadDataError
        With what is allowed.
    """
    if not 1 <= n_channels <= MOST_CHANNELS:
        raise BadDataError(
            f"{path} announces {n_channels} channels; allowed are 1 to {MOST_CHANNELS}. Its header is "
            "damaged: fetch or export it again."
        )


def check_sfreq(path: Path, sfreq: float) -> None:
    """Raise if a recording cannot have this sampling rate (Hz).

    Raises
    ------
    BadDataError
        With what is allowed.
    """
    if not LEAST_SFREQ <= sfreq <= LARGEST_SFREQ:
        raise BadDataError(
            f"{path} announces a sampling rate of {sfreq:g} Hz; allowed are {LEAST_SFREQ:g} to "
            f"{LARGEST_SFREQ:g} Hz. Its header is damaged: fetch or export it again."
        )


def check_samples(path: Path, *, n_channels: int, n_times: int, files: Iterable[Path]) -> None:
    """Raise if a header announces far more samples than its files can hold.

    Raises
    ------
    BadDataError
        With both numbers.
    """
    n_bytes = sum(file.stat().st_size for file in {path, *files})
    if n_times < 1 or n_channels * n_times > _SAMPLES_PER_BYTE * n_bytes:
        raise BadDataError(
            f"{path} announces {n_times} samples of {n_channels} channels, but holds {n_bytes} bytes. Its "
            "header is damaged: fetch or export it again."
        )
