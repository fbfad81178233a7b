"""The EEG oracle: what is left to predict when everything but the noise is known.

For each motor source the spatial filter is the best linear one for its true topography, given the recorded
covariance in the band of each rhythm (minimum variance beamformer; Van Veen 1997, doi 10.1109/10.623056). The
feature is the one that BOLD really follows, the mixture and the haemodynamic response are the true ones. Only
the scale of each region is fitted, on training runs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from participants import Participant
from scipy.signal import butter, lfilter, sosfilt

from bids_eeg2fmri.models.band_power import last_frames
from bids_eeg2fmri.models.hrf import convolve_at
from bids_eeg2fmri.records import AlignedRun, Floats
from bids_eeg2fmri.simulate.couplings import choose_dynamics
from bids_eeg2fmri.simulate.design import TICK
from bids_eeg2fmri.simulate.dynamics import DRIVE_PER_SHIFT
from bids_eeg2fmri.simulate.person import Person
from bids_eeg2fmri.simulate.rhythms import Rhythm
from bids_eeg2fmri.simulate.sources import Source

#: Half width of the band of a rhythm, in standard deviations of its spectrum.
HALF_WIDTH = 2.5
#: Windows that power is averaged over, s, and the power from which there is a burst: each the best of several
#: on seed 1.
LOG_WINDOW, SHIFT_WINDOW, BURST_WINDOW, BURST_POWER = 0.5, 0.5, 0.2, 1.2


def predict_by_oracle(participant: Participant, person: Person) -> tuple[Floats, ...]:
    """Return the oracle's prediction of every run, (n_volumes, n_regions), leave one run out."""
    shapes = [np.zeros((run.n_volumes, len(person.responses))) for run in participant.runs]
    drives = _drives(participant, person)
    for shape, drive, run in zip(shapes, drives, participant.runs, strict=True):
        length = round(TICK * run.sfreq)
        frames = last_frames((np.arange(drive.shape[1]) + 1) * length - 1, run.volume_samples)
        mixed = person.mixtures @ (drive - drive.mean(axis=1, keepdims=True))
        for k, response in enumerate(person.responses):
            convolved = convolve_at(
                mixed[[k]].T, frames, response.sample()[None], prior_frames=round(5 / TICK)
            )
            shape[:, k] = convolved[:, 0, 0]
    return tuple(_scaled(shapes, participant.runs, k) for k in range(len(shapes)))


def _scaled(shapes: Sequence[Floats], runs: Sequence[AlignedRun], test: int) -> Floats:
    """Return the prediction of one run with the scale of each region fitted on the others."""
    train = [k for k in range(len(runs)) if k != test]
    x = np.concatenate([shapes[k] - shapes[k].mean(axis=0) for k in train])
    y = np.concatenate([runs[k].bold - runs[k].bold.mean(axis=0) for k in train])
    return (shapes[test] - shapes[test].mean(axis=0)) * (x * y).sum(axis=0) / np.square(x).sum(axis=0)


def _drives(participant: Participant, person: Person) -> list[Floats]:
    """Return the estimated drive of every rhythm and tick, one (n_rhythms, n_ticks) per run."""
    dynamics = choose_dynamics(person.sources, participant.coupling)
    columns: list[list[Floats]] = [[] for _ in participant.runs]
    for k, source in enumerate(person.sources):
        if source.motor:
            powers = [_powers(participant, rhythm, participant.gain[:, k]) for rhythm in source.rhythms]
            of_runs = [np.stack(run) for run in zip(*powers, strict=True)]
        else:  # no region follows it
            of_runs = [np.ones((len(source.rhythms), _n_ticks(run))) for run in participant.runs]
        for column, power in zip(columns, of_runs, strict=True):
            column.append(_drive(power, source, dynamics.get(source.name, "power")))
    return [np.concatenate(column) for column in columns]


def _n_ticks(run: AlignedRun) -> int:
    return run.eeg.shape[1] // round(TICK * run.sfreq)


def _powers(participant: Participant, rhythm: Rhythm, topography: Floats) -> list[Floats]:
    """Return the power of a rhythm, over that expected at rest, at the ticks of every run."""
    reach = HALF_WIDTH * rhythm.bandwidth
    low, high = rhythm.frequency - reach, rhythm.frequency + reach
    sos = butter(3, (low, high), "bandpass", fs=participant.runs[0].sfreq, output="sos")
    filtered = [sosfilt(sos, run.eeg, axis=1) for run in participant.runs]
    covariance = sum(f @ f.T / f.shape[1] for f in filtered)
    weights = np.linalg.pinv(covariance, rcond=1e-8, hermitian=True) @ topography
    weights /= topography @ weights
    powers = []
    for f, run in zip(filtered, participant.runs, strict=True):
        moment = (weights @ f)[: _n_ticks(run) * round(TICK * run.sfreq)] / rhythm.moment
        powers.append(np.square(moment).reshape(_n_ticks(run), -1).mean(axis=1))
    return powers


def _drive(power: Floats, source: Source, dynamics: str) -> Floats:
    """Return the drive (n_rhythms, n_ticks) that the simulator would have made of power."""
    if dynamics == "power":
        return 1 - power
    if dynamics == "log-power":
        return -np.log(np.maximum(_past_mean(power, LOG_WINDOW), 1e-3))
    if dynamics == "bursts":
        return -(_past_mean(power, BURST_WINDOW) > BURST_POWER).astype(float)
    moments = np.array([[rhythm.moment**2] for rhythm in source.rhythms])
    squares = np.array([[rhythm.frequency**2] for rhythm in source.rhythms])
    absolute = np.maximum(_past_mean(power, SHIFT_WINDOW), 1e-6) * moments
    at_rest = (moments * squares).sum() / moments.sum()
    frequency = np.sqrt((absolute * squares).sum(axis=0) / absolute.sum(axis=0) / at_rest)
    return np.tile(DRIVE_PER_SHIFT * (frequency - 1), (len(power), 1))


def _past_mean(power: Floats, window: float) -> Floats:
    """Return the mean over the last seconds, of fewer at the start."""
    n = round(window / TICK)
    total = lfilter(np.ones(n), [1], power, axis=1)
    mean: Floats = total / np.minimum(np.arange(1, power.shape[1] + 1), n)
    return mean
