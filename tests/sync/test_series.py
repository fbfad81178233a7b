import time

import numpy as np
import pytest

from bids_eeg2fmri.sync.series import find_series, typical_interval


def test_the_interval_is_the_expected_one_within_one_per_cent():
    assert typical_interval(2.018 * np.arange(20), 2.0) == pytest.approx(2.018)
    assert typical_interval(2.03 * np.arange(20), 2.0) is None
    assert typical_interval(np.asarray([1.0]), 2.0) is None


def test_sampling_at_250_hz_hides_neither_slices_nor_their_number():
    slices = np.round(np.arange(600) * 2.16 / 30 * 250) / 250
    quick = np.round(np.arange(600) * 2.16 / 61 * 250) / 250  # an interval of 35 ms, sampled every 4 ms

    assert typical_interval(slices, 2.16 / 30) == pytest.approx(0.072, abs=1e-5)
    assert typical_interval(quick, 2.16 / 61) == pytest.approx(2.16 / 61, rel=1e-3)
    assert typical_interval(quick, 2.16 / 60) is None


def test_gaps_are_bridged_and_spurious_markers_left_out():
    grid = 5.0 + 2.0 * np.arange(60)
    kept = np.delete(grid, [3, 4, 20, 41])
    onsets = np.sort(np.concatenate([kept, [9.3, 62.9, 100.41]]))

    (series,) = find_series(onsets, 2.0, longest_gap=12)

    np.testing.assert_allclose(series.onsets, kept)
    np.testing.assert_array_equal(series.positions, np.rint((kept - 5.0) / 2.0))
    assert (series.n_positions, series.n_missing, series.n_dropped) == (60, 4, 3)


def test_a_spurious_marker_in_place_of_a_missing_one_is_no_inlier():
    onsets = 5.0 + 2.0 * np.arange(60)
    onsets[30] += 0.03  # near enough to be taken for the marker, too far to lie on the line

    (series,) = find_series(onsets, 2.0, longest_gap=12)

    assert (series.n_missing, series.n_dropped, len(series.onsets)) == (0, 1, 59)
    assert series.line.interval == pytest.approx(2.0, abs=1e-9)


def test_a_late_marker_at_the_end_still_counts():
    onsets = 5.0 + 2.0 * np.arange(60)
    onsets[-1] += 0.03

    (series,) = find_series(onsets, 2.0, longest_gap=12)

    assert (series.n_positions, len(series.onsets)) == (60, 59)
    assert (series.first, series.last) == pytest.approx((5.0, 123.0))


def test_two_scans_are_two_series():
    first, second = 10 + 2.0 * np.arange(50), 170.7 + 2.0 * np.arange(40)

    found = find_series(np.concatenate([first, second]), 2.0, longest_gap=60)

    assert [(round(s.first, 6), s.n_positions) for s in found] == [(10.0, 50), (170.7, 40)]


def test_two_scans_a_whole_number_of_intervals_apart_are_also_returned_one_by_one():
    first, second = 10 + 2.0 * np.arange(50), 130 + 2.0 * np.arange(40)

    found = find_series(np.concatenate([first, second]), 2.0, longest_gap=60)

    assert {(round(s.first, 6), s.n_positions) for s in found} == {(10.0, 50), (130.0, 40), (10.0, 100)}


def test_irregular_markers_are_no_series():
    onsets = np.cumsum(np.random.default_rng(0).uniform(0.7, 1.1, 300))

    longest = max(find_series(onsets, 2.0, longest_gap=10), key=lambda s: len(s.onsets))

    assert longest.n_missing + longest.n_dropped > 0.3 * len(longest.onsets)


def test_a_marker_at_the_end_of_time_does_not_precede_itself():
    """At 4e17 s a step of 2 s is less than the last digit; the search went in circles."""
    (series,) = find_series(np.append(2.0 * np.arange(20), 4e17), 2.0, longest_gap=10)
    assert series.n_positions == 20


def test_markers_made_to_fall_apart_do_not_take_for_ever():
    rng = np.random.default_rng(0)
    steps = np.where(np.arange(6000) % 3 == 2, 2.3 + rng.random(6000), 2.0)
    began = time.process_time()
    assert find_series(np.cumsum(steps), 2.0, longest_gap=10)
    assert time.process_time() - began < 10
