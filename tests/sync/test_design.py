import numpy as np
import pytest

from bids_eeg2fmri.records import TaskEvent
from bids_eeg2fmri.sync.design import task_design

TIMES = 11.152 + 1.0 + 2.0 * np.arange(160)


def block(onset, duration=20.0, condition="imagery"):
    return TaskEvent(onset=onset, duration=duration, condition=condition)


def test_a_block_is_answered_with_the_delay_of_the_hrf():
    design, names = task_design([block(TIMES[50])], TIMES)

    assert names == ("imagery", "imagery_derivative")
    assert design.shape == (160, 2)
    np.testing.assert_allclose(design[:50, 0], 0, atol=1e-9)
    # A block of 20 s saturates: plateau near 1, back to baseline 30 s after its end.
    assert design[:, 0].max() == pytest.approx(1.1, abs=0.1)
    assert 3 < np.argmax(design[50:, 0] > 0.5 * design[:, 0].max()) * 2.0 < 8
    assert abs(design[80:, 0]).max() < 0.01


def test_the_design_follows_the_volume_times():
    events = [block(TIMES[20]), block(TIMES[60])]
    later, _ = task_design(events, TIMES + 1.0)
    early, _ = task_design([block(e.onset - 1.0) for e in events], TIMES)

    np.testing.assert_allclose(later, early, atol=1e-9)


def test_conditions_that_fill_the_run_both_stay():
    events = [block(TIMES[10 * k], condition=("rest", "imagery")[k % 2]) for k in range(16)]

    design, names = task_design(events, TIMES)

    assert names == ("imagery", "imagery_derivative", "rest", "rest_derivative")
    np.testing.assert_allclose(design[30:, [0, 2]].sum(axis=1), 1.0, atol=0.05)


@pytest.mark.parametrize(
    "event",
    [block(-500.0, 2000.0), block(5000.0), block(-200.0, 10.0)],
    ids=["the whole run", "after the run", "before the run"],
)
def test_constant_columns_are_left_out(event):
    design, names = task_design([event], TIMES)

    assert (design.shape, names) == ((160, 0), ())


def test_a_trial_that_began_before_the_first_volume_counts():
    design, _ = task_design([block(TIMES[0] - 100.0, 110.0)], TIMES)

    assert design[0, 0] == pytest.approx(1.0, abs=0.05)
    assert abs(design[40:, 0]).max() < 0.01


def test_trials_without_duration_are_impulses():
    design, names = task_design([block(TIMES[40], 0.0), block(TIMES[90], 0.0)], TIMES)

    assert len(names) == 2
    assert np.argmax(design[:, 0]) in {42, 43, 92, 93}


def test_no_events_no_columns():
    design, names = task_design((), TIMES)

    assert (design.shape, names) == ((160, 0), ())
