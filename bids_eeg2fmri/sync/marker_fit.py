"""How the markers of an EEG fit a number of volumes: the third rung of the evidence."""

from __future__ import annotations

from collections.abc import Mapping

from bids_eeg2fmri.errors import Eeg2FmriError
from bids_eeg2fmri.records import Floats, VolumeClock
from bids_eeg2fmri.settings import SyncSettings
from bids_eeg2fmri.sync.candidates import Candidate, choose, find_candidates, place_candidates
from bids_eeg2fmri.sync.clock import find_volume_clock
from bids_eeg2fmri.sync.markers import (
    group_markers,
    is_never_a_volume,
    is_volume_name,
    select_volume_marker,
)
from bids_eeg2fmri.sync.recordings import BoldSide, EegSide

#: Fewer regular markers than this say nothing of a scan whose number of volumes is not known.
_FEWEST = 10
#: A smaller drift (ppm) moves no volume of an hour by a millisecond, and is not told.
_LEAST_DRIFT = 0.1
#: Enough volumes for the longest gap that is bridged, where their number is not known.
_MANY = 300


def volume_surplus(eeg: EegSide, bold: BoldSide, settings: SyncSettings) -> int | None:
    """Return how many more volumes the markers say than the image holds; None where they do not fit."""
    if not bold.n_volumes or not bold.tr:
        return None
    try:
        candidates = find_candidates(
            _eligible(eeg, settings), n_volumes=bold.n_volumes, tr=bold.tr, n_slices=bold.n_slices
        )
        fitting = place_candidates(
            candidates,
            n_volumes=bold.n_volumes,
            duration=_duration(eeg, bold.tr),
            dummies=settings.dummies,
        )
        return choose(fitting).placement.surplus if fitting else None
    except Eeg2FmriError:
        return None


def marked_volumes(
    eeg: EegSide, settings: SyncSettings, *, tr: float, n_slices: int | None = None
) -> VolumeClock | None:
    """Return the clock of the markers where no image says how many volumes there are, else None.

    It only describes the EEG: that the number is an image's remains to be seen.
    """
    if not tr:
        return None
    try:
        candidates = find_candidates(_eligible(eeg, settings), n_volumes=_MANY, tr=tr, n_slices=n_slices)
        best = max(candidates, key=_prominence, default=None)
        if best is None or len(best.series.onsets) < _FEWEST:
            return None
        return find_volume_clock(
            eeg.markers,
            n_volumes=-(-best.series.n_positions // best.per_volume),
            tr=tr,
            duration=_duration(eeg, tr),
            n_slices=n_slices,
            volume_marker=best.name,
        )
    except Eeg2FmriError:
        return None


def describe_clock(clock: VolumeClock) -> str:
    """Return in words where the volumes are on the EEG's clock, and how well that is known."""
    onsets = clock.onsets
    interval = (onsets[-1] - onsets[0]) / (len(onsets) - 1) if len(onsets) > 1 else float("nan")
    text = f"{clock.source}: {len(onsets)} volumes every {interval:.3f} s, the first at {onsets[0]:.3f} s"
    if clock.marker:
        text += f"; jitter {1e3 * clock.jitter:.2f} ms"
    return text + (f", drift {clock.drift:+.1f} ppm" if abs(clock.drift) >= _LEAST_DRIFT else "")


def _eligible(eeg: EegSide, settings: SyncSettings) -> Mapping[str, Floats]:
    """Return the onsets (n_markers,) s of the markers that may be volumes."""
    groups = group_markers(eeg.markers)
    if settings.volume_marker:
        return select_volume_marker(groups, settings.volume_marker)
    return {name: onsets for name, onsets in groups.items() if not is_never_a_volume(name)}


def _duration(eeg: EegSide, tr: float) -> float:
    """Return the length (s) of the EEG; of one whose signal is not here, to the end of its last volume."""
    has_signal = eeg.header is not None and eeg.header.duration >= eeg.duration
    return eeg.duration if has_signal else eeg.duration + 2 * tr


def _prominence(candidate: Candidate) -> tuple[bool, bool, int]:
    """Return how much a series looks like the volumes of a scan: the more, the better."""
    return candidate.per_volume == 1, is_volume_name(candidate.name), len(candidate.series.onsets)
