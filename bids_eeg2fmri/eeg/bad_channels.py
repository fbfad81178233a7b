"""Channels that do not measure the brain: flagged ones, and what flat, noisy or lonely ones look like.

Robust z-scores as in the PREP pipeline (Bigdely-Shamlo 2015, 10.3389/fninf.2015.00016), on the band that is
kept. A channel must stand out from the others of the same run, because a small cap or a strong pulse
artefact changes what is usual.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.eeg.signal_check import MOST_CLIPPED, find_flat
from bids_eeg2fmri.eeg.spread import robust_spread
from bids_eeg2fmri.records import Floats

#: PREP's limit of a robust z-score.
_Z = 5.0
#: Correlation with the best other channel below which a channel may be lonely (PREP), and by how many robust
#: standard deviations it must be the loneliest.
_LEAST_CORRELATION, _LONELY_Z = 0.4, 3.0
#: Length of the windows of the correlations, s.
_WINDOW = 1.0
#: More than this share of bad channels is no longer a matter of single channels.
_MOST_BAD = 0.3
_FEWEST_TO_COMPARE = 6


def find_bad_channels(
    data: NDArray[np.float32],
    sfreq: float,
    *,
    names: Sequence[str],
    flagged: Sequence[str],
    clipped: NDArray[np.float32],
    detect: bool,
) -> Mapping[str, str]:
    """Return the bad channels and, in a word or two, why each is one.

    Parameters
    ----------
    data : array, shape (n_channels, n_times)
        Band-passed EEG against its recording reference, µV.
    flagged : sequence of str
        What the dataset itself calls bad.
    clipped : array, shape (n_channels,)
        Share of saturated samples.
    detect : bool
        Whether noisy and lonely channels are looked for; flat and saturated ones are always bad.
    """
    bad = {name: "flagged" for name in names if name in flagged}
    for name, is_flat, share in zip(names, find_flat(data), clipped, strict=True):
        if is_flat:
            bad.setdefault(name, "flat")
        elif share > MOST_CLIPPED:
            bad.setdefault(name, f"saturated in {share:.0%} of the samples")
    good = np.array([name not in bad for name in names])
    if not detect or good.sum() < _FEWEST_TO_COMPARE:
        return bad
    found: dict[str, tuple[float, str]] = {}
    kept = [name for name, is_good in zip(names, good, strict=True) if is_good]
    # The median over channels as reference: one bad channel would be in the average of all.
    centred = data[good] - np.median(data[good], axis=0)
    for scores, word in (
        (robust_z(np.log(np.maximum(robust_spread(centred), 1e-6))), "noisy"),
        (robust_z(np.log(_roughness(centred))), "noise of high frequency"),
        (_loneliness(centred, sfreq), "uncorrelated with all others"),
    ):
        for name, score in zip(kept, scores, strict=True):
            if score > found.get(name, (1.0, ""))[0]:
                found[name] = (float(score), word)
    worst = sorted(found, key=lambda name: -found[name][0])[: int(_MOST_BAD * len(names))]
    return bad | {name: found[name][1] for name in names if name in worst}


def robust_z(values: Floats) -> Floats:
    """Return how far values (n,) lie above their median, in units of the limit of robust deviations."""
    centre = np.median(values)
    # A floor: where all channels are alike, a few per cent are no reason to leave one out.
    spread = max(1.4826 * float(np.median(np.abs(values - centre))), 0.1)
    scores: Floats = (values - centre) / spread / _Z
    return scores


def _roughness(data: NDArray[np.float32]) -> Floats:
    """Return how fast a channel changes against how much (n_channels,): high in white noise."""
    roughness: Floats = robust_spread(np.diff(data, axis=1)) / np.maximum(robust_spread(data), 1e-6)
    return np.maximum(roughness, 1e-6)


def _loneliness(data: NDArray[np.float32], sfreq: float) -> Floats:
    """Return above 1 where the best correlation (n_channels,) with any other is low and an outlier."""
    n_window = max(round(_WINDOW * sfreq), 2)
    n_windows = data.shape[1] // n_window
    if n_windows == 0:
        return np.zeros(len(data))
    cut = data[:, : n_windows * n_window].reshape(len(data), n_windows, n_window).transpose(1, 0, 2)
    cut = cut - cut.mean(axis=2, keepdims=True)
    cut = cut / np.maximum(np.linalg.norm(cut, axis=2, keepdims=True), 1e-9)
    correlation = np.abs(cut @ cut.transpose(0, 2, 1))
    correlation[:, np.arange(len(data)), np.arange(len(data))] = 0
    best = np.median(correlation.max(axis=2), axis=0)
    spread = max(1.4826 * float(np.median(np.abs(best - np.median(best)))), 0.02)
    outlying = (np.median(best) - best) / spread / _LONELY_Z
    lonely: Floats = np.minimum(outlying, _LEAST_CORRELATION / np.maximum(best, 1e-3))
    return lonely
