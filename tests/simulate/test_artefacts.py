import numpy as np
import pytest

from bids_eeg2fmri.simulate.artefacts import draw_heartbeats, simulate_artefacts, simulate_ecg
from bids_eeg2fmri.simulate.design import SFREQ
from bids_eeg2fmri.simulate.head import make_cap


def test_the_heart_beats_at_a_resting_rate(rng):
    beats = draw_heartbeats(120, rng)
    assert 55 * 0.95 < len(beats) / 2 < 80 * 1.05
    assert beats.max() < 120


def test_the_ecg_peaks_at_the_heartbeats(rng):
    beats = np.array([1.0, 2.0, 3.0])
    ecg = simulate_ecg(beats, n_times=1000, rng=rng)
    assert np.flatnonzero(ecg > 700) / SFREQ == pytest.approx(np.repeat(beats, 3), abs=0.02)


def test_blinks_are_strongest_at_the_forehead_and_muscle_at_the_temples(rng):
    cap = make_cap(32)
    artefacts = simulate_artefacts(cap, np.array([]), np.array([]), n_times=30_000, rng=rng)
    slow = np.abs(artefacts[:, 25:] - artefacts[:, :-25]).max(axis=1)  # changes over 0.1 s
    assert {cap.names[k] for k in np.argsort(slow)[-2:]} == {"Fp1", "Fp2"}
    assert slow.max() > 40
    bursts = np.abs(np.diff(artefacts, n=2, axis=1)).max(axis=1)
    near, far = ([bursts[cap.names.index(name)] for name in names] for names in (("T7", "T8"), ("Cz", "POz")))
    assert min(near) > 1.5 * max(far)
