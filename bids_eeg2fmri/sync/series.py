"""Regular series among the markers of one name: gaps bridged, spurious markers left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.records import Floats
from bids_eeg2fmri.sync.line import Line, fit_line

#: How far a marker may lie from where its predecessor says: a share of the interval, and the 4 ms by which
#: sampling at 250 Hz moves an interval, with a little over.
_SHARE, _SAMPLING = 0.02, 0.005
#: A gap of this many intervals may be a pause between two scans.
LONG_GAP = 5
_FEWEST_MARKERS = 3
#: Markers whose predecessors are looked for at once: a recording may have a hundred thousand.
_BLOCK = 4096
#: How often all markers are looked at. Scans in one recording are few; markers that are made to fall apart
#: into thousands of short series would take for ever.
_MOST_LOOKS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Markers that lie on one regular grid.

    Attributes
    ----------
    onsets : array, shape (n_markers,)
        Seconds after the first EEG sample.
    positions : array of int64, shape (n_markers,)
        Which point of the grid each marker is.
    line : Line
        The grid, from position 0; all markers are its inliers.
    n_positions : int
        Number of grid points from the first of the chain to the last. A marker at an end that is too far from
        the line to be fitted counts here: it is more likely late than spurious, and the number of volumes
        hangs on it.
    n_missing : int
        Number of grid points without a marker anywhere near.
    n_dropped : int
        Markers of the same name between the first and the last that are not on the grid.
    """

    onsets: Floats
    positions: NDArray[np.int64]
    line: Line
    n_positions: int
    n_missing: int
    n_dropped: int

    @property
    def first(self) -> float:
        """Time of the first grid point, s."""
        return self.line.start

    @property
    def last(self) -> float:
        """Time of the last grid point, s."""
        return self.line.start + (self.n_positions - 1) * self.line.interval


def typical_interval(onsets: Floats, expected: float) -> float | None:
    """Return the interval (s) of markers (n_markers,) s if it is the expected one within 1 %, else None.

    The median says whether it is the expected one; the mean of the intervals near it is what sampling at a
    low rate moves least.
    """
    intervals = np.diff(onsets)
    if len(intervals) < _FEWEST_MARKERS - 1:
        return None
    if abs(np.median(intervals) - expected) > max(0.01 * expected, _SAMPLING):
        return None
    near = np.abs(intervals - expected) <= 0.01 * expected + _SAMPLING
    interval = float(np.mean(intervals[near]))
    return interval if abs(interval - expected) <= 0.01 * expected else None


def find_series(onsets: Floats, interval: float, *, longest_gap: int) -> tuple[Series, ...]:
    """Return the regular series among markers (n_markers,) s of one name, in order of time.

    The longest chain of markers whose steps are whole numbers of intervals is a series; what lies before and
    after it is searched again. A chain with long gaps is also returned in parts, because a pause between two
    scans may happen to be a whole number of intervals.

    Parameters
    ----------
    onsets : array, shape (n_markers,)
        Ascending, s.
    interval : float
        The expected step, s, right within a fraction of a per cent.
    longest_gap : int
        The longest step of a chain, in intervals.
    """
    found: list[Series] = []
    pending, left = [(0, len(onsets))], _MOST_LOOKS * len(onsets)
    while pending and left > 0:
        begin, end = pending.pop()
        left -= end - begin
        chain = begin + _longest_chain(onsets[begin:end], interval, longest_gap)
        if len(chain) < _FEWEST_MARKERS:
            continue
        found += _parts(onsets, chain, interval)
        pending += [(begin, int(chain[0])), (int(chain[-1]) + 1, end)]
    return tuple(sorted(found, key=lambda series: (series.first, -series.n_positions)))


def _longest_chain(onsets: Floats, interval: float, longest_gap: int) -> NDArray[np.int64]:
    """Return the indices of the chain of regular steps with the most markers."""
    n_markers = len(onsets)
    if n_markers == 0:
        return np.empty(0, dtype=np.int64)
    tolerance = _SHARE * interval + _SAMPLING
    # The candidates for the predecessor of each marker, one column per step of 1, 2, ... intervals.
    steps = np.arange(1, longest_gap + 1) * interval
    lengths = np.ones(n_markers, dtype=np.int64)
    previous = np.full(n_markers, -1, dtype=np.int64)
    for i in range(n_markers):
        if i % _BLOCK == 0:
            wanted = onsets[i : i + _BLOCK, np.newaxis] - steps
            predecessors = _nearest(onsets, wanted, tolerance)
        row = predecessors[i % _BLOCK]
        # At 10^17 s a step is less than the last digit, and a marker would precede itself.
        candidates = row[(row >= 0) & (row < i)]
        if len(candidates):
            # argmax takes the first, that is the shortest step, among equals.
            best = candidates[np.argmax(lengths[candidates])]
            lengths[i], previous[i] = lengths[best] + 1, best
    chain = [int(np.argmax(lengths))]
    while previous[chain[-1]] >= 0:
        chain.append(int(previous[chain[-1]]))
    return np.asarray(chain[::-1], dtype=np.int64)


def _nearest(onsets: Floats, wanted: Floats, tolerance: float) -> NDArray[np.int64]:
    """Return the index of the marker nearest to each wanted time, -1 where none is within the tolerance."""
    right = np.clip(np.searchsorted(onsets, wanted), 0, len(onsets) - 1)
    left = np.maximum(right - 1, 0)
    nearest = np.where(np.abs(onsets[left] - wanted) <= np.abs(onsets[right] - wanted), left, right)
    near: NDArray[np.int64] = np.where(np.abs(onsets[nearest] - wanted) <= tolerance, nearest, -1)
    return near


def _parts(onsets: Floats, chain: NDArray[np.int64], interval: float) -> list[Series]:
    """Return the series of a chain and of each run of its parts between long gaps."""
    positions = np.concatenate([[0], np.cumsum(np.rint(np.diff(onsets[chain]) / interval))]).astype(np.int64)
    cuts = [0, *(np.flatnonzero(np.diff(positions) > LONG_GAP) + 1).tolist(), len(chain)]
    parts = [
        _make_series(onsets, chain[cuts[i] : cuts[j]], positions[cuts[i] : cuts[j]])
        for i in range(len(cuts) - 1)
        for j in range(i + 1, len(cuts))
        if cuts[j] - cuts[i] >= _FEWEST_MARKERS
    ]
    return [series for series in parts if series is not None]


def _make_series(onsets: Floats, chain: NDArray[np.int64], positions: NDArray[np.int64]) -> Series | None:
    """Return the series of a chain; None if too few of its markers lie on one line."""
    positions = positions - positions[0]
    line = fit_line(positions, onsets[chain])
    kept = line.inliers
    if kept.sum() < _FEWEST_MARKERS:
        return None
    n_positions = int(positions[-1]) + 1
    return Series(
        onsets=onsets[chain[kept]],
        positions=positions[kept],
        line=Line(
            start=line.start,
            interval=line.interval,
            inliers=kept[kept],
            residuals=line.residuals[kept],
        ),
        n_positions=n_positions,
        n_missing=n_positions - len(chain),
        n_dropped=int(chain[-1] - chain[0]) + 1 - int(kept.sum()),
    )
