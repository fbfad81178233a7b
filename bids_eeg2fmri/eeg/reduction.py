"""The first half of the cleaning: from the amplifier's samples to EEG without gradient artefact at 250 Hz."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.eeg.decimation import Decimator, decimate, make_decimator
from bids_eeg2fmri.eeg.gradient_correction import Correction, correct_gradient
from bids_eeg2fmri.eeg.mne_correction import correct_with_mne
from bids_eeg2fmri.eeg.positions import electrode_positions
from bids_eeg2fmri.eeg.reduced import ReducedEeg
from bids_eeg2fmri.eeg.saturation import Saturation, shares_at_extremes
from bids_eeg2fmri.eeg.state_decision import ADVICE, decide_state, describe_state, state_figures
from bids_eeg2fmri.eeg.volume_grid import VolumeGrid
from bids_eeg2fmri.eeg.volume_search import FoundVolumes, find_volumes, refine_period, volumes_of_clock
from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.formats.eeg_samples import open_samples
from bids_eeg2fmri.records import Floats, VolumeClock
from bids_eeg2fmri.settings import EegSettings

#: Rate that the recording is brought to, Hz, or the next above it that divides its own: four times the
#: highest frequency that is looked at, and what correctors of the pulse artefact are made for.
REDUCED_SFREQ = 250.0
#: Channels that the state of the recording is judged from, and the fewest volumes a template is made of.
_N_PROBED, _FEWEST_VOLUMES = 8, 10
_KINDS = ("eeg", "ecg", "eog", "emg", "misc")


def reduce_eeg(
    raw: Any,
    settings: EegSettings,
    *,
    clock: VolumeClock | None = None,
    tr: float | None = None,
    motion: Floats | None = None,
) -> ReducedEeg:
    """Return a recording without gradient artefact, low-passed and brought to 250 Hz.

    The anti-aliasing filter looks ahead by ``ReducedEeg.lookahead``. Average artefact subtraction uses the
    volumes around each one, later ones too; it takes away any rhythm that is locked to the TR.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        Not loaded; it is read a stretch at a time, and not changed.
    clock : VolumeClock, optional
        Onsets of the volumes; needed where the gradient artefact is still in the recording.
    tr : float, optional
        Seconds from volume to volume, with the clock.
    motion : array, shape (n_volumes, 6), optional
        Translations (mm) and rotations (rad) of the head at the clock's volumes.

    Raises
    ------
    BadDataError
        If there are fewer than two EEG channels; if the recording is uncorrected and there is no usable
        clock, its rate is too low or too few volumes are in it.
    """
    raw = _pick(raw)
    kinds = tuple(raw.get_channel_types())
    is_eeg = np.array([kind == "eeg" for kind in kinds])
    decimator = make_decimator(float(raw.info["sfreq"]), REDUCED_SFREQ)
    steps: list[str] = []
    quality: dict[str, float] = {}
    probe = _probe(raw, decimator)
    grid = None
    if clock is not None and tr is not None:
        rate = float(raw.info["sfreq"]) / decimator.factor
        grid = volumes_of_clock(clock, tr=tr, sfreq=rate, n_times=len(probe))
    is_raw, state = decide_state(probe, grid, settings, sfreq=float(raw.info["sfreq"]))
    steps.append(describe_state(raw, settings, state))
    if state is not None:
        quality |= state_figures(state)
    samples = open_samples(raw, range(len(raw.ch_names)))
    saturation = Saturation(samples.limits, samples.read(0, 1)[0], decimator.factor)
    if is_raw:
        found = _find(probe, grid)
        breaks = _breaks(found, clock, motion, settings.max_displacement)
        correct = correct_with_mne if settings.gradient == "mne" else correct_gradient
        corrected: Correction = correct(
            raw, samples, decimator, found, breaks=breaks, settings=settings, saturation=saturation
        )
        steps += corrected.steps
        quality |= corrected.quality
        data, uncorrected, residual = corrected.data, corrected.uncorrected, corrected.residual
    else:
        data = decimate(samples.read, samples.n_times, decimator, saturation.watch)
        uncorrected, residual = np.zeros(len(data), bool), np.zeros(len(data), np.float32)
    sfreq = samples.sfreq / decimator.factor
    if decimator.factor > 1:
        steps.append(f"low-passed and reduced from {samples.sfreq:g} to {sfreq:g} Hz")
    uncorrected = uncorrected | saturation.is_lost(len(data), is_eeg)
    quality["uncorrected_share"] = float(uncorrected.mean())
    is_told = np.isfinite(samples.limits)
    clipped = saturation.shares(samples.n_times)
    if not is_told.all():
        clipped = np.where(is_told, clipped, shares_at_extremes(samples))
    quality["clipped_share"] = float(clipped[is_eeg].mean())
    if uncorrected.any():
        steps.append(f"{uncorrected.sum() / sfreq:.1f} s that could not be corrected marked")
    positions, source = electrode_positions(raw)
    steps.append(f"electrode positions from {source}")
    return ReducedEeg(
        data=np.ascontiguousarray(data.T),
        sfreq=sfreq,
        channel_names=tuple(raw.ch_names),
        channel_types=kinds,
        bads=tuple(raw.info["bads"]),
        positions=positions,
        lookahead=decimator.reach / samples.sfreq,
        uncorrected=uncorrected,
        clipped=clipped,
        residual=residual,
        steps=tuple(steps),
        quality=quality,
    )


def _pick(raw: Any) -> Any:
    """Return a copy of the recording with the channels that are of use."""
    n_eeg = raw.get_channel_types().count("eeg")
    if n_eeg < 2:
        raise BadDataError(
            f"The recording has {n_eeg} EEG channels; at least 2 are needed. Check the types in channels.tsv."
        )
    picks = [i for i, kind in enumerate(raw.get_channel_types()) if kind in _KINDS]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MNE warns of what is handled or checked here
        return raw.copy() if len(picks) == len(raw.ch_names) else raw.copy().pick(picks, verbose="error")


def _probe(raw: Any, decimator: Decimator) -> NDArray[np.float32]:
    """Return some EEG channels at the lower rate, (n_times, n_channels)."""
    usable = [
        i
        for i, (name, kind) in enumerate(zip(raw.ch_names, raw.get_channel_types(), strict=True))
        if kind == "eeg" and name not in raw.info["bads"]
    ]
    picks = usable[:: max(len(usable) // _N_PROBED, 1)][:_N_PROBED] or [0]
    samples = open_samples(raw, picks)
    return np.nan_to_num(decimate(samples.read, samples.n_times, decimator))


def _find(data: NDArray[np.float32], grid: VolumeGrid | None) -> FoundVolumes:
    """Return the volumes that hold the artefact, from some channels (n_times, n_channels).

    Raises
    ------
    BadDataError
        If they are too few.
    """
    assert grid is not None  # decide_state raises where there is none
    found = find_volumes(data, refine_period(data, grid))
    if len(found.grid.onsets) < _FEWEST_VOLUMES:
        raise BadDataError(
            f"The gradient artefact is in {len(found.grid.onsets)} whole volumes of the recording; at least "
            f"{_FEWEST_VOLUMES} are needed to average. {ADVICE}"
        )
    return found


def _breaks(
    found: FoundVolumes, clock: VolumeClock | None, motion: Floats | None, limit: float
) -> tuple[int, ...]:
    """Return the volumes that begin after a movement of more than ``limit`` mm (Power 2012)."""
    if motion is None or clock is None or len(motion) != len(clock.onsets):
        return ()
    change = np.abs(np.diff(np.nan_to_num(motion), axis=0)) @ np.array([1, 1, 1, 50, 50, 50])
    moments = clock.onsets[1:][change > limit]
    places = np.searchsorted(found.grid.onsets, moments - found.grid.period / 2)
    return tuple(int(place) for place in np.unique(places))
