"""What the group level reads of the participants: scores, regions, and who is missing or failed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.bids.names import split_entities
from bids_eeg2fmri.bids.outputs import Outputs
from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.formats.completion import is_finished, read_settings_digest
from bids_eeg2fmri.formats.nifti import read_image_header, read_volume
from bids_eeg2fmri.formats.score_table import read_scores
from bids_eeg2fmri.formats.table import read_table
from bids_eeg2fmri.records import Floats, Score


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipantScores:
    """The scores of one participant; none, and the reason, if the participant level has not succeeded."""

    participant: str
    scores: tuple[Score, ...]
    has_failed: bool
    reason: str
    #: Digest of the settings behind the scores.
    settings: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RegionLabels:
    """A label image (n_x, n_y, n_z), its affine (4, 4) to mm of a space, the names of labels from 1 on."""

    labels: NDArray[np.int32]
    affine: Floats
    names: tuple[str, ...]
    space: str


def collect_scores(outputs: Outputs, participant: str) -> ParticipantScores:
    """Read the scores of one participant, or say why there are none."""
    crashes = outputs.crashes(participant)
    mark = outputs.completion(participant)
    tables = sorted((outputs.root / f"sub-{participant}").glob("*_desc-scores_metrics.tsv"))
    if is_finished(mark) and tables:
        newer = [c for c in crashes if c.stat().st_mtime_ns > mark.stat().st_mtime_ns]
        reason = f"a later attempt failed, see {newer[-1].name}; the earlier scores are used" if newer else ""
        scores = tuple(score for table in tables for score in read_scores(table))
        return ParticipantScores(
            participant=participant,
            scores=scores,
            has_failed=False,
            reason=reason,
            settings=read_settings_digest(mark),
        )
    if crashes:
        reason = f"failed, see logs/{crashes[-1].name}"
        return ParticipantScores(participant=participant, scores=(), has_failed=True, reason=reason)
    reason = "no results; run the participant level for this participant"
    return ParticipantScores(participant=participant, scores=(), has_failed=False, reason=reason)


def read_region_labels(outputs: Outputs, participant: str) -> RegionLabels:
    """Read the label image of a participant's regions and their names.

    Raises
    ------
    BadDataError
        If there is none.
    """
    folder = outputs.root / f"sub-{participant}"
    images = sorted(folder.glob("*_desc-regions_dseg.nii.gz"))
    if not images:
        raise BadDataError(f"{folder} has no *_desc-regions_dseg.nii.gz. Run the participant level again.")
    table = read_table(Path(str(images[0]).replace(".nii.gz", ".tsv")))
    return RegionLabels(
        labels=np.rint(read_volume(images[0])).astype(np.int32),
        affine=read_image_header(images[0]).affine,
        names=tuple(str(name) for name in table["name"]),
        space=split_entities(images[0])[0].get("space", ""),
    )
