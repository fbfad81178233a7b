"""The channels a trained model expects, from a recording that has others: picked, ordered, interpolated."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace

import mne
import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.records import CleanEeg, Floats

#: Share of the expected channels that may be missing. Up to there, splines from the neighbours of a dense
#: enough cap keep most of a channel's signal.
MOST_MISSING = 0.1
#: This many nearest neighbours of a missing channel must be there: a hole in the cap cannot be filled.
N_NEIGHBOURS = 3


def match_channels(eeg: CleanEeg, names: Sequence[str], positions: Floats) -> tuple[CleanEeg, str]:
    """Return the EEG with the expected channels in their order, and in words what had to be done for it.

    Names are compared without regard to case. A missing channel is interpolated from the others by spherical
    splines (Perrin 1989, 10.1016/0013-4694(89)90180-6), if no more than ``MOST_MISSING`` of them are missing,
    where all electrodes are is known, and its ``N_NEIGHBOURS`` nearest neighbours are there. Where channels
    are interpolated or left out, the EEG is referenced to the average of the expected ones, as in training.

    Parameters
    ----------
    eeg : CleanEeg
    names : sequence of str
    positions : array, shape (n_names, 3)
        Where the expected electrodes are, m, NaN where unknown.

    Raises
    ------
    BadDataError
        If channels are missing beyond that.
    """
    place = {name.casefold(): k for k, name in reversed(list(enumerate(eeg.channel_names)))}
    missing = np.array([name.casefold() not in place for name in names])
    order = [place.get(name.casefold(), 0) for name in names]
    if not missing.any() and len(order) == len(eeg.channel_names):
        return replace(eeg, data=eeg.data[order], channel_names=tuple(names), positions=positions), ""
    data = eeg.data[order].astype(np.float64)
    words = []
    surplus = [n for n in eeg.channel_names if n.casefold() not in {name.casefold() for name in names}]
    if surplus:
        words.append(f"channels the model does not know left out: {', '.join(surplus)}")
    if missing.any():
        _check_missing(names, positions, missing)
        data[missing] = _interpolate(data[~missing], positions, missing, eeg.sfreq)
        lost = ", ".join(n for n, m in zip(names, missing, strict=True) if m)
        words.append(f"missing channels interpolated by spherical splines: {lost}")
    data -= data.mean(axis=0)
    words.append(f"average reference over the model's {len(names)} channels")
    matched = replace(
        eeg,
        data=data.astype(np.float32),
        channel_names=tuple(names),
        positions=positions,
        steps=(*eeg.steps, *words),
    )
    return matched, "; ".join(words)


def _check_missing(names: Sequence[str], positions: Floats, missing: NDArray[np.bool_]) -> None:
    """Raise if the missing channels cannot be interpolated."""
    lost = [name for name, m in zip(names, missing, strict=True) if m]
    most = int(MOST_MISSING * len(names))
    seen = f"{len(lost)} of the {len(names)} channels of the model are missing: {_shorten(lost)}"
    advice = "Name the channels as in the training EEG, or train a model on the channels there are."
    if len(lost) > most:
        raise BadDataError(
            f"{seen}. At most {100 * MOST_MISSING:g} % ({most} of {len(names)}) can be interpolated. {advice}"
        )
    unknown = [name for name, place in zip(names, positions, strict=True) if not np.all(np.isfinite(place))]
    if unknown:
        raise BadDataError(
            f"{seen}. They can be interpolated only where all positions are known; those of "
            f"{_shorten(unknown)} are not in the model. {advice}"
        )
    for k in np.flatnonzero(missing).tolist():
        distances = np.linalg.norm(positions - positions[k], axis=1)
        near = np.argsort(distances, kind="stable")[1 : N_NEIGHBOURS + 1]
        if missing[near].any():
            other = ", ".join(names[j] for j in near.tolist() if missing[j])
            raise BadDataError(
                f"{seen}. {names[k]} cannot be interpolated, as its neighbour {other} is missing too; its "
                f"{N_NEIGHBOURS} nearest neighbours are needed. {advice}"
            )


def _interpolate(data: Floats, positions: Floats, missing: NDArray[np.bool_], sfreq: float) -> Floats:
    """Return the missing channels (n_missing, n_times) from the others (n_there, n_times), both µV."""
    labels = [f"E{k}" for k in range(len(missing))]
    info = mne.create_info(labels, sfreq, "eeg")
    whole = np.zeros((len(missing), data.shape[1]))
    whole[~missing] = data
    montage = mne.channels.make_dig_montage(dict(zip(labels, positions, strict=True)), coord_frame="head")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of positions without fiducials, which the sphere does not need
        raw = mne.io.RawArray(whole, info, verbose="error")
        raw.set_montage(montage, verbose="error")
        raw.info["bads"] = [label for label, m in zip(labels, missing, strict=True) if m]
        raw.interpolate_bads(verbose="error")
    filled: Floats = raw.get_data()[missing]
    return filled


def _shorten(names: Sequence[str], most: int = 8) -> str:
    """Return the first names, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
