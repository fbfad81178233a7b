"""What to tell the user when no marker of the EEG can be the volume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

import numpy as np

from bids_eeg2fmri.errors import BadDataError, Eeg2FmriError, MissingInputError
from bids_eeg2fmri.records import Floats
from bids_eeg2fmri.sync.candidates import Candidate
from bids_eeg2fmri.sync.markers import (
    MARKER_ADVICE,
    OFFSET_ADVICE,
    describe_markers,
    short_name,
)
from bids_eeg2fmri.sync.placement import MOST_LOST, MOST_MISSING, most_dummies


def explain_misfit(
    candidates: Sequence[Candidate],
    groups: Mapping[str, Floats],
    *,
    n_volumes: int,
    tr: float,
    meant: Set[str],
) -> Eeg2FmriError:
    """Return the error that says why no marker is the volume.

    Only markers that are volumes by name, by the user's word or by their number can contradict the BOLD: then
    it is a BadDataError. Anything else is something else, and the volume markers are missing.

    Parameters
    ----------
    candidates : sequence of Candidate
        Regular series whose number does not fit.
    groups : mapping
        Onsets (n_markers,) s of the markers of each description.
    meant : set of str
        The descriptions that are volumes by name or by the user's word.
    """
    enough = max(3.0, MOST_MISSING * n_volumes)
    serious = [c for c in candidates if c.name in meant]
    serious = serious or [c for c in candidates if len(c.series.onsets) >= enough]
    if serious:
        return _wrong_number(max(serious, key=lambda c: len(c.series.onsets)), n_volumes=n_volumes, tr=tr)
    for name, onsets in groups.items():
        if name in meant and len(onsets) >= enough:
            return BadDataError(
                f"The median interval of the {len(onsets)} markers '{short_name(name)}' is "
                f"{np.median(np.diff(onsets)):.3f} s but the TR of the BOLD is {tr:.3f} s; they must agree "
                "within 1 %, or be slices of it. Check that the EEG and the BOLD are of the same run and the "
                f"TR is right; else {MARKER_ADVICE} or {OFFSET_ADVICE}."
            )
    return MissingInputError(
        f"No marker of the EEG can be the onset of {n_volumes} volumes every {tr:.3f} s; the markers are: "
        f"{describe_markers(groups)}. If one is, {MARKER_ADVICE}; else {OFFSET_ADVICE}."
    )


def _wrong_number(candidate: Candidate, *, n_volumes: int, tr: float) -> BadDataError:
    series, per_volume = candidate.series, candidate.per_volume
    what = "volume markers" if per_volume == 1 else f"slice markers ({per_volume} per volume)"
    return BadDataError(
        f"{len(series.onsets)} {what} '{short_name(candidate.name)}' that span "
        f"{series.n_positions / per_volume:.4g} volumes, from {series.first:.3f} to "
        f"{series.last:.3f} s of the EEG, but the BOLD has {n_volumes} volumes; allowed are "
        f"{MOST_MISSING:.0%} missing in between, {MOST_LOST} lost at the end, half of the volumes beyond one "
        f"end of the EEG, and {most_dummies(tr)} dummies. Check that the EEG and the BOLD are of the same "
        f"run; else {OFFSET_ADVICE}."
    )
