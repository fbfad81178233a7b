"""How far predicted and measured BOLD go together at each speed, whatever their delay."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.signal import detrend
from scipy.signal.windows import hann

from bids_eeg2fmri.records import Floats

#: Segments are this long (s), so that the k-th frequency is k / 100 Hz whatever the TR.
_SEGMENT = 100.0
#: 0.01 to 0.1 Hz: slower is drift, faster is beyond what the haemodynamic response lets through.
_FIRST, _LAST = 1, 10
#: Half-overlapping Hann segments count as 11/12 of as many independent ones
#: (Welch 1967, 10.1109/TAU.1967.1161901).
_INDEPENDENT = 11 / 12


def coherence_in_band(pairs: Sequence[tuple[Floats, Floats]], trs: Sequence[float]) -> Floats:
    """Return the mean magnitude-squared coherence from 0.01 to 0.1 Hz, (n_regions,).

    Spectra are averaged over Hann segments of 100 s, half overlapping, of all runs. What so many segments
    give by chance is taken off (Bendat and Piersol 2010, 10.1002/9781118032428): without coupling it is about
    0 and can be below. NaN with fewer than three segments.

    Parameters
    ----------
    pairs : sequence of (predicted, measured), each of shape (n_volumes, n_regions)
        One pair per run.
    trs : sequence of float
        Seconds from volume to volume, one per run.
    """
    n_regions = pairs[0][0].shape[1]
    cross = np.zeros((_LAST - _FIRST + 1, n_regions), dtype=np.complex128)
    powers = np.zeros((2, *cross.shape))
    n_segments = 0
    for (predicted, measured), tr in zip(pairs, trs, strict=True):
        for start in _segment_starts(len(predicted), tr):
            part = slice(start, start + _length(tr))
            x, y = _spectrum(predicted[part]), _spectrum(measured[part])
            cross += x * y.conj()
            powers += np.stack([np.abs(x) ** 2, np.abs(y) ** 2])
            n_segments += 1
    if n_segments < 3 or len(cross) == 0:
        return np.full(n_regions, np.nan)
    both = powers[0] * powers[1]
    squared = np.divide(np.abs(cross) ** 2, both, out=np.zeros(both.shape), where=both > 0)
    by_chance = min(1 / (_INDEPENDENT * n_segments), 0.99)
    coherence: Floats = ((squared - by_chance) / (1 - by_chance)).mean(axis=0)
    return coherence


def _length(tr: float) -> int:
    """Return the volumes of a segment: enough for 0.1 Hz to be below half the rate of volumes."""
    return max(round(_SEGMENT / tr), 2 * _LAST + 2)


def _segment_starts(n_volumes: int, tr: float) -> range:
    """Return the first volumes of the segments that lie within a run."""
    length = _length(tr)
    return range(0, n_volumes - length + 1, length // 2)


def _spectrum(data: Floats) -> NDArray[np.complex128]:
    """Return the spectrum at 0.01 to 0.1 Hz, (n_frequencies, n_regions), of a segment without its line."""
    window = hann(len(data), sym=False)[:, None]
    spectrum: NDArray[np.complex128] = np.fft.rfft(window * detrend(data, axis=0), axis=0)
    return spectrum[_FIRST : _LAST + 1]
