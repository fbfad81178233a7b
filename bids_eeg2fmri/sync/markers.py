"""Markers of the EEG by name: grouped, compared with the names scanners use, and described to the user."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from bids_eeg2fmri.errors import MissingInputError, UsageError, did_you_mean
from bids_eeg2fmri.records import Floats, Marker

#: Names that recording software gives to the scanner's volume pulse; they only break ties.
_VOLUME_NAMES = re.compile(
    r"[RS]\s*128|R\s*149|T\s*1|TR|TREV|scan ?start|(f?mri[ _]?)?(vol(ume)?s?|trig(ger)?|pulse)|f?mri|scanner",
    re.IGNORECASE,
)
#: Pulses of the clock box and of other hardware or software: never a volume, whatever their interval.
_NEVER_A_VOLUME = re.compile(
    r"sync ?(on|off|status)|(new )?segment|boundary|edge.*|bad.*|comment.*|impedance.*", re.IGNORECASE
)

#: What the user can do, as error texts say it.
MARKER_ADVICE = "name the volume marker with --set sync.volume_marker=NAME"
OFFSET_ADVICE = "give the onset of the first volume with --set sync.eeg_offset=SECONDS"


def short_name(description: str) -> str:
    """Return the text of a marker without its type: ``R128`` for ``Response/R128``."""
    return description.rpartition("/")[2].strip()


def is_volume_name(description: str) -> bool:
    """Whether this is a name that recording software gives to volumes."""
    return _VOLUME_NAMES.fullmatch(short_name(description)) is not None


def is_never_a_volume(description: str) -> bool:
    """Whether this marker comes from hardware or software that knows nothing of the scanner."""
    return _NEVER_A_VOLUME.fullmatch(short_name(description)) is not None


def group_markers(markers: Sequence[Marker]) -> dict[str, Floats]:
    """Return the ascending onsets (n_markers,) s of each description; those without a text are left out."""
    groups: defaultdict[str, list[float]] = defaultdict(list)
    for marker in markers:
        if short_name(marker.description) and np.isfinite(marker.onset):
            groups[marker.description].append(marker.onset)
    return {name: np.unique(np.asarray(onsets, dtype=np.float64)) for name, onsets in groups.items()}


def select_volume_marker(groups: Mapping[str, Floats], volume_marker: str) -> dict[str, Floats]:
    """Return the one group that the user names, with or without its type (``Response/R128`` or ``R128``).

    Raises
    ------
    UsageError
        If the name belongs to the clock box.
    MissingInputError
        If the recording has no such marker.
    """
    if is_never_a_volume(volume_marker):
        raise UsageError(
            f"sync.volume_marker is '{volume_marker}', which marks the hardware and never a volume; the "
            f"markers are: {describe_markers(groups)}."
        )
    wanted = volume_marker.strip().casefold()
    chosen = {
        name: onsets
        for name, onsets in groups.items()
        if wanted in (name.strip().casefold(), short_name(name).casefold())
    }
    if not chosen:
        raise MissingInputError(
            f"The EEG has no marker '{volume_marker}' (sync.volume_marker); its markers are: "
            f"{describe_markers(groups)}.{did_you_mean(volume_marker, map(short_name, groups))}"
        )
    return chosen


def describe_markers(groups: Mapping[str, Floats], at_most: int = 12) -> str:
    """Return the markers in words, the most frequent first: ``'R128' 163 times, every 2.000 s``."""
    if not groups:
        return "none at all"
    by_count = sorted(groups.items(), key=lambda item: -len(item[1]))
    texts = [_describe_group(name, onsets) for name, onsets in by_count[:at_most]]
    texts += [f"and {len(by_count) - at_most} more"] if len(by_count) > at_most else []
    return "; ".join(texts)


def _describe_group(name: str, onsets: Floats) -> str:
    if len(onsets) == 1:
        return f"'{short_name(name)}' once, at {onsets[0]:.3f} s"
    interval = float(np.median(np.diff(onsets)))
    return f"'{short_name(name)}' {len(onsets)} times, median interval {interval:.3f} s"
