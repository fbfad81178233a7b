"""From the reduced recording to the band and the rate that the models see; everything causal."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, resample_poly, sosfilt, sosfilt_zi

from bids_eeg2fmri.eeg.line_noise import find_line, notch
from bids_eeg2fmri.records import Floats
from bids_eeg2fmri.settings import EegSettings

#: Channels filtered at once: bounds the memory for long recordings.
_BLOCK = 16
#: scipy.signal.resample_poly's default filter reaches this many samples of the slower rate to either side.
_RESAMPLE_REACH = 10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BandLimited:
    """EEG (n_channels, n_times) µV at the final rate; ``lookahead`` is that of the resampling here, s."""

    data: NDArray[np.float32]
    lookahead: float
    steps: tuple[str, ...]
    quality: dict[str, float]


def band_limit(
    data: NDArray[np.float32], sfreq: float, uncorrected: NDArray[np.bool_], settings: EegSettings
) -> BandLimited:
    """Resample, remove the mains where it is inside the band, filter.

    The rate comes first: filters are then cheap. All filters run forward only, so that what is said of a
    moment depends on the EEG before it, as it does live; the anti-aliasing filter of the resampling looks
    ahead by ``lookahead``. What could not be corrected is bridged, so that the filters do not ring from it.

    Parameters
    ----------
    data : array, shape (n_channels, n_times)
        Microvolts.
    uncorrected : array of bool, shape (n_times,)
    """
    ratio = Fraction(settings.sfreq / sfreq).limit_denominator(1000)
    line, height = find_line(data, sfreq)
    is_inside = 0 < line < min(settings.lowpass + 5.0, 0.48 * settings.sfreq)
    bridges = _find_bridges(uncorrected)
    sos = butter(4, (settings.highpass, settings.lowpass), "bandpass", fs=settings.sfreq, output="sos")
    if is_inside:
        sos = np.vstack([notch(line, settings.sfreq), sos])
    state = sosfilt_zi(sos)[:, None, :]
    blocks = []
    for first in range(0, len(data), _BLOCK):
        # Zero before the first sample and after the last: a trend over the run would know the future.
        block = data[first : first + _BLOCK].astype(np.float64)
        block -= block[:, :1]
        for begin, end in bridges:
            _bridge(block, begin, end)
        if ratio != 1:
            block = resample_poly(block, ratio.numerator, ratio.denominator, axis=1)
        blocks.append(sosfilt(sos, block, axis=1, zi=state * block[None, :, :1])[0].astype(np.float32))
    steps = [f"resampled from {sfreq:g} to {settings.sfreq:g} Hz (polyphase)"] if ratio != 1 else []
    if is_inside:
        steps.append(f"mains found at {line:.1f} Hz, {height:.0f} dB, and removed by a causal notch")
    steps.append(f"causal Butterworth band-pass of order 4, {settings.highpass:g} to {settings.lowpass:g} Hz")
    quality = {"line_hz": line, "line_db": height} if line else {}
    return BandLimited(
        data=np.concatenate(blocks),
        lookahead=0.0 if ratio == 1 else _RESAMPLE_REACH / min(settings.sfreq, sfreq),
        steps=tuple(steps),
        quality=quality,
    )


def _find_bridges(uncorrected: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return first sample and end of each uncorrected stretch."""
    edges = np.flatnonzero(np.diff(uncorrected.astype(np.int8), prepend=0, append=0))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _bridge(block: Floats, begin: int, end: int) -> None:
    """Hold the last good value over a stretch and move what follows there, in place."""
    held = block[:, begin - 1 : begin].copy() if begin else np.zeros((len(block), 1))
    if end < block.shape[1]:
        block[:, end:] -= block[:, end : end + 1] - held
    block[:, begin:end] = held
