import numpy as np
import pytest

from bids_eeg2fmri.records import TaskEvent
from bids_eeg2fmri.simulate.design import SFREQ, TICK
from bids_eeg2fmri.simulate.rhythms import SLOW_TAU, narrow_band_noise, wander
from bids_eeg2fmri.simulate.sources import TEMPLATE, draw_sources, simulate_sources


def test_narrow_band_noise_has_its_frequency_and_unit_variance(rng):
    noise = narrow_band_noise(rng, 50_000, frequency=10, bandwidth=1).real
    spectrum = np.abs(np.fft.rfft(noise)) ** 2
    frequencies = np.fft.rfftfreq(50_000, 1 / SFREQ)
    assert noise.var() == pytest.approx(1, abs=0.1)
    assert np.average(frequencies, weights=spectrum) == pytest.approx(10, abs=0.1)


def test_wandering_forgets_over_its_time_constant(rng):
    noise = wander(rng, (40, 5000))
    lag = round(SLOW_TAU / TICK)
    correlation = np.mean(noise[:, lag:] * noise[:, :-lag])
    assert noise.var() == pytest.approx(1, abs=0.1)
    assert correlation == pytest.approx(np.exp(-1), abs=0.08)


def test_imagery_takes_the_stated_power_from_motor_sources(rng):
    # Half an hour, so that the fluctuations average out.
    imagery = [TaskEvent(onset=900, duration=900, condition="imagery")]
    activity = simulate_sources(TEMPLATE[:2], n_times=450_000, imagery=imagery, first_volume=0, rng=rng)
    n_half = activity.power.shape[1] // 2
    rest = activity.power[:, :n_half].mean(axis=1)
    assert rest == pytest.approx(1, abs=0.2)
    assert np.all(activity.power[:, n_half:].mean(axis=1) < 0.85 * rest)


def test_power_is_that_of_the_moments(rng):
    source = TEMPLATE[7]  # one rhythm only
    activity = simulate_sources([source], n_times=25_000, imagery=(), first_volume=0, rng=rng)
    squares = (activity.moments[0] / source.rhythms[0].moment) ** 2
    seconds = squares.reshape(-1, 250).mean(axis=1)
    assert np.corrcoef(seconds, activity.power[0].reshape(-1, 10).mean(axis=1))[0, 1] > 0.95


def test_people_differ_around_the_average(rng):
    places = np.array([[source.place for source in draw_sources(rng)] for _ in range(50)])
    average = [source.place for source in TEMPLATE]
    assert np.allclose(places.mean(axis=0), average, atol=2.5)
    assert 3 < places.std(axis=0).mean() < 5
