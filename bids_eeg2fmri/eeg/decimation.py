"""From the amplifier's rate to a few hundred hertz: a low-pass computed only where samples are kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray
from scipy.signal import firwin

#: The filter reaches this many samples of the new rate to either side.
_REACH = 10
#: Of the filter's Kaiser window: 60 dB beyond the new Nyquist frequency.
_BETA, _ATTENUATION = 5.65, 60.0
#: Samples of the new rate made by one product of matrices; those of a stretch that is read at once.
_ROWS = 32
_STRETCH = 64 * _ROWS


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decimator:
    """Keeps one of ``factor`` samples, low-passed.

    Attributes
    ----------
    factor : int
    taps : array of float32, shape (2 * 10 * factor + 1,)
        The filter, symmetrical; a single 1 for a factor of 1.
    """

    factor: int
    taps: NDArray[np.float32]

    @property
    def reach(self) -> int:
        """How many samples of the old rate the filter looks back and ahead."""
        return len(self.taps) // 2

    def n_out(self, n_times: int) -> int:
        """Return how many samples are kept of ``n_times``."""
        return -(-n_times // self.factor)

    def apply(self, padded: NDArray[np.float32], n_out: int) -> NDArray[np.float32]:
        """Return (n_out, n_channels) of (at least (n_out - 1) * factor + 2 * reach + 1, n_channels).

        The first sample that is kept lies ``reach`` samples after the first one given.
        """
        if self.factor == 1:
            return padded[:n_out]
        n_blocks = -(-n_out // _ROWS)
        needed = _ROWS * self.factor + 2 * self.reach
        missing = (n_blocks - 1) * _ROWS * self.factor + needed - len(padded)
        if missing > 0:
            padded = np.pad(padded, ((0, missing), (0, 0)))
        padded = np.ascontiguousarray(padded)
        step, across = padded.strides
        blocks = as_strided(
            padded,
            (n_blocks, needed, padded.shape[1]),
            (_ROWS * self.factor * step, step, across),
            writeable=False,
        )
        kept = np.matmul(self._matrix(needed), blocks).reshape(n_blocks * _ROWS, -1)
        first: NDArray[np.float32] = kept[:n_out]
        return first

    def _matrix(self, needed: int) -> NDArray[np.float32]:
        """Return the filter at each sample that is kept of a block, (_ROWS, needed)."""
        matrix = np.zeros((_ROWS, needed), np.float32)
        for row in range(_ROWS):
            matrix[row, row * self.factor : row * self.factor + len(self.taps)] = self.taps
        return matrix


def make_decimator(sfreq: float, target: float) -> Decimator:
    """Return what brings a rate down to the target, or to the next rate above it that divides ``sfreq``."""
    factor = max(int(sfreq / target + 1e-6), 1)
    if factor == 1:
        return Decimator(factor=1, taps=np.ones(1, np.float32))
    n_taps = 2 * _REACH * factor + 1
    # Kaiser's formula for the width of the transition, which ends at the new Nyquist frequency.
    width = (_ATTENUATION - 7.95) / (2.285 * 2 * np.pi * (n_taps - 1)) * sfreq
    cutoff = sfreq / factor / 2 - width / 2
    taps = firwin(n_taps, cutoff, window=("kaiser", _BETA), fs=sfreq)
    return Decimator(factor=factor, taps=taps.astype(np.float32))


def decimate(
    read: Callable[[int, int], NDArray[np.float32]],
    n_times: int,
    decimator: Decimator,
    watch: Callable[[int, NDArray[np.float32]], None] | None = None,
) -> NDArray[np.float32]:
    """Return a whole recording at the lower rate, (n_out, n_channels), a stretch of it in memory at a time.

    The signal is taken to stay at its first value before it begins and to end in it: whatever estimates the
    signal from later samples would know the future. That value is subtracted.

    Parameters
    ----------
    read : callable
        ``read(start, stop)`` returns float32, (stop - start, n_channels).
    watch : callable, optional
        Is given the first sample and the samples of every stretch at the full rate, less the first value.
    """
    n_out, factor, reach = decimator.n_out(n_times), decimator.factor, decimator.reach
    origin = read(0, 1)
    kept = np.empty((n_out, origin.shape[1]), np.float32)
    for begin in range(0, n_out, _STRETCH):
        end = min(begin + _STRETCH, n_out)
        start, stop = begin * factor - reach, (end - 1) * factor + reach + 1
        block = read(max(start, 0), min(stop, n_times))
        block -= origin
        if watch is not None:
            first = begin * factor
            watch(first, block[first - max(start, 0) :][: min(_STRETCH * factor, n_times - first)])
        if start < 0 or stop > n_times:
            block = np.pad(block, ((max(-start, 0), max(stop - n_times, 0)), (0, 0)))
        kept[begin:end] = decimator.apply(block, end - begin)
    return kept
