"""The average reference, with the electrode the recording was referenced to among those averaged."""

from __future__ import annotations

import re
from collections.abc import Sequence

import mne
import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.records import Floats

#: An electrode's name in what ``EEGReference`` says: "FCz", "placed on FCz", "electrode FCz".
_ELECTRODE = re.compile(r"\b(?:Fp|AF|FC|CP|PO|TP|FT|[FCPOTAI])(?:z|\d{1,2})\b", re.IGNORECASE)


def restore_reference(
    data: NDArray[np.float32], names: Sequence[str], positions: Floats, reference: str
) -> tuple[NDArray[np.float32], tuple[str, ...], Floats, tuple[str, ...]]:
    """Add the electrode that was the reference, where it is no channel and its place is known.

    Against itself it measured zero. Without it the average over channels is not that over the electrodes,
    and its place on the scalp is empty.

    Parameters
    ----------
    data : array, shape (n_channels, n_times)
    positions : array, shape (n_channels, 3)
        Head coordinates, m.
    reference : str
        What the sidecar says (``EEGReference``).

    Returns
    -------
    data, names, positions, steps
    """
    found = _ELECTRODE.findall(reference)
    # Two electrodes: linked ones, of which neither was at zero.
    if len(found) != 1 or found[0].casefold() in [name.casefold() for name in names]:
        return data, tuple(names), positions, ()
    name, place = _standard_place(found[0])
    if place is None or not np.any(np.all(np.isfinite(positions), axis=1)):
        return data, tuple(names), positions, ()
    restored = np.concatenate([data, np.zeros((1, data.shape[1]), dtype=data.dtype)])
    step = f"the recording's reference {name} restored as a channel"
    return restored, (*names, name), np.vstack([positions, place]), (step,)


def average_reference(data: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the channels (n_channels, n_times) against their mean."""
    referenced: NDArray[np.float32] = data - data.mean(axis=0, keepdims=True)
    return referenced


def standard_montage() -> str:
    """Return the name of the 10-05 montage, which MNE 1.13 renamed."""
    known = mne.channels.get_builtin_montages()
    return "colin27_1005" if "colin27_1005" in known else "standard_1005"


def _standard_place(electrode: str) -> tuple[str, Floats | None]:
    """Return an electrode's name as the 10-05 system spells it and its place in head coordinates, m."""
    montage = mne.channels.make_standard_montage(standard_montage())
    to_head = np.array(mne.channels.compute_native_head_t(montage)["trans"])
    for name, point in montage.get_positions()["ch_pos"].items():
        if name.casefold() == electrode.casefold():
            return name, np.asarray(to_head[:3, :3] @ point + to_head[:3, 3])
    return electrode, None
