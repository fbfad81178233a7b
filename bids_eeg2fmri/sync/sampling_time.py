"""To which moment after the onset of a volume its preprocessed values refer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bids_eeg2fmri.sync.slices import region_sampling_time


def find_start_time(
    preprocessed: Mapping[str, Any], raw: Mapping[str, Any], *, tr: float
) -> tuple[float, str]:
    """Return the moment (s after the onset of a volume), and in words where it is from.

    ``StartTime`` of the preprocessed image says it. Where its slices were not brought to one time
    (``SliceTimingCorrected`` is false), it is the mean of the raw image's ``SliceTiming``: a region in
    template space takes its voxels from many slices. Else the middle of the volume, which is also where
    slice timing correction puts it.

    Parameters
    ----------
    preprocessed, raw : mapping
        The metadata of the preprocessed and of the raw image.
    tr : float
        Seconds from volume to volume.
    """
    stated = preprocessed.get("StartTime")
    if isinstance(stated, int | float):
        return float(stated), f"values refer to {stated:.3f} s after each volume's onset (StartTime)"
    timing = raw.get("SliceTiming")
    if preprocessed.get("SliceTimingCorrected") is False and _is_timing(timing, tr):
        mean = region_sampling_time(timing, np.arange(len(timing), dtype=np.int64))  # type: ignore[arg-type]
        return mean, f"slices not brought to one time: values refer to their mean time, {mean:.3f} s"
    return tr / 2, f"values refer to the middle of each volume, {tr / 2:.3f} s after its onset"


def _is_timing(timing: object, tr: float) -> bool:
    """Return whether this is a ``SliceTiming`` in seconds; some are in milliseconds."""
    return (
        isinstance(timing, Sequence)
        and len(timing) > 0
        and all(isinstance(t, int | float) and 0 <= t <= tr for t in timing)
    )
