"""Whether the gradient artefact is still in a recording, told from signal and sidecar."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.signal import welch

from bids_eeg2fmri.eeg.volume_grid import VolumeGrid
from bids_eeg2fmri.records import Floats

State = Literal["uncorrected", "corrected", "corrected with residue"]

#: Share of the power (of the slope) that repeats from volume to volume, and rise of the power within the scan
#: over that before it (dB), from which on a recording is uncorrected. Corrected EEG repeats by a few per cent
#: and hardly rises.
_LEAST_REPEATING, _LEAST_RISE = 0.5, 10.0
#: Comb at the harmonics of slices or volumes over their neighbours (dB) from which on residue is left: clean
#: EEG has 1 dB, that of a poor correction 9 to 14.
_LEAST_COMB = 6.0
#: Line noise (Hz), which may repeat with the volumes too, and its width; the highest frequency looked at.
_LINES, _LINE_WIDTH, _HIGHEST = (50.0, 60.0, 100.0), 1.0, 100.0
#: Slices come at 3 to 60 per second.
_SLICE_RATES = (3.0, 60.0)
#: Welch's segments hold so many volumes; neighbours of a harmonic lie so many bins beside it.
_VOLUMES_PER_SEGMENT, _NEIGHBOURS = 8, (3, 4, 5)
#: What sidecars and file names say of a correction.
_CLAIM = re.compile(
    r"\b(aas|fmrib|fastr|bergen|facet)\b|(gradient|scanner|imaging|MR[I ]?)[\s_-]*(artifact|artefact)?s?"
    r"[\s_-]*(correct|remov|subtract|clean)",
    re.IGNORECASE,
)
_DENIAL = re.compile(r"\b(not|un|no|without|before)[\s_-]*(correct|remov|subtract|clean|any)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingState:
    """What was found out about the gradient artefact in a recording.

    Attributes
    ----------
    state : str
    repeating : float
        Share of the power of the slope that repeats from volume to volume.
    rise : float
        Power of the slope within the scan over that outside it, dB; NaN where nothing lies outside.
    slice_comb, volume_comb : float
        Power at the harmonics of slices and volumes over that beside them, dB; NaN in short scans.
    n_slices : int
        Excitations per volume, as the comb tells them; 0 where it does not.
    """

    state: State
    repeating: float
    rise: float
    slice_comb: float
    volume_comb: float
    n_slices: int

    def describe(self) -> str:
        """Return the figures in words."""
        figures = [f"{self.repeating:.0%} of the power of its slope repeats from volume to volume"]
        if np.isfinite(self.rise):
            figures.append(f"it rises by {self.rise:.0f} dB within the scan")
        if np.isfinite(self.slice_comb):
            figures.append(f"the comb of slices stands out by {self.slice_comb:.0f} dB")
        if np.isfinite(self.volume_comb):
            figures.append(f"that of volumes by {self.volume_comb:.0f} dB")
        return ", ".join(figures)


def judge_state(data: NDArray[np.float32], grid: VolumeGrid) -> RecordingState:
    """Return the state of a recording, from some of its channels.

    Parameters
    ----------
    data : array of float32, shape (n_times, n_channels)
        At the grid's rate, microvolts; eight channels are enough.
    grid : VolumeGrid
        The volumes that lie within the recording.
    """
    volumes = grid.cut(data)
    spectra = np.fft.rfft(volumes, axis=1)
    weights = _slope_weights(grid)
    repeating = _repeating(spectra, weights)
    rise = _rise(data, spectra, weights, grid)
    comb = measure_comb(volumes, grid)
    if repeating >= _LEAST_REPEATING and not rise < _LEAST_RISE:
        state: State = "uncorrected"
    else:
        has_residue = comb.slices >= _LEAST_COMB or comb.volumes >= _LEAST_COMB
        state = "corrected with residue" if has_residue else "corrected"
    return RecordingState(
        state=state,
        repeating=repeating,
        rise=rise,
        slice_comb=comb.slices,
        volume_comb=comb.volumes,
        n_slices=comb.n_slices,
    )


def read_claim(sidecar: Mapping[str, Any], name: str) -> str:
    """Return what a sidecar, or the name of the recording, says of a gradient correction; else nothing."""
    if re.search(r"desc-(clean|corrected|aas|ga)", name, re.IGNORECASE):
        return f"the name {name}"
    for key in ("SoftwareFilters", "SubjectArtefactDescription", "Description", "GradientArtifactCorrection"):
        value = sidecar.get(key)
        text = f"{key} {value}" if isinstance(value, Mapping) else str(value or "")
        if key == "GradientArtifactCorrection" and value:
            return f"{key} of the sidecar"
        if _CLAIM.search(text) and not _DENIAL.search(text):
            return f"{key} of the sidecar"
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comb:
    """How far the harmonics of slices and of volumes stand out, dB, and the number of slices."""

    slices: float
    volumes: float
    n_slices: int


def measure_comb(volumes: NDArray[np.float32], grid: VolumeGrid, *, n_slices: int = 0) -> Comb:
    """Return the comb of a recording (Welch), mean over channels and harmonics up to 100 Hz.

    Parameters
    ----------
    volumes : array of float32, shape (n_volumes, n_bins, n_channels)
        Volumes that follow each other.
    n_slices : int
        Excitations per volume; 0: the number whose comb stands out most.
    """
    n_volumes, n_bins, n_channels = volumes.shape
    unknown = Comb(slices=float("nan"), volumes=float("nan"), n_slices=n_slices)
    if n_volumes < 2 * _VOLUMES_PER_SEGMENT:
        return unknown
    series = volumes.reshape(-1, n_channels)
    _, power = welch(series, nperseg=_VOLUMES_PER_SEGMENT * n_bins, axis=0)
    harmonics = np.arange(1, n_bins // 2)
    frequencies = harmonics / grid.period
    harmonics = harmonics[(frequencies <= _HIGHEST) & ~_is_line(frequencies) & (frequencies >= 1)]
    at = harmonics * _VOLUMES_PER_SEGMENT
    beside = np.mean([power[at + sign * k] for k in _NEIGHBOURS for sign in (-1, 1)], axis=0)
    tiny = np.finfo(np.float32).tiny
    comb = np.mean(10 * np.log10((power[at] + tiny) / (beside + tiny)), axis=1)
    low, high = (round(rate * grid.period) for rate in _SLICE_RATES)
    numbers = [n_slices] if n_slices else list(range(max(low, 2), high + 1))
    scores = {n: _score(comb, harmonics % n == 0) for n in numbers}
    best = max(scores, key=lambda n: scores[n])
    is_slice = harmonics % best == 0
    return Comb(
        slices=float(np.mean(comb[is_slice])) if is_slice.any() else float("nan"),
        volumes=float(np.mean(comb[~is_slice])),
        n_slices=best,
    )


def _score(comb: Floats, is_slice: NDArray[np.bool_]) -> float:
    """Return how far some harmonics stand out of the others, for two of them or more."""
    if is_slice.sum() < 2 or is_slice.all():
        return -np.inf
    return float((comb[is_slice].mean() - comb[~is_slice].mean()) * np.sqrt(is_slice.sum()))


def _is_line(frequencies: Floats) -> NDArray[np.bool_]:
    """Return which frequencies line noise is near."""
    near = [np.abs(frequencies - line) <= _LINE_WIDTH for line in _LINES]
    is_line: NDArray[np.bool_] = np.any(near, axis=0)
    return is_line


def _slope_weights(grid: VolumeGrid) -> Floats:
    """Return what each harmonic of a volume counts in the power of the slope, (n_harmonics,)."""
    frequencies = np.arange(grid.n_bins // 2 + 1) / grid.period
    weights: Floats = np.where((frequencies <= _HIGHEST) & ~_is_line(frequencies), frequencies**2, 0)
    return weights


def _repeating(spectra: NDArray[Any], weights: Floats) -> float:
    """Return the share of the power that repeats from volume to volume, median over channels."""
    if len(spectra) < 2:
        return 0.0
    product = np.einsum("vkc,vkc,k->c", spectra[1:], spectra[:-1].conj(), weights).real
    power = np.einsum("vkc,k->c", np.abs(spectra[1:]) ** 2 + np.abs(spectra[:-1]) ** 2, weights) / 2
    return float(np.median(product / np.maximum(power, np.finfo(np.float32).tiny)))


def _rise(data: NDArray[np.float32], spectra: NDArray[Any], weights: Floats, grid: VolumeGrid) -> float:
    """Return the power within the scan over that before it, or after it where nothing lies before, dB."""
    begin = int(grid.onsets[0] * grid.sfreq) - 1
    end = int((grid.onsets[-1] + grid.period) * grid.sfreq) + 1
    length = grid.n_bins
    before, after = data[: max(begin, 0)], data[end:]
    quiet = before if len(before) >= length else after
    if len(quiet) < length:
        return float("nan")
    starts = range(0, len(quiet) - length + 1, length)
    outside = np.fft.rfft(np.stack([quiet[s : s + length] for s in starts]), axis=1)

    def power(of: NDArray[Any]) -> Floats:
        by_volume: Floats = np.median(np.einsum("vkc,k->vc", np.abs(of) ** 2, weights), axis=0)
        return by_volume

    tiny = np.finfo(np.float32).tiny
    return float(np.median(10 * np.log10((power(spectra) + tiny) / (power(outside) + tiny))))
