import time

import numpy as np
import pytest

from bids_eeg2fmri.errors import BadDataError, MissingInputError
from bids_eeg2fmri.records import Marker, TaskEvent, VolumeClock
from bids_eeg2fmri.sync.events import (
    choose_events,
    compare_events,
    task_events_from_markers,
    task_events_from_table,
)
from bids_eeg2fmri.sync.task import read_task_events

FIRST = 11.152
ONSETS = np.arange(2.0, 320.0, 20.0)
TABLE = task_events_from_table(ONSETS, np.full(16, 20.0), ["Rest", "Task-ME"] * 8, FIRST)


def eeg_events(shift, names=("S 99", "S  1"), skip=1, scatter=0.02):
    """The markers of a block design: the first ``skip`` blocks have none."""
    noise = np.random.default_rng(0).uniform(-scatter, scatter, 16)
    return task_events_from_markers(
        Marker(onset=FIRST + ONSETS[i] + shift + noise[i], description=f"Stimulus/{names[i % 2]}")
        for i in range(skip, 16)
    )


def test_a_table_is_moved_to_the_clock_of_the_eeg():
    events = task_events_from_table([4.0, np.nan, 1.0], [2.0, 1.0, np.nan], ["b", "c", "a"], 10.0)

    assert events == (
        TaskEvent(onset=11.0, duration=0.0, condition="a"),
        TaskEvent(onset=14.0, duration=2.0, condition="b"),
    )


def test_columns_of_unequal_length_are_refused():
    with pytest.raises(ValueError, match="shorter"):
        task_events_from_table([1.0, 2.0], [1.0, 1.0], ["a"], 0.0)


def test_volume_and_hardware_markers_are_no_events():
    names = ["Response/R128", "SyncStatus/Sync On", "New Segment/", "Scanner/s ", "Stimulus/S  1"]

    events = task_events_from_markers([Marker(onset=1.0, description=n) for n in names], exclude=["s"])

    assert [event.condition for event in events] == ["S  1"]


def test_names_are_matched_and_the_disagreement_measured():
    comparison = compare_events(TABLE, eeg_events(-1.9))

    assert comparison.disagreement == pytest.approx(-1.9, abs=0.02)
    assert (comparison.n_matched, comparison.n_bold, comparison.n_eeg) == (15, 16, 15)
    assert dict(comparison.names) == {"Rest": "S 99", "Task-ME": "S  1"}


def test_equal_names_go_before_smaller_lags():
    # Table and EEG disagree by 6 s; at a lag of -4 s each name would meet the other.
    table = task_events_from_table(np.arange(0.0, 200.0, 10.0), np.full(20, 5.0), ["a", "b"] * 10, 0.0)
    eeg = tuple(TaskEvent(onset=e.onset + 6, duration=5.0, condition=e.condition) for e in table)

    assert dict(compare_events(table, eeg).names) == {"a": "a", "b": "b"}
    assert compare_events(table, eeg).disagreement == pytest.approx(6.0)


def test_each_event_is_matched_once():
    table = task_events_from_table([10.0, 10.2, 50.0], [1.0] * 3, ["a"] * 3, 0.0)
    eeg = tuple(TaskEvent(onset=t, duration=0.0, condition="x") for t in (10.1, 50.1))

    comparison = compare_events(table, eeg)

    assert comparison.n_matched == 2
    assert len({j for _, j in comparison.pairs}) == 2


def test_events_without_a_marker_move_as_their_neighbours():
    slow = tuple(  # the stimulation runs 1 % slower than planned, and the third marker is missing
        TaskEvent(onset=10.0 + 20.2 * k, duration=0.0, condition="x") for k in range(6) if k != 2
    )
    table = task_events_from_table(10.0 + 20.0 * np.arange(6), np.ones(6), ["a"] * 6, 0.0)

    comparison = compare_events(table, slow)
    events, _ = choose_events(table, slow, source="eeg")

    np.testing.assert_allclose(comparison.lags, [0.0, 0.2, 0.6, 0.8, 1.0], atol=1e-9)
    np.testing.assert_allclose([e.onset for e in events], 10.0 + 20.2 * np.arange(6))


def test_events_that_have_nothing_in_common_do_not_match():
    eeg = tuple(TaskEvent(onset=t, duration=0.0, condition="R") for t in np.arange(0.0, 340.0, 0.8))

    comparison = compare_events(TABLE, eeg)

    assert comparison.n_matched == 0
    assert np.isnan(comparison.disagreement)


def test_auto_takes_the_table_and_says_by_how_much_the_markers_disagree():
    events, text = choose_events(TABLE, eeg_events(-1.9))

    assert events == TABLE
    assert "table of the BOLD" in text
    assert "15 of 16" in text
    assert "-1.90 s from it (-1.9" in text


def test_a_small_disagreement_is_not_mentioned():
    _, text = choose_events(TABLE, eeg_events(0.1))

    assert text.endswith("match markers of the EEG")


def test_auto_takes_the_markers_if_they_have_the_same_names():
    events, text = choose_events(TABLE, eeg_events(-1.9, names=("rest", "task-me")))

    assert "EEG markers" in text
    assert [e.condition for e in events] == [e.condition for e in TABLE]
    assert {e.duration for e in events} == {20.0}
    # The first block has no marker and moves with the others.
    np.testing.assert_allclose([e.onset for e in events], FIRST + ONSETS - 1.9, atol=0.021)


@pytest.mark.parametrize(("source", "shift"), [("eeg", -1.9), ("bold", 0.0)])
def test_the_user_decides(source, shift):
    events, _ = choose_events(TABLE, eeg_events(-1.9), source=source)

    np.testing.assert_allclose([e.onset for e in events], FIRST + ONSETS + shift, atol=0.021)


def test_without_a_table_markers_are_taken_only_if_asked_for():
    eeg = eeg_events(0.0)

    assert choose_events((), eeg) == ((), "no task events")
    assert choose_events((), eeg, source="eeg")[0] == eeg


@pytest.mark.parametrize(("bold", "eeg", "source"), [(TABLE, (), "eeg"), ((), eeg_events(0.0), "bold")])
def test_events_that_are_not_there_cannot_be_asked_for(bold, eeg, source):
    with pytest.raises(MissingInputError, match=f"--events {source} was asked for"):
        choose_events(bold, eeg, source=source)


def test_thousands_of_events_at_one_time_are_given_up():
    crowd = task_events_from_table(np.full(3000, 5.0), np.zeros(3000), ["a"] * 3000, 0.0)
    began = time.process_time()
    assert compare_events(crowd, crowd).n_matched == 0
    assert time.process_time() - began < 5


def test_thousands_of_events_in_order_are_matched():
    many = task_events_from_table(np.arange(5000) * 2.0, np.zeros(5000), ["a"] * 5000, 0.0)
    later = task_events_from_table(np.arange(5000) * 2.0 + 0.3, np.zeros(5000), ["b"] * 5000, 0.0)
    comparison = compare_events(many, later)
    assert comparison.n_matched == 5000
    assert comparison.disagreement == pytest.approx(0.3)


def test_a_name_for_every_trial_is_no_design(tmp_path):
    path = tmp_path / "events.tsv"
    path.write_text("onset\ttrial_type\n" + "".join(f"{k}\ttrial{k}\n" for k in range(1001)))
    clock = VolumeClock(onsets=np.arange(10) * 2.0, source="x", jitter=0.0, drift=0.0)
    with pytest.raises(BadDataError, match="1001 conditions in 'trial_type'; at most 1000"):
        read_task_events(path, clock, ())
