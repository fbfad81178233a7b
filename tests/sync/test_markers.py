import numpy as np
import pytest

from bids_eeg2fmri.errors import MissingInputError, UsageError
from bids_eeg2fmri.records import Marker
from bids_eeg2fmri.sync.markers import (
    describe_markers,
    group_markers,
    is_never_a_volume,
    is_volume_name,
    select_volume_marker,
)

GROUPS = group_markers(
    [Marker(onset=2.0 * k, description="Response/R128") for k in range(5)]
    + [Marker(onset=3.5, description="Stimulus/S  1"), Marker(onset=0.0, description="New Segment/")]
)


@pytest.mark.parametrize(
    "name", ["R128", "Response/R128", "R149", "T  1", "Scanner/Scan Start", "volume", "TR"]
)
def test_names_of_volumes(name):
    assert is_volume_name(name)


@pytest.mark.parametrize("name", ["S  1", "Sync On", "R 12", "start", "Pulse Artifact/R", "imagery"])
def test_names_of_other_things(name):
    assert not is_volume_name(name)


@pytest.mark.parametrize("name", ["SyncStatus/Sync On", "Sync Off", "New Segment", "BAD_motion", "boundary"])
def test_names_that_never_are_volumes(name):
    assert is_never_a_volume(name)


def test_markers_are_grouped_by_text_and_sorted():
    shuffled = [Marker(onset=t, description="A") for t in (3.0, 1.0, 2.0)]

    np.testing.assert_array_equal(group_markers(shuffled)["A"], [1.0, 2.0, 3.0])
    assert list(GROUPS) == ["Response/R128", "Stimulus/S  1"]


@pytest.mark.parametrize("name", ["R128", "r128", "Response/R128"])
def test_a_marker_is_selected_with_or_without_its_type(name):
    assert list(select_volume_marker(GROUPS, name)) == ["Response/R128"]


def test_a_name_that_is_not_there_is_answered_with_the_nearest():
    with pytest.raises(MissingInputError, match=r"no marker 'R129'.*'R128' 5 times.*Did you mean 'R128'"):
        select_volume_marker(GROUPS, "R129")


def test_the_clock_box_cannot_be_selected():
    with pytest.raises(UsageError, match="never a volume"):
        select_volume_marker(GROUPS, "Sync On")


def test_markers_in_words():
    assert describe_markers(GROUPS) == "'R128' 5 times, median interval 2.000 s; 'S  1' once, at 3.500 s"
    assert describe_markers({}) == "none at all"
