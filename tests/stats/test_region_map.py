from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bids_eeg2fmri.formats.participant_scores import RegionLabels
from bids_eeg2fmri.stats.region_map import combine_regions

AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])


def row(values: Sequence[int], names: Sequence[str], space: str = "MNI152NLin2009cAsym") -> RegionLabels:
    """Return the regions of a participant whose brain is a row of voxels."""
    labels = np.array(values, dtype=np.int32).reshape(-1, 1, 1)
    return RegionLabels(labels=labels, affine=AFFINE, names=tuple(names), space=space)


def test_a_voxel_belongs_to_the_region_that_most_participants_have_there() -> None:
    combined = combine_regions(
        {
            "01": row([1, 1, 2, 0, 0], ["a", "b"]),
            "02": row([1, 2, 2, 2, 0], ["a", "b"]),
            "03": row([0, 1, 1, 0, 0], ["b", "a"]),  # the same names in another order
        }
    )
    assert combined is not None
    assert combined.names == ("a", "b")
    assert combined.labels.ravel().tolist() == [1, 2, 2, 2, 0]
    assert combined.notes == ()


def test_regions_that_only_some_have_are_painted_and_named() -> None:
    combined = combine_regions({"01": row([1, 0, 0], ["a"]), "02": row([1, 2, 0], ["a", "b"])})
    assert combined is not None
    assert combined.labels.ravel().tolist() == [1, 2, 0]
    (note,) = combined.notes
    assert "b (1 of 2)" in note
    assert "a (" not in note


def test_another_grid_of_the_same_space_is_read_where_it_is() -> None:
    coarse = RegionLabels(
        labels=np.array([0, 1], dtype=np.int32).reshape(2, 1, 1),
        affine=np.array([[4.0, 0, 0, 1], [0, 2, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1]]),
        names=("a",),
        space="MNI152NLin2009cAsym",
    )
    combined = combine_regions({"01": row([0] * 6, ["a"]), "02": coarse})
    assert combined is not None
    # The coarse voxel with the region is centred on 5 mm and reaches from 3 to 7 mm.
    assert combined.labels.ravel().tolist() == [0, 0, 1, 1, 0, 0]


def test_voxels_of_another_space_are_not_painted() -> None:
    regions = {
        "01": row([1, 0], ["a"]),
        "02": row([0, 1], ["a"], space="MNI152NLin6Asym"),
        "03": row([0, 1], ["a"], space="T1w"),
        "04": row([1, 0], ["a"]),
    }
    combined = combine_regions(regions)
    assert combined is not None
    assert combined.labels.ravel().tolist() == [1, 0]
    assert [note.split(" are in ")[0] for note in combined.notes] == [
        "The regions of sub-03",
        "The regions of sub-02",
    ]
    assert combine_regions({"03": regions["03"]}) is None
