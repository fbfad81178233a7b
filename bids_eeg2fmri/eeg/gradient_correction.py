"""The correction of a whole recording for the gradient artefact, and how well it went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from bids_eeg2fmri.eeg.decimation import Decimator, decimate
from bids_eeg2fmri.eeg.gradient_artefact import MeanVolume, subtract_mean_volume
from bids_eeg2fmri.eeg.recording_state import measure_comb
from bids_eeg2fmri.eeg.residual_artefact import residual_basis_fit
from bids_eeg2fmri.eeg.saturation import Saturation
from bids_eeg2fmri.eeg.volume_grid import VolumeGrid
from bids_eeg2fmri.eeg.volume_search import FoundVolumes
from bids_eeg2fmri.eeg.volume_smoothing import find_outliers, make_smoothers, smooth_volumes
from bids_eeg2fmri.formats.eeg_samples import EegSamples
from bids_eeg2fmri.settings import EegSettings

#: Of what is left, the harmonics of slices in this band (Hz) are the nuisance series.
_BAND = (1.0, 45.0)
#: Around what is not corrected, the low-pass spreads the artefact this far, samples of the lower rate.
_SPREAD = 12
#: Not locked: a volume is no whole number of samples, or the clocks drift by more, parts per million.
_LOCKED_PPM = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Correction:
    """A corrected recording at the lower rate.

    Attributes
    ----------
    data : array of float32, shape (n_times, n_channels)
        Microvolts.
    uncorrected : array of bool, shape (n_times,)
    residual : array of float32, shape (n_times,)
        Microvolts that are left at the harmonics of the slices, rms over channels, one value per volume.
    steps : tuple of str
    quality : dict
    """

    data: NDArray[np.float32]
    uncorrected: NDArray[np.bool_]
    residual: NDArray[np.float32]
    steps: tuple[str, ...]
    quality: dict[str, float]


def correct_gradient(
    raw: Any,
    samples: EegSamples,
    decimator: Decimator,
    found: FoundVolumes,
    *,
    breaks: Sequence[int],
    settings: EegSettings,
    saturation: Saturation,
) -> Correction:
    """Return a recording without its gradient artefact, at the lower rate.

    Parameters
    ----------
    found : FoundVolumes
        The volumes of the artefact.
    breaks : sequence of int
        Volumes that begin after a head movement.
    """
    grid = found.grid
    onsets = grid.onsets * samples.sfreq
    n_samples = round(grid.period * samples.sfreq)
    mean_volume = MeanVolume(onsets, n_samples, len(raw.ch_names))

    def watch(first: int, block: NDArray[np.float32]) -> None:
        mean_volume.add(first, block)
        saturation.watch(first, block)

    data = decimate(samples.read, samples.n_times, decimator, watch)
    before = grid.cut(data)
    subtract_mean_volume(data, mean_volume.mean(), onsets, decimator, shift=mean_volume.shift)
    volumes = grid.cut(_without_drift(data, grid.n_bins))
    excluded = find_outliers(volumes, window=settings.gradient_window)
    smoothers = make_smoothers(
        len(onsets), window=settings.gradient_window, stretches=breaks, excluded=excluded
    )
    templates, shares = smooth_volumes(volumes, smoothers, excluded)
    steps = [
        f"gradient artefact subtracted: mean of {len(onsets)} volumes, then per channel and harmonic the "
        "window of volumes that predicts best ("
        + ", ".join(f"{name}: {share:.0%}" for name, share in shares.items() if share >= 0.005)
        + "); what is locked to the TR is gone from the EEG too",
        _describe_volumes(found, breaks, int(excluded.sum()), samples.sfreq),
    ]
    if settings.residual_components != 0:
        explained, n_mean = residual_basis_fit(
            volumes - templates, settings.residual_components, period=grid.period
        )
        templates += explained
        steps.append(f"optimal basis set of what was left, {n_mean:.1f} components per channel")
    grid.subtract(data, templates)
    n_eeg = [i for i, kind in enumerate(raw.get_channel_types()) if kind == "eeg"]
    after = grid.cut(data[:, n_eeg])
    quality = compare_combs(before[:, :, n_eeg], after, grid)
    residual = residual_series(after, grid, len(data), n_slices=round(quality.get("slices_per_volume", 0)))
    quality["gradient_residual_uv"] = float(np.sqrt(np.mean(residual**2)))
    return Correction(
        data=data,
        uncorrected=mark_partial(found, len(data)),
        residual=residual,
        steps=tuple(steps),
        quality=quality,
    )


def _without_drift(data: NDArray[np.float32], n_bins: int) -> NDArray[np.float32]:
    """Return a recording (n_times, n_channels) without what changes over volumes.

    A moving mean over one volume is zero for all that repeats with it; electrode drifts would be taken for
    changes of the artefact.
    """
    slow = uniform_filter1d(data, n_bins, axis=0, mode="nearest")
    steady: NDArray[np.float32] = data - uniform_filter1d(slow, n_bins, axis=0, mode="nearest")
    return steady


def compare_combs(
    before: NDArray[np.float32], after: NDArray[np.float32], grid: VolumeGrid
) -> dict[str, float]:
    """Return the combs of the volumes (n_volumes, n_bins, n_channels) before and after the correction."""
    first = measure_comb(before, grid)
    last = measure_comb(after, grid, n_slices=first.n_slices)
    figures = {
        "slices_per_volume": float(first.n_slices),
        "slice_comb_before_db": first.slices,
        "volume_comb_before_db": first.volumes,
        "slice_comb_after_db": last.slices,
        "volume_comb_after_db": last.volumes,
    }
    return {name: value for name, value in figures.items() if np.isfinite(value)}


def residual_series(
    volumes: NDArray[np.float32], grid: VolumeGrid, n_times: int, *, n_slices: int
) -> NDArray[np.float32]:
    """Return what is left at the harmonics of the slices, rms over channels, microvolts, (n_times,)."""
    series = np.zeros(n_times, np.float32)
    harmonics = np.arange(1, grid.n_bins // 2)
    frequencies = harmonics / grid.period
    at = harmonics[(frequencies >= _BAND[0]) & (frequencies <= _BAND[1])]
    at = at[at % n_slices == 0] if n_slices else at
    spectra = np.fft.rfft(volumes, axis=1)[:, at] / grid.n_bins
    level = np.sqrt(np.mean(2 * np.sum(np.abs(spectra) ** 2, axis=1), axis=1))
    moments, volume = grid.members(n_times)
    series[moments] = level[volume]
    return series


def mark_partial(found: FoundVolumes, n_times: int) -> NDArray[np.bool_]:
    """Return the samples (n_times,) of volumes that hold the artefact only in part, and those around them."""
    marked = np.zeros(n_times, bool)
    for onset in found.partial:
        begin, end = (round(t * found.grid.sfreq) for t in (onset, onset + found.grid.period))
        marked[max(begin - _SPREAD, 0) : max(end + _SPREAD, 0)] = True
    return marked


def _describe_volumes(found: FoundVolumes, breaks: Sequence[int], n_excluded: int, sfreq: float) -> str:
    """Return in words which volumes the correction rests on."""
    n_samples = found.grid.period * sfreq
    drift = 1e6 * abs(n_samples - round(n_samples)) / n_samples
    texts = [
        "clocks locked"
        if drift < _LOCKED_PPM
        else f"volumes of {n_samples:.3f} samples aligned between them",
        f"{found.n_extra} volumes beyond the clock's" if found.n_extra else "",
        f"{found.n_absent} volumes of the clock hold no artefact" if found.n_absent else "",
        f"{len(found.partial)} volumes in part, not corrected" if len(found.partial) else "",
        f"windows end at {len(breaks)} head movements" if breaks else "",
        f"{n_excluded} volumes with bursts kept out of templates" if n_excluded else "",
    ]
    return "; ".join(text for text in texts if text)
