"""Which dynamics each source has under each coupling, and how much haemodynamic responses differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bids_eeg2fmri.simulate.dynamics import Dynamics
from bids_eeg2fmri.simulate.sources import Source

#: With the coupling ``mixed``: what BOLD follows of each motor source.
MIXED: Mapping[str, Dynamics] = {
    "hand_L": "power",
    "hand_R": "power",
    "SMA": "spectral-shift",
    "PMd_L": "log-power",
    "PMd_R": "log-power",
    "PMv_L": "bursts",
    "PMv_R": "bursts",
}
#: Standard deviation of the peak of the response over the regions of a person, s; far larger where mixed.
PEAK_SD, MIXED_PEAK_SD = 0.3, 1.0
#: Couplings in which BOLD does not follow the EEG.
UNCOUPLED = ("task-only", "motion", "none")


def choose_dynamics(sources: Sequence[Source], coupling: str) -> dict[str, Dynamics]:
    """Return the dynamics of each motor source; those of distractors are always ``power``."""
    motor = [source.name for source in sources if source.motor]
    if coupling == "mixed":
        return {name: MIXED[name] for name in motor}
    of_all: dict[str, Dynamics] = {
        "log-power": "log-power",
        "spectral-shift": "spectral-shift",
        "bursts": "bursts",
    }
    return {name: of_all.get(coupling, "power") for name in motor}


def spread_of_peaks(coupling: str) -> float:
    """Return how much the peaks of the responses of a person's regions differ, s."""
    return MIXED_PEAK_SD if coupling == "mixed" else PEAK_SD
