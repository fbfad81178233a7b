import numpy as np
import pytest

from bids_eeg2fmri.simulate.design import SFREQ, RunClock, draw_clock


def test_eeg_covers_the_scan_and_begins_on_a_sample(rng):
    for _ in range(20):
        clock = draw_clock(rng, tr=2.1, n_volumes=40)
        assert 5 <= clock.lead <= 12
        assert clock.lead * SFREQ == pytest.approx(round(clock.lead * SFREQ))
        assert clock.n_eeg / SFREQ > clock.lead + 40 * 2.1 + 1.9


def test_rest_and_imagery_alternate_in_whole_blocks():
    events = RunClock(lead=5, tail=2, tr=2.0, n_volumes=55).events()
    assert [event.condition for event in events] == ["rest", "imagery", "rest", "imagery", "rest"]
    assert [event.onset for event in events] == [0, 20, 40, 60, 80]


def test_ticks_count_from_the_first_volume():
    clock = RunClock(lead=6, tail=2, tr=2.0, n_volumes=40)
    assert clock.tick_times[0] == pytest.approx(-46 + 0.05)
    assert clock.tick_times[-1] > 80 + 2
    assert np.allclose(np.diff(clock.tick_times), 0.1)
