"""The gradient artefact: what switching magnetic gradients induce in electrodes, as the amplifier sees it.

Each of the three gradients induces one waveform, in proportion to its slope, that repeats with every slice
and nearly so from slice to slice; an electrode sees the three with gains of its own (Allen 2000,
10.1006/nimg.2000.0599; Yan 2009, 10.1016/j.neuroimage.2009.02.020). The amplifier's low-pass at 250 Hz leaves
a few millivolts. The gains change slowly, and with every movement of the head.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.signal import butter, freqs

from bids_eeg2fmri.records import Floats

#: Root mean square over channels and time within the scan, microvolts: a hundred times the EEG.
LEVEL = 1500.0
#: The amplifier's low-pass: corner (Hz) and order.
CUTOFF, ORDER = 250.0, 5
#: Waveforms are drawn at this rate, Hz, and ring for this long after a volume's end, s.
_FINE, _RING = 20_000.0, 0.03
#: Standard deviations: of the size of a slice's waveform over slices; of the slow drift of the gains, which
#: forget themselves over _DRIFT_TAU s; of their change per mm of translation and per rad of rotation.
_SLICE_SD, _DRIFT_SD, _DRIFT_TAU = 0.05, 0.01, 60.0
_PER_MM, _PER_RAD = 0.03, 2.0
#: Time from one excitation to the next of its echoes' gradients, s; their number.
_ECHO, _N_ECHOES = 0.0008, 24


@dataclass(frozen=True, slots=True, kw_only=True)
class GradientSource:
    """The gradient artefact of one run.

    Attributes
    ----------
    onsets : array, shape (n_volumes,)
        When each volume begins, s on the EEG's clock; a gap between volumes is silent.
    period : float
        The TR on the EEG's clock, s.
    waveforms : array, shape (3, n_fine)
        Of one volume and its ringing, per gradient, every 50 microseconds of the scanner's clock.
    drift : array, shape (3, n_knots)
        Slow change of each waveform, one value per second from 0 s on.
    gains : array, shape (n_channels, 7 * 3)
        Microvolts per waveform at rest, then per mm or rad of each of six motion parameters.
    motion : array, shape (n_volumes, 6)
        mm and rad.
    """

    onsets: Floats
    period: float
    waveforms: Floats
    drift: Floats
    gains: Floats
    motion: Floats

    def sample(self, start: int, stop: int, sfreq: float) -> NDArray[np.float32]:
        """Return samples ``start`` to ``stop`` at ``sfreq`` Hz, shape (n_channels, stop - start), µV."""
        times = np.arange(start, stop) / sfreq
        basis = self._waves(times) * (1 + self._drift_at(times))
        moved = np.stack([np.interp(times, self.onsets, column) for column in self.motion.T])
        parts = np.concatenate([basis[None], moved[:, None] * basis]).reshape(-1, times.size)
        artefact: NDArray[np.float32] = self.gains.astype(np.float32) @ parts.astype(np.float32)
        return artefact

    def _waves(self, times: Floats) -> Floats:
        """Return the three waveforms at times (n,), shape (3, n)."""
        fine = np.arange(self.waveforms.shape[1])
        spline = CubicSpline(fine, self.waveforms, axis=1)
        stretch = _FINE * self._nominal / self.period
        waves = np.zeros((3, times.size))
        last = np.searchsorted(self.onsets, times, side="right") - 1
        for back in (0, 1):  # the volume itself, and what still rings of the one before
            volume = last - back
            fits = np.flatnonzero(volume >= 0)
            since = (times[fits] - self.onsets[volume[fits]]) * stretch
            fits, since = fits[since < fine[-1]], since[since < fine[-1]]
            waves[:, fits] += spline(since)
        return waves

    @property
    def _nominal(self) -> float:
        """The TR on the scanner's clock, s."""
        return float(self.waveforms.shape[1] / _FINE - _RING)

    def _drift_at(self, times: Floats) -> Floats:
        """Return the slow change at times (n,), shape (3, n)."""
        knots = np.arange(self.drift.shape[1])
        return np.stack([np.interp(times, knots, row) for row in self.drift])


