"""The experiment and its clock: blocks of rest and imagery, volumes, and the time simulated around them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bids_eeg2fmri.records import Floats, TaskEvent

SFREQ = 250.0
#: Seconds simulated before the EEG begins: the haemodynamic response (32 s) remembers them.
BURN_IN = 40.0
#: The power that drives BOLD is counted in ticks of 0.1 s; BLOCK EEG samples each.
TICK = 0.1
BLOCK = 25
BLOCK_DURATION = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunClock:
    """When everything in a run happens.

    Attributes
    ----------
    lead : float
        Seconds from the first EEG sample to the first volume.
    tail : float
        Seconds of EEG after the end of the last volume.
    drift : float
        How much faster the scanner's clock runs than the EEG's, parts per million.
    """

    lead: float
    tail: float
    tr: float
    n_volumes: int
    drift: float = 0.0

    @property
    def scan_duration(self) -> float:
        """Seconds from the first volume's onset to the last volume's end."""
        return self.tr * self.n_volumes

    @property
    def n_eeg(self) -> int:
        """EEG samples in the recording."""
        return int(np.floor((self.lead + self.scan_duration + self.tail) * SFREQ))

    @property
    def n_burn_in(self) -> int:
        """Simulated samples before the recording."""
        return int(BURN_IN * SFREQ)

    @property
    def n_simulated(self) -> int:
        """Simulated samples, a whole number of ticks, two seconds longer than the recording."""
        return int(np.ceil((self.n_burn_in + self.n_eeg + 2 * SFREQ) / BLOCK)) * BLOCK

    @property
    def volume_onsets(self) -> Floats:
        """Onset of each volume, shape (n_volumes,), seconds after the first volume."""
        return np.arange(self.n_volumes, dtype=float) * self.tr

    def eeg_times(self, times: Floats) -> Floats:
        """Return times (s after the first volume, scanner's clock) as seconds after the first EEG sample."""
        return self.lead + times * (1 - 1e-6 * self.drift)

    @property
    def tick_times(self) -> Floats:
        """Middle of each tick, shape (n_ticks,), seconds after the first volume."""
        n_ticks = self.n_simulated // BLOCK
        return (np.arange(n_ticks, dtype=float) + 0.5) * TICK - BURN_IN - self.lead

    def events(self) -> tuple[TaskEvent, ...]:
        """Return rest and imagery in turn, onsets in seconds after the first volume; whole blocks only."""
        n_blocks = int(self.scan_duration // BLOCK_DURATION)
        return tuple(
            TaskEvent(
                onset=BLOCK_DURATION * k,
                duration=BLOCK_DURATION,
                condition=("rest", "imagery")[k % 2],
            )
            for k in range(n_blocks)
        )


def draw_clock(rng: np.random.Generator, *, tr: float, n_volumes: int) -> RunClock:
    """Draw how long the EEG runs before (5 to 12 s) and after (2 to 6 s) the scan, on its own sample grid."""
    lead = rng.integers(int(5 * SFREQ), int(12 * SFREQ)) / SFREQ
    return RunClock(lead=lead, tail=float(rng.uniform(2, 6)), tr=tr, n_volumes=n_volumes)


def draw_scanner_clock(rng: np.random.Generator, *, tr: float, n_volumes: int, locked: bool) -> RunClock:
    """Draw the clock of a recording with 10 to 20 s of EEG before and after the scan.

    Locked clocks share their samples; free ones differ by up to 15 parts per million, and a volume begins
    anywhere between two samples.
    """
    lead, tail = rng.uniform(10, 20, 2)
    drift = rng.uniform(3, 15) * rng.choice([-1, 1])
    if locked:
        lead, drift = round(lead * SFREQ) / SFREQ, 0.0
    return RunClock(lead=float(lead), tail=float(tail), tr=tr, n_volumes=n_volumes, drift=float(drift))
