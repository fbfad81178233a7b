"""Bad channels estimated from the good ones, or left out where nobody knows where they were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import mne
import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.records import Floats

_FEWEST_GOOD = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RepairedEeg:
    """EEG (n_channels, n_times) µV of which every channel is usable, with names and positions (m)."""

    data: NDArray[np.float32]
    names: tuple[str, ...]
    positions: Floats
    steps: tuple[str, ...]


def repair_channels(
    data: NDArray[np.float32], names: Sequence[str], positions: Floats, bad: Mapping[str, str]
) -> RepairedEeg:
    """Interpolate bad channels by spherical splines (Perrin 1989, 10.1016/0013-4694(89)90180-6).

    A bad channel without a position is left out, since its noise would be in the average reference; so are
    all of them where too few good channels have a position.

    Parameters
    ----------
    data : array, shape (n_channels, n_times)
    positions : array, shape (n_channels, 3)
        Head coordinates, m; NaN where unknown.
    bad : mapping
        Name of each bad channel to the reason.

    Raises
    ------
    BadDataError
        If fewer than two channels are left.
    """
    if not bad:
        return RepairedEeg(data=data, names=tuple(names), positions=positions, steps=())
    is_bad = np.array([name in bad for name in names])
    located = np.all(np.isfinite(positions), axis=1)
    can_interpolate = np.sum(located & ~is_bad) >= _FEWEST_GOOD
    filled = is_bad & located & can_interpolate
    kept = ~is_bad | filled
    if np.sum(~is_bad) < 2:
        raise BadDataError(
            f"All but {np.sum(~is_bad)} of the {len(names)} EEG channels are bad ({_reasons(bad)}). "
            "Check their status in channels.tsv, or leave this run out (--run-label, --bids-filter-file)."
        )
    repaired = data.copy()
    if filled.any():
        source = located & ~is_bad
        repaired[filled] = _spline_weights(positions, source, filled) @ data[source]
    steps = []
    if filled.any():
        own = {name: bad[name] for name, is_filled in zip(names, filled, strict=True) if is_filled}
        steps.append(f"bad channels interpolated: {_reasons(own)}")
    if not kept.all():
        own = {name: bad[name] for name, is_kept in zip(names, kept, strict=True) if not is_kept}
        steps.append(f"bad channels left out, since positions are missing: {_reasons(own)}")
    return RepairedEeg(
        data=repaired[kept],
        names=tuple(name for name, is_kept in zip(names, kept, strict=True) if is_kept),
        positions=positions[kept],
        steps=tuple(steps),
    )


def _reasons(bad: Mapping[str, str]) -> str:
    """Return the channels with their reasons."""
    return ", ".join(f"{name} ({reason})" for name, reason in bad.items())


def _spline_weights(positions: Floats, source: NDArray[np.bool_], target: NDArray[np.bool_]) -> Floats:
    """Return what each good channel gives to each bad one, (n_bad, n_good), as MNE computes it.

    MNE interpolates signals; given one unit per good channel it says what the weights are, at the price of
    n_good samples instead of the whole run in double precision.
    """
    good, bad = np.flatnonzero(source), np.flatnonzero(target)
    order = np.concatenate([good, bad])
    names = [str(k) for k in order]
    info = mne.create_info(names, 1.0, "eeg")
    info["bads"] = names[len(good) :]
    units = np.vstack([np.eye(len(good)), np.zeros((len(bad), len(good)))])
    raw = mne.io.RawArray(units, info, verbose="error")
    places = {name: positions[k] for name, k in zip(names, order, strict=True)}
    raw.set_montage(mne.channels.make_dig_montage(places, coord_frame="head"), verbose="error")
    raw.interpolate_bads(verbose="error")
    weights: Floats = raw.get_data()[len(good) :]
    return weights
