import numpy as np
import pytest

from bids_eeg2fmri.simulate.design import TICK
from bids_eeg2fmri.simulate.haemodynamics import (
    PERCENT_PER_POWER,
    Response,
    draw_mixtures,
    draw_responses,
    region_signals,
)
from bids_eeg2fmri.simulate.sources import TEMPLATE

REGIONS = ("M1_L", "SMA_R", "preSMA_L", "PMd_R", "PMv_R", "S1_L")


def test_the_response_peaks_when_it_says():
    response = Response(peak=5.5, undershoot=15.5, dispersion=1.0, ratio=0.15).sample()
    assert response.sum() == pytest.approx(1)
    assert (np.argmax(response) + 0.5) * TICK == pytest.approx(5.5, abs=0.1)
    assert (np.argmin(response) + 0.5) * TICK == pytest.approx(15.5, abs=1)


def test_people_peak_between_4_and_7_seconds(rng):
    peaks = np.array([[r.peak for r in draw_responses(12, rng)] for _ in range(100)])
    assert peaks.min() >= 4
    assert peaks.max() <= 7
    assert peaks.mean(axis=1).std() > 2 * peaks.std(axis=1).mean() * 0.9  # people differ more than regions


def test_regions_follow_two_to_four_motor_sources_and_their_home_most(rng):
    owners = np.array([source.name for source in TEMPLATE for _ in source.rhythms])
    motor = {source.name for source in TEMPLATE if source.motor}
    mixtures = draw_mixtures(REGIONS, TEMPLATE, rng)
    assert mixtures.sum(axis=1) == pytest.approx(1)
    homes = ("hand_L", "SMA", "SMA", "PMd_R", "PMv_R", "hand_L")
    for row, home in zip(mixtures, homes, strict=True):
        by_source = {name: row[owners == name].sum() for name in owners[row > 0]}
        assert 2 <= len(by_source) <= 4
        assert set(by_source) <= motor
        assert max(by_source, key=by_source.__getitem__) == home


def test_less_power_gives_more_bold_later_and_never_before(rng):
    power = np.ones((1, 1000))
    power[0, 500:] = 0
    signal = region_signals(1 - power, np.ones((1, 1)), draw_responses(1, rng))[:, 0]
    assert np.allclose(signal[:500], 0, atol=1e-9)
    assert signal[-1] == pytest.approx(PERCENT_PER_POWER, rel=1e-6)
