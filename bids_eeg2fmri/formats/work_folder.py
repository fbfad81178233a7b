"""The work folder: what :mod:`bids_eeg2fmri.formats.record_file` keeps in it, and what may be removed."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from bids_eeg2fmri.errors import OutputError
from bids_eeg2fmri.formats.atomic import remove_parts, write_text

#: The names of kept records: the run, the kind, the beginning of a digest.
_RECORD = re.compile(r"sub-[A-Za-z0-9]+(_[a-z]+-[A-Za-z0-9]+)*_[a-z]+_[0-9a-f]{16}\.safetensors")
#: A part that has not grown for so long is of a killed job, s: files are written in one go, and several jobs
#: may share a work folder.
_STALE_AFTER = 3600.0


def prepare_work_dir(work_dir: Path) -> None:
    """Make the work folder, see that it can be written, and remove what killed jobs left unfinished in it.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    try:
        work_dir.mkdir(parents=True, exist_ok=True)
        remove_parts(work_dir, ("sub-", "writable"), min_age=_STALE_AFTER)
        probe = work_dir / "writable"
        write_text(probe, "")
        probe.unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(
            f"The work folder {work_dir} cannot be made or written: {reason}. Choose another folder with "
            "--work-dir or ask for permission."
        ) from None


def clean_work_dir(work_dir: Path) -> int:
    """Remove the records that this app has kept in a work folder, nothing else; return how many."""
    if not work_dir.is_dir():
        return 0
    records = [path for path in work_dir.iterdir() if _RECORD.fullmatch(path.name) and path.is_file()]
    for path in records:
        with suppress(FileNotFoundError):  # another job may clean the same folder
            try:
                path.unlink()
            except PermissionError as error:
                raise OutputError(
                    f"--clean-workdir: {path} cannot be removed: {error.strerror}. Remove it yourself or "
                    "choose another --work-dir."
                ) from None
    return len(records)
