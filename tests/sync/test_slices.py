import numpy as np
import pytest

from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.sync.slices import region_sampling_time

INTERLEAVED = [1.0, 0.0, 1.2, 0.2, 1.4, 0.4]


def test_the_mean_over_the_voxels_of_the_region():
    assert region_sampling_time(INTERLEAVED, np.asarray([1, 1, 1, 2])) == pytest.approx(0.3)


@pytest.mark.parametrize("slices", [[], [6], [-1, 2]])
def test_voxels_outside_the_slices_are_refused(slices):
    with pytest.raises(BadDataError, match="SliceTiming has 6 slices"):
        region_sampling_time(INTERLEAVED, np.asarray(slices, dtype=np.int64))
