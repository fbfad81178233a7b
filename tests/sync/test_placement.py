import numpy as np
import pytest

from bids_eeg2fmri.sync.placement import place_volumes
from bids_eeg2fmri.sync.series import find_series


def series_of(onsets, interval=2.0):
    (series,) = find_series(np.asarray(onsets, dtype=float), interval, longest_gap=30)
    return series


def place(onsets, n_volumes, *, duration=500.0, per_volume=1, dummies="auto", interval=2.0):
    return place_volumes(
        series_of(onsets, interval),
        n_volumes=n_volumes,
        per_volume=per_volume,
        duration=duration,
        dummies=dummies,
    )


GRID = 10.0 + 2.0 * np.arange(100)


def test_as_many_markers_as_volumes():
    placement = place(GRID, 100)

    assert (placement.kind, placement.first_position, placement.n_dummies) == ("exact", 0, 0)
    assert placement.note == ""


@pytest.mark.parametrize(
    ("dummies", "first", "n_dummies", "note"),
    [("auto", 4, 4, "first 4"), ("start", 4, 4, "first 4"), ("end", 0, 0, "last 4")],
)
def test_surplus_markers_are_dummies_at_the_start_unless_told(dummies, first, n_dummies, note):
    placement = place(GRID, 96, dummies=dummies)

    assert (placement.kind, placement.first_position, placement.n_dummies) == ("dummies", first, n_dummies)
    assert note in placement.note


def test_surplus_markers_behind_the_end_of_the_eeg_are_left_out_there():
    placement = place(GRID, 97, duration=205.0)  # the last two markers lie at 206 and 208 s

    assert (placement.first_position, placement.n_dummies) == (1, 1)
    assert "the last 2 left out, behind the end of the EEG" in placement.note


def test_many_surplus_markers_belong_to_another_scan_unless_told():
    assert place(GRID, 80) is None
    assert place(GRID, 80, dummies="start").first_position == 20


@pytest.mark.parametrize(("n_lost", "first"), [(1, 0), (2, 0)])
def test_markers_lost_at_the_end(n_lost, first):
    placement = place(GRID, 100 + n_lost)

    assert (placement.kind, placement.first_position) == ("lost", first)
    assert f"last {n_lost}" in placement.note


def test_three_lost_markers_are_not_guessed():
    assert place(GRID, 103) is None


def test_an_eeg_that_stopped_misses_the_last_volumes():
    placement = place(GRID, 150, duration=209.5)

    assert placement.first_position == 0
    assert "stopped during the scan" in placement.note


def test_an_eeg_that_started_late_misses_the_first_volumes():
    placement = place(GRID - 9.0, 103)

    assert placement.first_position == -3
    assert "started during the scan" in placement.note


@pytest.mark.parametrize(
    ("onsets", "n_volumes", "duration"),
    [
        (GRID - 9.0, 101, 500.0),  # started late, or cropped at the first volume and the last trigger lost?
        (GRID - 9.0, 110, 200.5),  # either end
        (GRID, 201, 209.5),  # less than half of the volumes
        (np.delete(GRID, np.arange(10, 90, 3)), 100, 500.0),  # too many missing
    ],
)
def test_what_cannot_be_told_is_not_placed(onsets, n_volumes, duration):
    assert place(onsets, n_volumes, duration=duration) is None


SLICES = 10.0 + 0.1 * np.arange(20 * 30)


@pytest.mark.parametrize(
    ("onsets", "n_volumes", "first", "note"),
    [
        (SLICES, 30, 0, ""),
        (SLICES, 28, 40, "first 2"),
        (SLICES[:-2], 30, 0, "last 2 slice markers are missing"),
        (SLICES[:-13], 29, 0, "7 slice markers of an aborted last volume"),
        (SLICES[7:] - 10.69, 30, -7, "counted from the last slice marker"),
    ],
)
def test_slices_make_volumes(onsets, n_volumes, first, note):
    placement = place(onsets, n_volumes, per_volume=20, interval=0.1)

    assert placement.first_position == first
    assert note in placement.note
