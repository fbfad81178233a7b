import numpy as np
import pytest

from bids_eeg2fmri.simulate.design import SFREQ, RunClock
from bids_eeg2fmri.simulate.head import make_cap
from bids_eeg2fmri.simulate.recording import marker_samples, pink_noise, record_eeg


def test_pink_noise_falls_with_frequency(rng):
    noise = pink_noise(rng, (4, 50_000))
    power = np.mean(np.abs(np.fft.rfft(noise)) ** 2, axis=0)
    frequencies = np.fft.rfftfreq(50_000, 1 / SFREQ)
    band = (frequencies > 2) & (frequencies < 80)
    slope = np.polyfit(np.log(frequencies[band]), np.log(power[band]), 1)[0]
    assert noise.var() == pytest.approx(1, abs=0.05)
    assert slope == pytest.approx(-1.2, abs=0.1)


def test_the_recording_shows_the_sources_without_the_burn_in(rng):
    cap, clock = make_cap(8), RunClock(lead=5, tail=2, tr=2.0, n_volumes=40)
    moments = np.zeros((1, clock.n_simulated))
    pulse = clock.n_burn_in + int((clock.lead + 30) * SFREQ)
    moments[0, pulse] = 1e6
    eeg, _ = record_eeg(
        moments, np.ones((8, 1)), np.zeros((8, 0)), cap=cap, clock=clock, jerks=np.array([]), rng=rng
    )
    assert eeg.shape == (9, clock.n_eeg)
    assert set(np.argmax(eeg[:8], axis=1)) == set(marker_samples([30.0], clock))
