from dataclasses import dataclass

import numpy as np
import pytest


@dataclass(frozen=True, kw_only=True)
class ScannerEeg:
    """EEG in the scanner, in µV: pink noise, line noise, one movement, and a gradient artefact per slice."""

    sfreq: float
    tr: float = 1.5
    n_volumes: int = 45
    onset: float = 8.137
    tail: float = 6.0
    n_slices: int = 20
    pause: float = 0.0
    ppm: float = 0.0
    amplitude: float = 2000.0

    @property
    def volume_onsets(self):
        return self.onset + self.tr * (1 - 1e-6 * self.ppm) * np.arange(self.n_volumes)

    def data(self, rng, n_channels=8):
        times = (
            np.arange(round((self.onset + self.n_volumes * self.tr + self.tail) * self.sfreq)) / self.sfreq
        )
        frequencies = np.fft.rfftfreq(len(times), 1 / self.sfreq)
        spectrum = np.fft.rfft(rng.standard_normal((n_channels, len(times))))
        eeg = np.fft.irfft(spectrum / np.maximum(frequencies, 1), len(times))
        eeg *= 20 / eeg.std(axis=1, keepdims=True)
        eeg += 5 * np.sin(2 * np.pi * 50 * times)
        moved = (times > self.onset / 2) & (times < self.onset / 2 + 0.5)
        eeg[:, moved] += 2000 * np.sin(2 * np.pi * 6 * times[moved])
        return eeg + self._artefact(times, rng, n_channels)

    def _artefact(self, times, rng, n_channels):
        since = times - self.onset
        volume = since / (self.tr * (1 - 1e-6 * self.ppm))
        slice_length = (self.tr - self.pause) / self.n_slices
        within = (volume % 1) * self.tr
        is_on = (volume >= 0) & (volume < self.n_volumes) & (within < slice_length * self.n_slices - 1e-9)
        # The same waveform in every slice, which swells within 4 ms; amplifiers leave nothing above 250 Hz.
        knots = np.arange(0, slice_length, 2e-3)
        waveforms = self.amplitude * rng.standard_normal((n_channels, len(knots)))
        waveforms[:, :2] *= [0.1, 0.5]
        phase = within % slice_length
        return np.stack([is_on * np.interp(phase, knots, waveform) for waveform in waveforms])


@pytest.fixture
def scanner_eeg():
    return ScannerEeg
