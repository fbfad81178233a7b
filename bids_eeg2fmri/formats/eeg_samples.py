"""The samples of a recording, read stretch by stretch and time by time, whatever its format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.errors import BadDataError

_VOLTS_TO_MICROVOLTS = 1e6
#: Formats of 16-bit integers, whose largest is where the amplifier saturates.
_SIXTEEN_BITS = (".eeg", ".edf")
_LARGEST = 32767
#: Samples compared before a file is read past MNE.
_COMPARED = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class EegSamples:
    """How to read a recording's samples.

    Attributes
    ----------
    n_times : int
        Samples in the recording.
    sfreq : float
        Samples per second, Hz.
    limits : array of float32, shape (n_channels,)
        Where each channel saturates, microvolts; infinite where the format does not tell.
    read : callable
        ``read(start, stop)`` returns float32 microvolts, shape (stop - start, n_channels).
    """

    n_times: int
    sfreq: float
    limits: NDArray[np.float32]
    read: Callable[[int, int], NDArray[np.float32]]


def open_samples(raw: Any, picks: Sequence[int]) -> EegSamples:
    """Return how to read the samples of some channels.

    Multiplexed 16-bit BrainVision files, which is what scanner recordings are, are mapped into memory: MNE
    converts to float64 and turns the array on the way, which takes longer than the correction. That both
    read the same is checked on the first samples; all else is read by MNE.

    Parameters
    ----------
    raw : mne.io.BaseRaw
    picks : sequence of int
        Channels, by their place in the recording.
    """
    scales = np.array(
        [raw.info["chs"][i]["cal"] * raw.info["chs"][i]["range"] * _VOLTS_TO_MICROVOLTS for i in picks]
    ).astype(np.float32)
    path = Path(raw.filenames[0]) if len(raw.filenames) == 1 and raw.filenames[0] else Path()
    is_sixteen_bits = path.suffix.casefold() in _SIXTEEN_BITS and not raw.preload
    limits = _LARGEST * np.abs(scales) if is_sixteen_bits else np.full(len(picks), np.inf, np.float32)
    read = _mapped(raw, path, list(picks), scales) or _through_mne(raw, list(picks))
    return EegSamples(
        n_times=int(raw.n_times), sfreq=float(raw.info["sfreq"]), limits=limits.astype(np.float32), read=read
    )


def _mapped(
    raw: Any, path: Path, picks: list[int], scales: NDArray[np.float32]
) -> Callable[[int, int], NDArray[np.float32]] | None:
    """Return the reader of a mapped file; None if it does not read what MNE reads."""
    n_channels, n_times = len(raw.ch_names), int(raw.n_times)
    if path.suffix != ".eeg" or raw.preload or path.stat().st_size != 2 * n_channels * n_times:
        return None
    samples = np.memmap(path, dtype="<i2", mode="r", shape=(n_times, n_channels))
    is_all = picks == list(range(n_channels))

    def read(start: int, stop: int) -> NDArray[np.float32]:
        block = samples[start:stop] if is_all else samples[start:stop, picks]
        scaled: NDArray[np.float32] = np.multiply(block, scales, dtype=np.float32)
        return scaled

    n_compared = min(_COMPARED, n_times)
    wanted = _through_mne(raw, picks)(0, n_compared)
    return read if np.allclose(read(0, n_compared), wanted, rtol=1e-4, atol=1e-3) else None


def _through_mne(raw: Any, picks: list[int]) -> Callable[[int, int], NDArray[np.float32]]:
    """Return the reader of any recording."""

    def read(start: int, stop: int) -> NDArray[np.float32]:
        try:
            block = raw.get_data(picks=picks, start=start, stop=stop, verbose="error")
        except (OSError, ValueError, RuntimeError) as error:
            raise BadDataError(f"The EEG cannot be read: {error}. Fetch or export it again.") from error
        return np.ascontiguousarray((block * _VOLTS_TO_MICROVOLTS).T, dtype=np.float32)

    return read
