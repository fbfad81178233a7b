"""How much memory the work on a participant will need, told from the sizes of the files alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bids_eeg2fmri.errors import BadDataError, MissingInputError
from bids_eeg2fmri.formats.json_file import read_json
from bids_eeg2fmri.settings import Job

#: Python with all libraries, and what does not depend on the recordings, bytes.
_BASE = 900 * 10**6
#: Bytes for each byte of all EEG files: of the run that is cleaned several copies are in memory, of all runs
#: the cleaned EEG. What ``tests/benchmarks/memory.py`` prints lies below the estimate for every participant.
_PER_EEG_BYTE = 4.0
#: EEG at a higher rate is brought to a lower one while it is read, a stretch at a time, Hz.
_RATE_IN_MEMORY = 1000.0
#: For each byte of the largest BOLD image, which is read block by block.
_PER_BOLD_BYTE = 1.0
_EEG_ENDINGS = ("_eeg.eeg", "_eeg.edf", "_eeg.bdf", "_eeg.fdt", "_eeg.set", "_eeg.fif")
_BOLD_ENDINGS = ("_bold.nii.gz", "_bold.nii")


def estimate_memory(job: Job, participant: str) -> int:
    """Return how much memory a participant is expected to need, bytes; rather too much than too little.

    All of its recordings count, whatever the selection leaves of them.
    """
    folders = [root / f"sub-{participant}" for root in (job.bids_dir, *job.derivatives.values())]
    eeg = [sum(_eeg_size(path) for path in _find(folder, _EEG_ENDINGS)) for folder in folders]
    bold = [path.stat().st_size for folder in folders for path in _find(folder, _BOLD_ENDINGS)]
    return int(_BASE + _PER_EEG_BYTE * max(eeg, default=0) + _PER_BOLD_BYTE * max(bold, default=0))


def _eeg_size(path: Path) -> float:
    """Return the size of a recording at the rate it has in memory at most, bytes."""
    try:
        sfreq = float(read_json(path.with_suffix(".json"))["SamplingFrequency"])
    except (BadDataError, MissingInputError, KeyError, TypeError, ValueError):
        sfreq = 0.0  # not told: all of it counts
    return path.stat().st_size * (min(1.0, _RATE_IN_MEMORY / sfreq) if sfreq > 0 else 1.0)


def _find(folder: Path, endings: tuple[str, ...]) -> Iterator[Path]:
    """Yield a folder's files of some endings whose content is here."""
    yield from (path for path in folder.rglob("*") if path.name.endswith(endings) and path.is_file())
