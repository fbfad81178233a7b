"""A straight line through the onsets of regular markers that a few wrong ones cannot bend."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.records import Floats

#: A marker this near to the line (s) is never an outlier: one sample at 250 Hz and a little over.
_ALWAYS_NEAR = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The line ``t = start + position * interval``.

    Attributes
    ----------
    start, interval : float
        Seconds.
    inliers : array of bool, shape (n_markers,)
    residuals : array, shape (n_markers,)
        Marker minus line, s.
    """

    start: float
    interval: float
    inliers: NDArray[np.bool_]
    residuals: Floats

    @property
    def jitter(self) -> float:
        """Root mean square residual of the inliers, s."""
        return float(np.sqrt(np.mean(self.residuals[self.inliers] ** 2)))

    def at(self, positions: NDArray[np.int64]) -> Floats:
        """Return the times (n,) s of positions (n,)."""
        return self.start + self.interval * positions.astype(np.float64)


def fit_line(positions: NDArray[np.int64], onsets: Floats) -> Line:
    """Fit onsets (n_markers,) s at grid positions (n_markers,): median slopes first, least squares after.

    The start is an incomplete Theil-Sen estimate (the median slope of pairs half a series apart), which holds
    while fewer than a fifth of the markers are wrong; least squares over the inliers (within five robust
    standard deviations) then gives the precision.

    Raises
    ------
    ValueError
        If there are fewer than two markers or the positions do not ascend.
    """
    if len(onsets) < 2 or np.any(np.diff(positions) <= 0):
        raise ValueError("fit_line: expected at least two markers at ascending positions.")
    half = len(onsets) // 2
    interval = float(np.median((onsets[half:] - onsets[:-half]) / (positions[half:] - positions[:-half])))
    start = float(np.median(onsets - interval * positions))
    inliers = np.zeros(len(onsets), dtype=np.bool_)
    for _ in range(10):  # settles after two or three rounds
        residuals = onsets - start - interval * positions
        distances = np.abs(residuals - np.median(residuals))
        # Of a normal distribution 80 % lie within 1.28 standard deviations. Not the median of the distances:
        # where clocks drift by a sample over the run, fewer than half of the markers are a sample away.
        spread = float(np.quantile(distances, 0.8)) / 1.2816
        near = distances <= max(5 * spread, _ALWAYS_NEAR)
        if np.array_equal(near, inliers) or near.sum() < 2:
            break
        inliers = near
        slope, intercept = np.polyfit(positions[inliers], onsets[inliers], 1)
        interval, start = float(slope), float(intercept)
    return Line(
        start=start,
        interval=interval,
        inliers=inliers,
        residuals=onsets - start - interval * positions,
    )
