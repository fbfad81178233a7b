"""BOLD as networks are trained on it: about the mean of each run, in standard deviations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.records import AlignedRun, Floats

#: A region that varies less than this (% signal change) is dead: it is left at 0.
MIN_DEVIATION = 1e-6


def bold_moments(runs: Sequence[AlignedRun], weights: Sequence[Floats]) -> tuple[Floats, Floats]:
    """Return mean and within-run standard deviation of the BOLD, (n_regions,), where it is learned from.

    Parameters
    ----------
    runs : sequence of AlignedRun
    weights : sequence of array, shape (n_volumes,)
        Above 0 for the volumes to learn from, one array per run.
    """
    kept = [run.bold[w > 0] for run, w in zip(runs, weights, strict=True) if np.any(w > 0)]
    deviation = np.concatenate([part - part.mean(axis=0) for part in kept]).std(axis=0)
    return np.concatenate(kept).mean(axis=0), np.where(deviation > MIN_DEVIATION, deviation, 1.0)


def standardise_bold(bold: Floats, usable: NDArray[np.bool_], scale: Floats) -> Floats:
    """Return the BOLD (n_volumes, n_regions) less its mean over usable volumes, over the scale; else 0."""
    standardised = np.zeros_like(bold)
    if usable.any():
        standardised[usable] = (bold[usable] - bold[usable].mean(axis=0)) / scale
    return standardised
