from __future__ import annotations

import numpy as np
import pytest
from pulse_eeg import PulseEeg, make_pulse_eeg
from scipy.signal import butter, resample_poly, sosfilt, welch

from bids_eeg2fmri.eeg.beat_epochs import BeatWindows, place_windows
from bids_eeg2fmri.eeg.pulse_artefact import PulseCorrection, correct_pulse

SFREQ = 100.0


def limit_band(data: np.ndarray) -> np.ndarray:
    """What the steps before do to the EEG (n_channels, n_times): 100 Hz, 1 to 40 Hz, average reference."""
    slow = resample_poly(data - data[:, :1], 2, 5, axis=1)
    limited = sosfilt(butter(4, (1, 40), "bandpass", fs=SFREQ, output="sos"), slow, axis=1)
    return (limited - limited.mean(axis=0)).astype(np.float32)


def correct(
    eeg: PulseEeg, backend: str = "auto", seed: int = 0
) -> tuple[np.ndarray, np.ndarray, PulseCorrection]:
    brain, mixed = limit_band(eeg.brain), limit_band(eeg.brain + eeg.artefact)
    rng = np.random.default_rng(seed)
    return brain, mixed, correct_pulse(mixed, SFREQ, eeg.beats, rng=rng, backend=backend)


def alpha(data: np.ndarray) -> np.ndarray:
    frequencies, power = welch(data, SFREQ, nperseg=400, axis=1)
    return power[:, (frequencies >= 8) & (frequencies <= 13)].sum(axis=1)


@pytest.mark.parametrize(("seed", "rate", "size"), [(0, 65, 40), (1, 50, 60), (2, 90, 40)])
def test_the_artefact_goes_and_alpha_stays(seed: int, rate: float, size: float) -> None:
    eeg = make_pulse_eeg(seed, rate=rate, size=size, duration=240, n_channels=24)
    brain, mixed, done = correct(eeg)
    assert done.n_components > 0
    assert done.after < 0.15 * done.before
    assert np.median(alpha(done.data) / alpha(brain)) == pytest.approx(1, abs=0.1)
    # Not only the mean over beats: most of each beat's own artefact.
    assert np.std(done.data - brain) < 0.45 * np.std(mixed - brain)


def test_eeg_without_the_artefact_is_left_alone() -> None:
    for seed in range(4):
        eeg = make_pulse_eeg(seed, size=0.01, duration=150, n_channels=16)
        _, mixed, done = correct(eeg)
        assert done.n_components == 0
        np.testing.assert_array_equal(done.data, mixed)
        assert done.before < 1.3 * done.chance


def test_brain_activity_alone_is_hardly_touched() -> None:
    """Beats that lock to nothing strong: what is taken out of the brain's own signal is small."""
    eeg = make_pulse_eeg(5, size=8, duration=240, n_channels=16)
    brain, _, done = correct(eeg)
    assert np.std(done.data - brain) < 0.25 * np.std(brain)


@pytest.mark.parametrize("delay", [-0.1, 0.1, 0.3])
def test_the_delay_is_that_of_the_artefact(delay: float) -> None:
    early = make_pulse_eeg(3, delay=0.2, duration=150, n_channels=16)
    late = make_pulse_eeg(3, delay=0.2 + delay, duration=150, n_channels=16)
    first, second = (correct(eeg)[2].delay for eeg in (early, late))
    assert second - first == pytest.approx(delay, abs=0.06)


def test_windows_share_the_run_among_the_beats() -> None:
    eeg = make_pulse_eeg(0, duration=100, n_channels=8)
    mixed = limit_band(eeg.brain + eeg.artefact)
    windows: BeatWindows = place_windows(mixed, SFREQ, eeg.beats)
    covered = np.zeros(mixed.shape[1])
    for begin, weights in zip(windows.first, windows.weights, strict=True):
        covered[begin : begin + windows.n_lags] += weights
    inner = covered[windows.first[1] + 10 : windows.first[-1]]
    assert inner.max() < 1.001
    assert np.mean(inner > 0.999) > 0.9


def test_blinks_do_not_spoil_the_basis() -> None:
    eeg = make_pulse_eeg(1, duration=200, n_channels=16)
    brain = eeg.brain.copy()
    rng = np.random.default_rng(0)
    for onset in rng.uniform(1, 198, 40):
        lid = 400 * np.hanning(100)
        brain[:4, int(onset * 250) : int(onset * 250) + 100] += lid
    clean, _, done = correct(
        PulseEeg(brain, eeg.artefact, eeg.ecg, eeg.beats, eeg.names, eeg.positions, 250.0)
    )
    assert done.after < 0.15 * done.before
    assert np.median(alpha(done.data) / alpha(clean)) == pytest.approx(1, abs=0.1)


def test_mne_is_there_for_comparison() -> None:
    eeg = make_pulse_eeg(0, duration=60, n_channels=4)
    brain, mixed, done = correct(eeg, backend="mne")
    assert done.after < 0.7 * done.before
    assert np.std(done.data - brain) < np.std(mixed - brain)


def test_the_same_seed_gives_the_same_bytes() -> None:
    eeg = make_pulse_eeg(0, duration=60, n_channels=8)
    np.testing.assert_array_equal(correct(eeg)[2].data, correct(eeg)[2].data)
