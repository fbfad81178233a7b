"""The pulse artefact: what the heartbeat moves in the field, taken out beat by beat.

Optimal basis sets (Niazy 2005, 10.1016/j.neuroimage.2005.06.067) with three changes. The basis is of whole
epochs, all channels and lags at once, so that a beat has a handful of sizes rather than some per channel. Its
directions are those in which epochs of beats exceed epochs of moved beats, so that no alpha rhythm passes for
a varying artefact; how many there are is read off the same comparison of moved beats among themselves. The
sizes are shrunk towards their mean by how well each is known.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh

from bids_eeg2fmri.eeg.beat_epochs import (
    BeatWindows,
    Float32s,
    chance_amplitude,
    cut_epochs,
    find_calm,
    locked_amplitude,
    locked_average,
    move_beats,
    place_windows,
)
from bids_eeg2fmri.records import Floats

#: Directions of the epochs that are looked at, and beats that each of them must have.
_MOST_DIRECTIONS, _BEATS_PER_DIRECTION = 40, 4
#: Locked energy against that of moved beats above which there is an artefact.
_LEAST_EXCESS = 1.5
#: MNE's optimal basis sets: components beside the mean, as Niazy 2005 has them.
_N_OBS = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PulseCorrection:
    """EEG without its pulse artefact, and how that was.

    Attributes
    ----------
    data : array of float32, shape (n_channels, n_times)
        Microvolts.
    n_components : int
        Sizes per beat; 0: there was nothing to correct.
    window : float
        Length of the epochs, s: the correction of a sample knows the EEG up to this much later.
    delay : float
        From the beat to the largest artefact, s.
    before, after, chance : float
        Amplitude locked to the beats, and to moved ones, microvolts.
    locked : array, shape (3, n_lags)
        Lag from the beat (s), then the locked amplitude over channels before and after (µV).
    """

    data: Float32s
    n_components: int
    window: float
    delay: float
    before: float
    after: float
    chance: float
    locked: Floats


def correct_pulse(
    data: Float32s, sfreq: float, beats: Floats, *, rng: np.random.Generator, backend: str = "auto"
) -> PulseCorrection:
    """Take the pulse artefact out, where there is one.

    Parameters
    ----------
    data : array, shape (n_channels, n_times)
        Band-passed EEG, microvolts.
    sfreq : float
        Samples per second, Hz.
    beats : array, shape (n_beats,)
        Seconds after the first sample.
    rng : numpy.random.Generator
        Moves beats for the comparison.
    backend : "auto" or "mne"
        This file's method, or ``mne.preprocessing.apply_pca_obs``.
    """
    windows = place_windows(data, sfreq, beats)
    moved = move_beats(windows, data.shape[1], rng)
    average = locked_average(data, windows)
    before, chance = locked_amplitude(average), chance_amplitude(data, windows, moved)
    corrected, n_components = data, 0
    if before**2 > _LEAST_EXCESS * chance**2:
        if backend == "mne":
            corrected, n_components = _correct_with_mne(data, sfreq, beats + windows.delay), _N_OBS + 1
        else:
            corrected, n_components = _subtract(data, windows, moved)
    average_after = locked_average(corrected, windows)
    lags = windows.start + np.arange(windows.n_lags) / sfreq
    return PulseCorrection(
        data=corrected,
        n_components=n_components,
        window=windows.n_lags / sfreq,
        delay=windows.delay,
        before=before,
        after=locked_amplitude(average_after),
        chance=chance,
        locked=np.stack([lags, _over_channels(average), _over_channels(average_after)]),
    )


def _subtract(data: Float32s, windows: BeatWindows, moved: tuple[np.ndarray, ...]) -> tuple[Float32s, int]:
    """Return the data without the directions that exceed moved beats, and how many these are."""
    epochs = cut_epochs(data, windows.first, windows.weights)
    calm = find_calm(data, windows.first, windows.n_lags)
    others = []
    for first in moved:
        is_calm = find_calm(data, first, windows.n_lags)
        others.append(cut_epochs(data, first[is_calm], windows.weights[is_calm]))
    filters, patterns, excess = _contrast(epochs[calm], others)
    # What the same comparison finds where nothing is locked.
    limit = float(_contrast(others[0], others[1:])[2].max())
    kept = excess > limit
    if not kept.any():
        return data, 0
    sizes = (epochs @ filters[kept].T).astype(np.float64)
    mean, variance = sizes[calm].mean(axis=0), sizes[calm].var(axis=0)
    # The EEG's own variance in each direction is 1.
    shrunk = mean + (sizes - mean) * np.maximum(1 - 1 / np.maximum(variance, 1e-12), 0)
    artefact = (shrunk.astype(np.float32) @ patterns[kept]).reshape(len(epochs), len(data), -1)
    corrected = data.copy()
    for begin, epoch in zip(windows.first, artefact, strict=True):
        corrected[:, begin : begin + windows.n_lags] -= epoch
    return corrected, int(kept.sum())


def _contrast(epochs: Float32s, others: list[Float32s]) -> tuple[Float32s, Float32s, Floats]:
    """Return directions in which epochs differ from others, as joint diagonalisation finds them.

    Returns
    -------
    filters : array of float32, shape (n_directions, n_channels x n_lags)
        Give the size of an epoch in units of the standard deviation of the others.
    patterns : array of float32, shape (n_directions, n_channels x n_lags)
        What one unit of each looks like, µV.
    excess : array, shape (n_directions,)
        Mean square of the sizes, descending.
    """
    n_directions = max(min(_MOST_DIRECTIONS, len(epochs) // _BEATS_PER_DIRECTION), 1)
    # Fewer beats than samples: the eigenvectors over beats lead to those over samples.
    energy, over_beats = eigh(
        epochs.astype(np.float32) @ epochs.T, subset_by_index=(len(epochs) - n_directions, len(epochs) - 1)
    )
    usable = energy > 1e-6 * energy.max()
    basis = (over_beats[:, usable] / np.sqrt(energy[usable])).T.astype(np.float32) @ epochs
    own = (epochs @ basis.T).astype(np.float64)
    rest = np.concatenate([other @ basis.T for other in others]).astype(np.float64)
    noise = rest.T @ rest / len(rest)
    noise += 1e-6 * np.trace(noise) / len(noise) * np.eye(len(noise))
    excess, filters = eigh(own.T @ own / len(own), noise)
    filters = filters[:, ::-1]
    patterns = (noise @ filters).T.astype(np.float32) @ basis
    return filters.T.astype(np.float32) @ basis, patterns, excess[::-1]


def _correct_with_mne(data: Float32s, sfreq: float, times: Floats) -> Float32s:
    """Return what MNE's optimal basis sets make of it; ``times`` are those of the artefact, s."""
    import mne  # noqa: PLC0415  (heavy, and not the default)

    names = [str(k) for k in range(len(data))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        raw = mne.io.RawArray(data * 1e-6, mne.create_info(names, sfreq, "eeg"), verbose="error")
        # It fails where the epoch of the first or last beat leaves the recording.
        margin = float(np.diff(times).max())
        inside = times[(times > margin) & (times < raw.times[-1] - margin)]
        done = mne.preprocessing.apply_pca_obs(
            raw, picks=names, qrs_times=inside, n_components=_N_OBS, verbose="error"
        )
    corrected: Float32s = (done.get_data() * 1e6).astype(np.float32)
    return corrected


def _over_channels(average: Floats) -> Floats:
    """Return the root mean square over channels at each lag."""
    profile: Floats = np.sqrt(np.mean(average**2, axis=0))
    return profile
