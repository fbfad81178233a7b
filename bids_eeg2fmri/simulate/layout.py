"""Where the files of a run go."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bids_eeg2fmri.records import Entities


def folder_of(root: Path, entities: Entities, datatype: str) -> Path:
    """Return ``root/sub-01[/ses-1]/datatype``."""
    session = [f"ses-{entities.session}"] if entities.session else []
    return root.joinpath(f"sub-{entities.subject}", *session, datatype)


def without_run(entities: Entities) -> Entities:
    """Return the entities of what holds for all runs of a session."""
    return replace(entities, run=0)


def without_task(entities: Entities) -> Entities:
    """Return the entities of what holds for a session whatever is done in it."""
    return replace(entities, run=0, task="")
