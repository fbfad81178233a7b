"""Where each output goes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from bids_eeg2fmri.bids.names import file_name
from bids_eeg2fmri.errors import OutputError
from bids_eeg2fmri.records import Entities


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """The paths of the output dataset."""

    root: Path

    @property
    def logs(self) -> Path:
        """Folder of settings, citations, crash files and completion marks."""
        return self.root / "logs"

    def folder(self, subject: str) -> Path:
        """Return the folder of a participant's files."""
        return self.root / f"sub-{subject}"

    def lock(self, subject: str) -> Path:
        """Return the path of the file that a participant's job holds while it works."""
        return self.logs / f"sub-{subject}.lock"

    def check_inside(self, subject: str) -> None:
        """Raise if a folder that a participant's files go to is a link out of the output.

        Links in the place of files do no harm: a finished file takes the place of the link.

        Raises
        ------
        OutputError
            With the link.
        """
        own = self.folder(subject)
        inner = [Path(folder) / name for folder, names, _ in os.walk(own) for name in names]
        for folder in (self.logs, self.root / "group_figures", own, *inner):
            refuse_link_out(folder, self.root)

    def completion(self, subject: str) -> Path:
        """Return the path of the mark that a participant is finished."""
        return self.logs / f"sub-{subject}_done.json"

    def crash(self, subject: str, stamp: str) -> Path:
        """Return the path for the traceback of a failed participant."""
        return self.logs / f"sub-{subject}_{stamp}_crash.txt"

    def crashes(self, subject: str) -> list[Path]:
        """Return all crash files of a participant, oldest first."""
        return sorted(self.logs.glob(f"sub-{subject}_*_crash.txt"))

    def report(self, subject: str) -> Path:
        """Return the path of the participant's report."""
        return self.root / f"sub-{subject}.html"

    def figures(self, subject: str) -> Path:
        """Return the folder of the figures of the participant's report."""
        return self.root / f"sub-{subject}" / "figures"

    def report_content(self, subject: str) -> Path:
        """Return the path of what the participant's report shows, from which it can be made again."""
        return self.logs / f"sub-{subject}_report.safetensors"

    def runs(self, subject: str) -> Path:
        """Return the path of the table of every recording found."""
        return self.root / f"sub-{subject}" / f"sub-{subject}_runs.tsv"

    def of_run(
        self, entities: Entities, datatype: str, *, suffix: str, extension: str, desc: str, space: str = ""
    ) -> Path:
        """Return the path of a file of one run, in its ``eeg`` or ``func`` folder."""
        folder = self.root / f"sub-{entities.subject}"
        if entities.session:
            folder = folder / f"ses-{entities.session}"
        name = file_name(entities, suffix=suffix, extension=extension, desc=desc, space=space)
        return folder / datatype / name

    def of_participant(
        self, entities: Entities, *, suffix: str, extension: str, desc: str, space: str = ""
    ) -> Path:
        """Return the path of a file over all runs of one participant."""
        name = file_name(entities, suffix=suffix, extension=extension, desc=desc, space=space)
        return self.root / f"sub-{entities.subject}" / name

    def group(self, name: str) -> Path:
        """Return the path of a file over all participants."""
        return self.root / f"group{name}"


def refuse_link_out(folder: Path, root: Path) -> None:
    """Raise OutputError if a folder of the output ``root`` is a link to somewhere else."""
    if folder.is_symlink() and not folder.resolve().is_relative_to(root.resolve()):
        raise OutputError(
            f"{folder} is a link to {folder.resolve()}, outside of the output {root}. Remove the link, or "
            "give the folder behind it as OUTPUT_DIR."
        )
