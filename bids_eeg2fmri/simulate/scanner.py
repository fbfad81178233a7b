"""A recording as the amplifier in the scanner stores it: 5 kHz, 16 bits, all artefacts in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from bids_eeg2fmri.records import Floats
from bids_eeg2fmri.simulate.artefacts import draw_heartbeats, pulse_waves, simulate_ecg
from bids_eeg2fmri.simulate.design import SFREQ
from bids_eeg2fmri.simulate.gradient import GradientSource, draw_gradient
from bids_eeg2fmri.simulate.motion import draw_motion
from bids_eeg2fmri.simulate.recording import pink_noise

#: Sampling rate of the amplifier, Hz; microvolts per bit, which make a range of +-16.384 mV.
SCANNER_SFREQ = 5000.0
SCANNER_RESOLUTION = 0.5
#: Noise of the amplifier at its full rate, microvolts.
_NOISE = 0.7
#: Seconds made at once, which bounds the memory; margin of the interpolation, samples of the slow rate.
_BLOCK, _MARGIN = 10.0, 12


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannerEeg:
    """One recording, its parts apart.

    Attributes
    ----------
    truth : array, shape (n_channels, n_slow)
        EEG without the artefacts of scanner and pulse, microvolts, 250 Hz.
    slow : array, shape (n_channels + 1, n_slow)
        The same with the pulse artefact, and the ECG as the last channel.
    heartbeats : array
        Times of the R peaks, s after the first sample.
    gradient : GradientSource
        Of all channels, the ECG included.
    """

    truth: Floats
    slow: Floats
    heartbeats: Floats
    gradient: GradientSource

    @property
    def duration(self) -> float:
        """Length, s."""
        return float(self.slow.shape[1] / SFREQ)

    def blocks(self, rng: np.random.Generator, sfreq: float = SCANNER_SFREQ) -> Iterator[NDArray[np.int16]]:
        """Yield the recording as the amplifier's integers, shape (n_channels + 1, n), ten seconds each."""
        factor = round(sfreq / SFREQ)
        length = int(_BLOCK * SFREQ)
        padded = np.pad(self.slow, ((0, 0), (_MARGIN, _MARGIN)), mode="edge")
        for begin in range(0, self.slow.shape[1], length):
            end = min(begin + length, self.slow.shape[1])
            part = padded[:, begin : end + 2 * _MARGIN].astype(np.float32)
            block = resample_poly(part, factor, 1, axis=1)[:, _MARGIN * factor : -_MARGIN * factor]
            block += self.gradient.sample(begin * factor, end * factor, sfreq)
            block += _NOISE * rng.standard_normal(block.shape, dtype=np.float32)
            yield np.clip(np.round(block / SCANNER_RESOLUTION), -32768, 32767).astype(np.int16)

    def integers(self, rng: np.random.Generator, sfreq: float = SCANNER_SFREQ) -> NDArray[np.int16]:
        """Return the whole recording as integers, shape (n_channels + 1, n_times)."""
        return np.concatenate(list(self.blocks(rng, sfreq)), axis=1)


def draw_scanner_eeg(
    rng: np.random.Generator,
    *,
    n_channels: int = 8,
    n_volumes: int = 30,
    tr: float = 2.0,
    n_slices: int = 30,
    margins: tuple[float, float] = (12.0, 12.0),
    drift: float = 0.0,
    motion: Floats | None = None,
) -> ScannerEeg:
    """Return a recording without any BOLD beside it, for tests and benchmarks.

    Pink noise with an alpha rhythm that comes and goes, blinks left out; the ECG on top of ``n_channels``.

    Parameters
    ----------
    margins : tuple of float
        Seconds of EEG before the first volume and after the last.
    drift : float
        How much faster the scanner's clock runs than the EEG's, parts per million.
    motion : array, shape (n_volumes, 6), optional
        mm and rad; drawn if not given.
    """
    period = tr * (1 - 1e-6 * drift)
    n_slow = int((sum(margins) + n_volumes * period) * SFREQ)
    mixing = rng.standard_normal((n_channels, 2 * n_channels)) / np.sqrt(2 * n_channels)
    truth = 15 * mixing @ pink_noise(rng, (2 * n_channels, n_slow))
    times = np.arange(n_slow) / SFREQ
    knots = np.arange(0, times[-1] + 2)
    level = np.interp(times, knots, rng.gamma(2, 0.5, knots.size))
    frequency = np.interp(times, knots, rng.normal(10, 0.5, knots.size))
    phase = 2 * np.pi * np.cumsum(frequency) / SFREQ
    truth += np.outer(8 * rng.standard_normal(n_channels), level * np.sin(phase))
    truth += rng.normal(0, 1, truth.shape)
    heartbeats = draw_heartbeats(n_slow / SFREQ, rng)
    topographies = rng.standard_normal((n_channels, 3))
    slow = np.vstack(
        [
            truth + topographies @ pulse_waves(heartbeats, n_times=n_slow, rng=rng),
            simulate_ecg(heartbeats, n_times=n_slow, rng=rng),
        ]
    )
    if motion is None:
        motion = draw_motion(n_volumes, tr=tr, rng=rng)[0]
    gradient = draw_gradient(
        rng,
        n_channels=n_channels + 1,
        onsets=margins[0] + period * np.arange(n_volumes),
        tr=tr,
        n_slices=n_slices,
        motion=motion,
        period=period,
    )
    return ScannerEeg(truth=truth, slow=slow, heartbeats=heartbeats, gradient=gradient)
