"""What a recording is taken for: whether the gradient artefact is in it and can be subtracted."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.bids.names import dataset_root
from bids_eeg2fmri.bids.sidecars import read_sidecar
from bids_eeg2fmri.eeg.recording_state import RecordingState, judge_state, read_claim
from bids_eeg2fmri.eeg.volume_grid import VolumeGrid
from bids_eeg2fmri.errors import BadDataError, Eeg2FmriError
from bids_eeg2fmri.settings import EegSettings

_logger = logging.getLogger(__name__)

#: Up to this rate (Hz) a recording cannot hold the gradient artefact as it was.
_TOO_SLOW = 500.0
#: EEG hardly ever changes by more than this (microvolts) within 4 ms; where it does so for more than this
#: share of the time within the scan, it holds the gradient artefact.
_STEEP, _STEEP_SHARE = 50.0, 0.2
ADVICE = "Record volume markers, give --eeg-offset, or say that it is corrected (--eeg-state corrected)."


def decide_state(
    data: NDArray[np.float32], grid: VolumeGrid | None, settings: EegSettings, *, sfreq: float
) -> tuple[bool, RecordingState | None]:
    """Return whether to subtract the gradient artefact, and the state of the recording if it has volumes.

    Parameters
    ----------
    data : array of float32, shape (n_times, n_channels)
        Some channels at the grid's rate, microvolts.
    grid : VolumeGrid or None
        The clock's volumes, where there is a clock.
    sfreq : float
        Rate of the recording itself, Hz.

    Raises
    ------
    BadDataError
        If it is uncorrected, or is to be taken for that, and cannot be corrected.
    """
    state = judge_state(data, grid) if grid is not None else None
    is_uncorrected = state is not None and state.state == "uncorrected"
    if settings.state == "corrected":
        return False, state
    if settings.state == "raw" and grid is None:
        raise BadDataError(
            "The EEG is to be corrected for the gradient artefact (--eeg-state raw), but the onsets of the "
            f"volumes are not known. {ADVICE}"
        )
    if not is_uncorrected and settings.state == "auto":
        _refuse_without_clock(data, grid, state)
        return False, state
    if sfreq <= _TOO_SLOW:
        raise BadDataError(
            f"The EEG is not corrected for the gradient artefact and was sampled at {sfreq:g} Hz; average "
            f"artefact subtraction needs more than {_TOO_SLOW:g} Hz (usual are 5000). Export it at the "
            "amplifier's rate, or corrected (then --eeg-state corrected)."
        )
    return True, state


def _refuse_without_clock(
    data: NDArray[np.float32], grid: VolumeGrid | None, state: RecordingState | None
) -> None:
    """Raise if a recording holds a gradient artefact that does not repeat with the volumes."""
    inside = data
    if grid is not None:
        begin, end = (round(t * grid.sfreq) for t in (grid.onsets[0], grid.onsets[-1] + grid.period))
        inside = data[max(begin, 0) : end]
    steep = float(np.median(np.mean(np.abs(np.diff(inside, axis=0)) > _STEEP, axis=0)))
    if steep <= _STEEP_SHARE or (state is not None and state.rise < 0):
        return
    seen = (
        "the onsets of the volumes are not known"
        if state is None
        else (f"it does not repeat with the clock's volumes ({state.describe()})")
    )
    raise BadDataError(
        f"The EEG changes by more than {_STEEP:g} microvolts within 4 ms for {steep:.0%} of the scan, as "
        f"with an uncorrected gradient artefact, but {seen}. {ADVICE}"
    )


def describe_state(raw: Any, settings: EegSettings, state: RecordingState | None) -> str:
    """Return in words what the recording is taken for and why."""
    claim = _claim(raw)
    if settings.state != "auto":
        words = f"gradient artefact: taken for {settings.state} as asked (eeg.state)"
    elif state is None:
        words = "gradient artefact: taken for corrected, no volumes to look at"
    else:
        words = f"gradient artefact: {state.state}"
    figures = f" ({state.describe()})" if state is not None else ""
    if not claim:
        return words + figures
    contradicts = state is not None and state.state == "uncorrected" and settings.state == "auto"
    if contradicts:
        _logger.warning("%s says that the EEG is corrected; the signal says it is not.", claim)
    return f"{words}{figures}; {claim} says that it is corrected{', the signal not' if contradicts else ''}"


def _claim(raw: Any) -> str:
    """Return what says that the recording is corrected; empty where nothing does."""
    name = raw.filenames[0] if raw.filenames else None
    if name is None:
        return ""
    path = Path(name)
    try:
        sidecar = read_sidecar(path, dataset_root(path))
    except (Eeg2FmriError, OSError):
        sidecar = {}
    return read_claim(sidecar, path.name)


def state_figures(state: RecordingState) -> dict[str, float]:
    """Return the figures of a state that are known."""
    figures = {
        "gradient_repeating_share": state.repeating,
        "gradient_rise_db": state.rise,
        "slice_comb_before_db": state.slice_comb,
        "volume_comb_before_db": state.volume_comb,
    }
    return {name: value for name, value in figures.items() if np.isfinite(value)}
