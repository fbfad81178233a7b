"""When a region was sampled, where the slices of the BOLD were not brought to one time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.errors import BadDataError


def region_sampling_time(slice_timing: Sequence[float], voxel_slices: NDArray[np.int64]) -> float:
    """Return the mean time after the volume's onset (s) at which a region's voxels were sampled.

    Parameters
    ----------
    slice_timing : sequence of float, n_slices
        ``SliceTiming``: seconds after the volume's onset, one per slice along the slice axis of the raw image
        (in reverse order where ``SliceEncodingDirection`` ends in ``-``).
    voxel_slices : array of int, shape (n_voxels,)
        The slice of each voxel of the region in the raw image.

    Raises
    ------
    BadDataError
        If a voxel lies in a slice that ``SliceTiming`` does not have, or there is no voxel.
    """
    if len(voxel_slices) == 0 or voxel_slices.min() < 0 or voxel_slices.max() >= len(slice_timing):
        seen = f"{voxel_slices.min()} to {voxel_slices.max()}" if len(voxel_slices) else "none"
        raise BadDataError(
            f"SliceTiming has {len(slice_timing)} slices, but the region's voxels lie in slices {seen}; they "
            f"must be 0 to {len(slice_timing) - 1}. Check that SliceTiming belongs to this image."
        )
    return float(np.mean(np.asarray(slice_timing, dtype=np.float64)[voxel_slices]))
