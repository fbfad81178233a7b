"""How much memory the work on a participant will need, told from the sizes of the files alone."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bids_eeg2fmri.settings import Job

#: Python with all libraries, and what does not depend on the recordings, bytes.
_BASE = 900 * 10**6
#: Bytes for each byte of all EEG files and of the largest BOLD image, which may be compressed. Measured with
#: ``tests/benchmarks/memory.py``; what it prints lies below the estimate for every participant.
_PER_EEG_BYTE = 8.0
_PER_BOLD_BYTE = 8.0
_EEG_ENDINGS = ("_eeg.eeg", "_eeg.edf", "_eeg.bdf", "_eeg.fdt", "_eeg.set", "_eeg.fif", ".dat")
_BOLD_ENDINGS = ("_bold.nii.gz", "_bold.nii")


def estimate_memory(job: Job, participant: str) -> int:
    """Return how much memory a participant is expected to need, bytes; rather too much than too little.

    All of its recordings count, whatever the selection leaves of them.
    """
    folders = [root / f"sub-{participant}" for root in (job.bids_dir, *job.derivatives.values())]
    eeg = [sum(_sizes(folder, _EEG_ENDINGS)) for folder in folders]
    bold = [size for folder in folders for size in _sizes(folder, _BOLD_ENDINGS)]
    return int(_BASE + _PER_EEG_BYTE * max(eeg, default=0) + _PER_BOLD_BYTE * max(bold, default=0))


def _sizes(folder: Path, endings: tuple[str, ...]) -> Iterable[int]:
    """Return the sizes of a folder's files of some endings, bytes; what cannot be read has none."""
    return [
        path.stat().st_size for path in folder.rglob("*") if path.name.endswith(endings) and path.is_file()
    ]
