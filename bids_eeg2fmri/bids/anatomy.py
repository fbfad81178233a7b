"""The T1w image that belongs to a BOLD run."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bids_eeg2fmri.bids.dataset import IndexedFile
from bids_eeg2fmri.bids.names import entities_of


def find_anatomy(files: Iterable[IndexedFile], bold: IndexedFile) -> Path | None:
    """Return the T1w image of the participant: of the run's own session before others, the first by name."""
    own = entities_of(bold.fields)
    found = [
        f
        for f in files
        if f.fields.get("suffix") == "T1w"
        and str(f.fields.get("extension")) in (".nii.gz", ".nii")
        and f.fields.get("subject") == bold.fields.get("subject")
    ]
    found.sort(key=lambda f: (entities_of(f.fields).session != own.session, f.path.name))
    return found[0].path if found else None