def draw_gradient(
    rng: np.random.Generator,
    *,
    n_channels: int,
    onsets: NDArray[np.floating[Any]],
    tr: float,
    n_slices: int,
    motion: Floats,
    period: float | None = None,
) -> GradientSource:
    """Draw the artefact of one run.

    Parameters
    ----------
    onsets : array, shape (n_volumes,)
        Seconds on the EEG's clock.
    tr : float
        Seconds on the scanner's clock.
    motion : array, shape (n_volumes, 6)
        mm and rad.
    period : float, optional
        The TR on the EEG's clock, where that is another, s.
    """
    waveforms = _draw_waveforms(rng, tr=tr, n_slices=n_slices)
    size = rng.gamma(6, 1 / 6, (n_channels, 1))
    rest = size * rng.standard_normal((n_channels, 3))
    within = waveforms[:, : round(tr * _FINE)]
    rest *= LEVEL / np.sqrt(np.mean((rest @ within) ** 2))
    change = np.array([_PER_MM] * 3 + [_PER_RAD] * 3)[:, None, None]
    moved = change * rng.standard_normal((6, n_channels, 3)) * np.linalg.norm(rest, axis=1, keepdims=True)
    n_knots = int(onsets[-1] + 2 * tr) + 2
    keep = np.exp(-1 / _DRIFT_TAU)
    drift = np.empty((3, n_knots))
    drift[:, 0] = rng.standard_normal(3)
    for k in range(1, n_knots):
        drift[:, k] = keep * drift[:, k - 1] + np.sqrt(1 - keep**2) * rng.standard_normal(3)
    return GradientSource(
        onsets=onsets.astype(np.float64),
        period=tr if period is None else period,
        waveforms=waveforms,
        drift=_DRIFT_SD * drift,
        gains=np.concatenate([rest[None], moved]).transpose(1, 0, 2).reshape(n_channels, -1),
        motion=motion,
    )


def _draw_waveforms(rng: np.random.Generator, *, tr: float, n_slices: int) -> Floats:
    """Return what each gradient induces over one volume and its ringing, shape (3, n_fine), unit power."""
    n_volume, n_ring = round(tr * _FINE), round(_RING * _FINE)
    slopes = np.zeros((3, n_volume + n_ring))
    length = tr / n_slices
    kicks = _slice_kicks(rng, length)
    sizes = 1 + _SLICE_SD * rng.standard_normal((n_slices, 3, 1))
    for k in range(n_slices):
        begin = round(k * length * _FINE)
        stop = min(begin + kicks.shape[1], n_volume)
        slopes[:, begin:stop] += (sizes[k] * kicks)[:, : stop - begin]
    # Twice as long: the filter must not wrap the end into the beginning.
    spectrum = np.fft.rfft(slopes, 2 * slopes.shape[1], axis=1)
    frequencies = np.fft.rfftfreq(2 * slopes.shape[1], 1 / _FINE)
    numerator, denominator = butter(ORDER, 2 * np.pi * CUTOFF, analog=True)
    _, response = freqs(numerator, denominator, 2 * np.pi * frequencies)
    waves: Floats = np.fft.irfft(spectrum * response, axis=1)[:, : slopes.shape[1]]
    waves /= np.sqrt(np.mean(waves[:, :n_volume] ** 2, axis=1, keepdims=True))
    return waves


def _slice_kicks(rng: np.random.Generator, length: float) -> Floats:
    """Return the slopes of the three gradients over one slice of ``length`` s, shape (3, n_fine).

    Trapezes of random length and height (slice selection, preparation, spoilers), and the train of echoes on
    the first axis, shortened where the slice is.
    """
    kicks = np.zeros((3, int(length * _FINE)))
    ramp = max(int(0.0003 * _FINE), 1)

    def trapeze(axis: int, begin: float, duration: float, height: float) -> None:
        for at, sign in ((begin, 1), (begin + duration, -1)):
            first = int(at * _FINE)
            kicks[axis, first : first + ramp] += sign * height / ramp

    for axis in range(3):
        trapeze(axis, 0.0005, 0.003, rng.uniform(0.5, 1.5))
        trapeze(axis, 0.0042, rng.uniform(0.001, 0.002), -rng.uniform(0.5, 1.5))
        trapeze(axis, 0.92 * length - 0.002, rng.uniform(0.001, 0.002), rng.uniform(0.5, 2))
    n_echoes = min(_N_ECHOES, int(0.6 * length / _ECHO))
    for k in range(n_echoes):
        trapeze(0, 0.2 * length + k * _ECHO, _ECHO, (-1) ** k)
    return kicks
