"""The files that make the output a BIDS derivative dataset; the same whichever job writes them."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bids_eeg2fmri.bids.outputs import refuse_link_out
from bids_eeg2fmri.errors import Eeg2FmriError, OutputError
from bids_eeg2fmri.formats.atomic import remove_parts, whole_file, write_text
from bids_eeg2fmri.formats.json_file import read_json, write_json
from bids_eeg2fmri.formats.table import write_table
from bids_eeg2fmri.formats.text_table import read_text_table

_logger = logging.getLogger(__name__)

#: Files that BIDS has no name for yet.
_IGNORED = """\
*.html
logs/
group*
figures
*_timeseries.tsv
*_timeseries.json
*_model.safetensors
*_model.json
*_metrics.tsv
*_metrics.json
*_windows.tsv
*_windows.json
*_runs.tsv
*_runs.json
*_desc-minimal_boldref.*
"""

#: How the names of the files that belong to no participant begin.
_SHARED = (
    "dataset_description",
    ".bidsignore",
    "README",
    "descriptions",
    "participants",
    "CITATION",
    "settings",
)

_README = """\
Output of bids_eeg2fmri: for each participant, models that estimate the BOLD of brain regions from
the EEG, and how well they do so on runs they were not trained on.

Start with sub-*.html and, after the group level, group.html. descriptions.tsv says what each desc- label is.
"""


def prepare_output(root: Path) -> None:
    """Make the output folder and see that it can be written.

    Raises
    ------
    OutputError
        If it cannot, or its folder of logs is a link to somewhere else.
    """
    refuse_link_out(root / "logs", root)
    try:
        root.mkdir(parents=True, exist_ok=True)
        (root / "logs").mkdir(exist_ok=True)
        remove_parts(root / "logs", ("writable",), min_age=60.0)
        with whole_file(root / "logs" / "writable") as part:
            part.write_text("", encoding="utf-8")
        (root / "logs" / "writable").unlink(missing_ok=True)
    except OutputError as error:
        raise OutputError(f"The output folder {root} cannot be written: {error}") from error
    except OSError as error:
        raise OutputError(
            f"The output folder {root} cannot be made or written: {error.strerror}. "
            "Choose another folder or ask for permission."
        ) from error


def write_dataset_files(
    root: Path,
    *,
    version: str,
    bids_dir: Path,
    derivatives: Mapping[str, Path],
    generated_by: Sequence[Mapping[str, Any]],
    descriptions: Mapping[str, str],
    citation: str,
    settings: str,
) -> None:
    """Write description, ``.bidsignore``, README, tables of participants and descriptions, and the logs.

    One job at a time: what killed ones have left of these files is removed.

    Parameters
    ----------
    generated_by : sequence of mapping
        The chain of the inputs, which follows this app's own entry.
    descriptions : mapping
        ``desc-`` label to what it means.
    citation, settings : str
        Texts of ``logs/CITATION.md`` and ``logs/settings.toml``.
    """
    for folder in (root, root / "logs"):
        remove_parts(folder, _SHARED)
    links = {"raw": _uri(bids_dir)} | {name: _uri(path) for name, path in derivatives.items()}
    write_json(
        root / "dataset_description.json",
        {
            "Name": "EEG models of BOLD",
            "BIDSVersion": "1.10.0",
            "DatasetType": "derivative",
            "License": "n/a",
            "GeneratedBy": [
                {
                    "Name": "bids_eeg2fmri",
                    "Version": version,
                    "Description": "Predicts the BOLD of brain regions from simultaneous EEG",
                },
                *generated_by,
            ],
            "SourceDatasets": [{"URL": uri} for uri in links.values()],
            "DatasetLinks": links,
        },
    )
    write_text(root / ".bidsignore", _IGNORED)
    write_text(root / "README", _README)
    columns = {
        "desc_id": {"Description": "The desc entity, as it stands in file names"},
        "description": {"Description": "What files with this label hold"},
    }
    rows = [(f"desc-{label}", text) for label, text in sorted(descriptions.items())]
    write_table(root / "descriptions.tsv", rows, columns)
    write_text(root / "logs" / "CITATION.md", citation)
    write_text(root / "logs" / "settings.toml", settings)
    for name, is_whole in (("participants.tsv", _is_table), ("participants.json", _is_json)):
        if (bids_dir / name).is_file() and is_whole(bids_dir / name):
            with whole_file(root / name) as part:
                shutil.copyfile(bids_dir / name, part)


def _is_table(path: Path) -> bool:
    """Return whether this is a table of participants: a link may lead to any file of this machine."""
    try:
        read_text_table(path).texts("participant_id")
    except Eeg2FmriError as error:
        _logger.warning("Not copied into the output: %s", error)
        return False
    return True


def _is_json(path: Path) -> bool:
    """Return whether this is a JSON object."""
    try:
        read_json(path)
    except Eeg2FmriError as error:
        _logger.warning("Not copied into the output: %s", error)
        return False
    return True


def _uri(path: Path) -> str:
    """Return a folder as a URI."""
    return path.resolve().as_uri()
