"""What could couple EEG and BOLD without any neural activity, as regressors at the volumes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from nilearn.glm.first_level import spm_hrf
from scipy.signal import butter, sosfilt

from bids_eeg2fmri.records import AlignedRun, Floats

#: Muscles are broad-band; of what the cleaning leaves, the top is least the brain's.
_MUSCLE_FROM = 30.0
#: Blinks are slow deflections at the front of the head, Hz.
_BLINK_BAND = (1.0, 4.0)
_N_FRONTAL = 2
#: Amplitudes are taken over this long, s.
_BIN = 0.1
#: Series that are convolved with the haemodynamic response beside being taken as they are.
_CONVOLVED = ("framewise_displacement", "gradient_residue", "bursts")
_CARDIAC = "heart_rate"
#: Series that serve as targets of negative controls and are no regressors here: BOLD was cleaned of them.
CONTROL_TARGETS = ("white_matter", "csf")


def add_nuisance(run: AlignedRun) -> AlignedRun:
    """Return the run with all nuisance regressors: what was recorded, and what the EEG shows of artefacts.

    Beside the motion parameters and their derivatives: framewise displacement and the residual gradient
    artefact, as they are and convolved with the haemodynamic response; heart rate convolved with the cardiac
    response (Chang 2009, 10.1016/j.neuroimage.2008.09.029); the amplitude of the EEG from 30 Hz on (muscles)
    and that of slow deflections at the front of the head (blinks), convolved with the haemodynamic response.
    Columns that do not vary are left out. Regressors have mean 0.
    """
    columns: dict[str, Floats] = {}
    for name, series in zip(run.nuisance_names, run.nuisance.T, strict=True):
        if name in CONTROL_TARGETS:
            continue
        if name == _CARDIAC:
            columns["heart_rate_response"] = _convolve(series - series.mean(), _cardiac_response(run.tr))
            continue
        columns[name] = series
        if name in _CONVOLVED:
            columns[f"{name}_response"] = _convolve(series - series.mean(), spm_hrf(run.tr, 1))
    columns |= _eeg_artefacts(run)
    kept = {name: c - c.mean() for name, c in columns.items() if np.ptp(c) > 0}
    return replace(
        run,
        nuisance=np.column_stack(list(kept.values())) if kept else np.zeros((run.n_volumes, 0)),
        nuisance_names=tuple(kept),
    )


def _eeg_artefacts(run: AlignedRun) -> dict[str, Floats]:
    """Return muscle and blink amplitudes at the volumes, convolved with the haemodynamic response."""
    found = {}
    top = 0.5 * run.sfreq
    if top > _MUSCLE_FROM * 1.1:
        sos = butter(4, _MUSCLE_FROM, "highpass", fs=run.sfreq, output="sos")
        found["muscle"] = _amplitude_response(run, sosfilt(sos, run.eeg, axis=1))
    frontal = _frontal_channels(run)
    if len(frontal):
        sos = butter(2, _BLINK_BAND, "bandpass", fs=run.sfreq, output="sos")
        found["blinks"] = _amplitude_response(run, sosfilt(sos, run.eeg[frontal], axis=1))
    return found


def _frontal_channels(run: AlignedRun) -> list[int]:
    """Return the channels furthest in front; none where positions are not known."""
    known = np.flatnonzero(np.isfinite(run.positions).all(axis=1))
    if len(known) < 2 * _N_FRONTAL:
        return []
    order = known[np.argsort(run.positions[known, 1])]
    return [int(k) for k in order[-_N_FRONTAL:]]


def _amplitude_response(run: AlignedRun, signal: Floats) -> Floats:
    """Return the rms over channels, convolved with the haemodynamic response, at the volumes (n_volumes,)."""
    step = max(round(_BIN * run.sfreq), 1)
    n_bins = signal.shape[1] // step
    power = (signal[:, : n_bins * step] ** 2).mean(axis=0).reshape(n_bins, step).mean(axis=1)
    amplitude = np.sqrt(power)
    response = _convolve(amplitude - np.median(amplitude), spm_hrf(step / run.sfreq, 1))
    places = np.clip(run.volume_samples // step, 0, n_bins - 1)
    at_volumes: Floats = response[places]
    return at_volumes


def _cardiac_response(tr: float) -> Floats:
    """Return the cardiac response function on the grid of the volumes; it peaks at 4 s and dips at 12 s."""
    t = np.arange(0.0, 32.0, tr)
    response: Floats = 0.6 * t**2.7 * np.exp(-t / 1.6) - 16 / np.sqrt(2 * np.pi * 9) * np.exp(
        -0.5 * (t - 12) ** 2 / 9
    )
    return response


def _convolve(series: Floats, response: Floats) -> Floats:
    """Return the causal convolution, as long as the series."""
    convolved: Floats = np.convolve(series, response)[: len(series)]
    return convolved
