"""Where the electrodes are."""

from __future__ import annotations

from typing import Any

import mne
import numpy as np

from bids_eeg2fmri.records import Floats


def electrode_positions(raw: Any) -> tuple[Floats, str]:
    """Return head coordinates (n_channels, 3) in metres, NaN where unknown, and where they come from.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        Is given a montage by its names where it has none.
    """
    montage = raw.get_montage()
    known = montage.get_positions()["ch_pos"] if montage is not None else {}
    if montage is not None and any(np.all(np.isfinite(p)) for p in known.values()):
        source = "electrodes.tsv"
    else:
        raw.set_montage(_standard_montage(), match_case=False, on_missing="ignore", verbose="error")
        source = "the channels' names (standard 10-05 montage)"
    positions = np.array([channel["loc"][:3] for channel in raw.info["chs"]], dtype=np.float64)
    positions[np.all(positions == 0, axis=1)] = np.nan
    if np.all(np.isnan(positions)):
        source = "nowhere: the names are not of the 10-05 system and there is no electrodes.tsv"
    return positions, source


def _standard_montage() -> str:
    """Return the name of the 10-05 montage, which MNE 1.13 renamed."""
    known = mne.channels.get_builtin_montages()
    return "colin27_1005" if "colin27_1005" in known else "standard_1005"
