"""What can be chosen about a simulated dataset, checked on the way in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from bids_eeg2fmri.errors import UsageError, did_you_mean

Coupling = Literal["power", "log-power", "spectral-shift", "bursts", "mixed", "task-only", "motion", "none"]
COUPLINGS: tuple[str, ...] = get_args(Coupling)
Eeg = Literal["corrected", "raw"]
EEGS: tuple[str, ...] = get_args(Eeg)
Clocks = Literal["locked", "free"]
CLOCKS: tuple[str, ...] = get_args(Clocks)
BoldKind = Literal["preprocessed", "raw"]
BOLD_KINDS: tuple[str, ...] = get_args(BoldKind)

#: Smallest and largest allowed value. Fewer than 40 volumes hold less than two blocks at a usual TR; fewer
#: than 8 channels leave nothing to filter spatially.
RANGES: dict[str, tuple[float, float]] = {
    "participants": (1, 999),
    "sessions": (1, 99),
    "runs": (1, 99),
    "volumes": (40, 5000),
    "tr": (0.3, 10.0),
    "channels": (8, 128),
    "seed": (0, 2**32 - 1),
    "noise": (0, 10),
    "distractors": (0, 200),
}

#: One block of rest and one of imagery, s.
MIN_DURATION = 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationOptions:
    """The size of the dataset, its coupling and its seed.

    Attributes
    ----------
    participants, sessions, runs : int
        Participants, sessions of each, runs of each session.
    volumes : int
        BOLD volumes per run.
    tr : float
        Repetition time, s.
    channels : int
        EEG channels (the ECG comes on top).
    coupling : "power", "log-power", "spectral-shift", "bursts", "mixed", "task-only", "motion" or "none"
        ``power``, ``log-power``, ``spectral-shift``, ``bursts``: what regions follow of motor sources.
        ``mixed``: not the same of every source, and responses differ more between regions. ``task-only``: EEG
        and BOLD both respond to the task and share nothing else. ``motion``: they share sudden head movements
        and nothing else. ``none``: BOLD does not respond to the task either.
    eeg : "corrected" or "raw"
        ``corrected``: 250 Hz, as after the correction of scanner artefacts. ``raw``: 5 kHz, as the amplifier
        stores it, with gradient and pulse artefacts.
    clocks : "locked" or "free"
        Of raw EEG: whether the amplifier's clock follows the scanner's.
    bold : "preprocessed" or "raw"
        ``preprocessed``: raw BOLD on the template's grid, and what fMRIPrep would make of it. ``raw``: only
        raw BOLD, as the scanner gives it: a head with skull and scalp, shifted, turned and scaled, that moves
        by up to 2 mm and 2 degrees.
    t1w : bool
        Whether there is a T1w image, for raw BOLD only.
    noise : float
        What the noise of the BOLD is multiplied by.
    distractors : int
        Sources of rhythms all over the cortex that no region follows, beside the eight that there always are.
    seed : int
        Participant k of a seed is the same whatever the number of participants.

    Raises
    ------
    UsageError
        If a value is out of range, or a run too short for one block of each kind.
    """

    participants: int = 4
    sessions: int = 1
    runs: int = 3
    volumes: int = 150
    tr: float = 2.0
    channels: int = 32
    coupling: Coupling = "power"
    eeg: Eeg = "corrected"
    clocks: Clocks = "locked"
    bold: BoldKind = "preprocessed"
    t1w: bool = False
    noise: float = 1.0
    distractors: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        """Check ranges."""
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:  # also refuses NaN
                raise UsageError(f"--{name} {value} is out of range: {low:g} to {high:g} is allowed.")
        if self.volumes * self.tr < MIN_DURATION:
            raise UsageError(
                f"--volumes {self.volumes} of --tr {self.tr} s last {self.volumes * self.tr:g} s: a block of "
                f"rest and one of imagery need {MIN_DURATION:g} s. Ask for more volumes."
            )
        choices = {"coupling": COUPLINGS, "eeg": EEGS, "clocks": CLOCKS, "bold": BOLD_KINDS}
        for name, allowed in choices.items():
            value = getattr(self, name)
            if value not in allowed:
                raise UsageError(
                    f"There is no {name} '{value}'; choose one of {', '.join(allowed)}."
                    f"{did_you_mean(value, allowed)}"
                )
        if self.t1w and self.bold != "raw":
            raise UsageError("--t1w needs --bold raw: preprocessed BOLD is in the template's space already.")
