"""Recordings that hold nothing to clean are refused, with the names of the channels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.eeg.reduced import ReducedEeg
from bids_eeg2fmri.eeg.spread import robust_spread
from bids_eeg2fmri.errors import BadDataError

#: Share of a channel's samples at which the amplifier was saturated that makes it useless.
MOST_CLIPPED = 0.05
#: An amplifier's own noise is larger, µV.
_LEAST_SPREAD = 1e-3
#: Names listed in a message.
_MOST_NAMES = 8


def find_flat(data: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return which channels (n_channels,) of (n_channels, n_times) µV hardly ever change."""
    # By the quartiles: a step or a spike in an otherwise dead channel does not make it alive.
    flat: NDArray[np.bool_] = robust_spread(data) < _LEAST_SPREAD
    return flat


def check_signal(eeg: ReducedEeg) -> None:
    """Refuse a recording without EEG, or whose EEG is not finite, flat or saturated.

    Raises
    ------
    BadDataError
        Naming the channels. Single flat or saturated channels pass: they are handled as bad ones.
    """
    names = [n for n, kind in zip(eeg.channel_names, eeg.channel_types, strict=True) if kind == "eeg"]
    if len(names) < 2:
        raise BadDataError(
            f"The recording has {len(names)} EEG channels; at least 2 are needed. "
            "Check the types in channels.tsv."
        )
    is_eeg = np.array([kind == "eeg" for kind in eeg.channel_types])
    data, clipped = eeg.data[is_eeg], eeg.clipped[is_eeg]
    broken = ~np.isfinite(data.sum(axis=1, dtype=np.float64))
    if broken.any():
        raise BadDataError(
            f"The EEG of {_listed(names, broken)} holds values that are not finite (NaN). "
            "Export the run again."
        )
    flat, saturated = find_flat(data), clipped > MOST_CLIPPED
    if 2 * np.sum(flat | saturated) > len(names):
        words = [
            f"{kind} ({_listed(names, which)})"
            for kind, which in (("flat", flat), ("saturated", saturated & ~flat))
            if which.any()
        ]
        raise BadDataError(
            f"More than half of the {len(names)} EEG channels are {' or '.join(words)}. Export the recording "
            "again, or leave this run out (--run-label, --bids-filter-file)."
        )


def _listed(names: Sequence[str], which: NDArray[np.bool_]) -> str:
    """Return the names that are meant, the first of them where they are many."""
    meant = [name for name, is_meant in zip(names, which, strict=True) if is_meant]
    more = f" and {len(meant) - _MOST_NAMES} more" if len(meant) > _MOST_NAMES else ""
    return ", ".join(meant[:_MOST_NAMES]) + more
