"""Where a BOLD image lies in the MNI152 template: affine, through the T1w image where there is one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.bold.affine_search import Placement, affine_matrix, search, search_all
from bids_eeg2fmri.bold.head_sample import (
    class_intensities,
    find_brain,
    sample_brain,
    sample_head,
    sample_near_brain,
)
from bids_eeg2fmri.bold.image import Image
from bids_eeg2fmri.bold.mutual_information import ClassMaps, Sample
from bids_eeg2fmri.bold.rigid import Matrix, move
from bids_eeg2fmri.records import TemplatePlace

#: Smoothing of the class maps (mm) and number of points, from coarse to fine.
_LEVELS = ((8.0, 4_000), (4.0, 10_000), (2.0, 25_000))
#: Where searches begin, around what centres of mass and headers say: up or down (mm), nodding (rad).
_SHIFTS = (-15.0, 0.0, 15.0)
_NODS = (-0.3, 0.0, 0.3)
#: Heads are this much smaller than the template, as logarithm.
_SCALE = 0.05


def place_bold(bold: Image, mask: NDArray[np.bool_], tissues: ClassMaps) -> TemplatePlace:
    """Return where a BOLD image, its brain mask known, lies in the template, found directly."""
    sample = sample_brain(bold, mask)
    centre = sample.points.mean(axis=1)
    shift = _middle_of(tissues) - centre
    found = _refine(sample, tissues, _starts(shift, _SCALE), centre=centre, n_free=12)
    matrix = affine_matrix(found.parameters, centre)
    return TemplatePlace(
        matrix=matrix,
        overlap=_overlap(bold, mask, matrix, tissues),
        words="affine registration of the mean BOLD to the tissue maps of MNI152 (mutual information)",
    )


def place_bold_through_anatomy(
    bold: Image, mask: NDArray[np.bool_], anatomy: Image, tissues: ClassMaps
) -> TemplatePlace:
    """Return where a BOLD image lies in the template, by way of the T1w image of the same head."""
    to_template = place_anatomy(anatomy, tissues)
    classes = class_intensities(anatomy, to_template, tissues)
    sample = sample_brain(bold, mask)
    centre = sample.points.mean(axis=1)
    # Images of one session share the scanner's coordinates; those of two days only the middle of the brain.
    shifts = (np.zeros(3), _middle_of(classes) - centre)
    starts = [start for shift in shifts for start in _starts(shift, 0.0)]
    found = _refine(sample, classes, starts, centre=centre, n_free=6)
    matrix = to_template @ affine_matrix(found.parameters, centre)
    return TemplatePlace(
        matrix=matrix,
        overlap=_overlap(bold, mask, matrix, tissues),
        words="rigid registration of the mean BOLD to the T1w image, affine registration of that to the "
        "tissue maps of MNI152 (mutual information)",
    )


def place_anatomy(anatomy: Image, tissues: ClassMaps) -> Matrix:
    """Return the affine map (4, 4) from mm of a T1w image of the whole head to mm of the template."""
    sample = sample_head(anatomy)
    centre = sample.points.mean(axis=1)
    shift = _middle_of(tissues) - centre
    rough = _refine(sample, tissues, _starts(shift, _SCALE), centre=centre, n_free=12, levels=_LEVELS[:2])
    near = sample_near_brain(anatomy, affine_matrix(rough.parameters, centre), tissues)
    found = _refine(near, tissues, [rough.parameters], centre=centre, n_free=12, levels=_LEVELS[1:])
    return affine_matrix(found.parameters, centre)


def _overlap(bold: Image, mask: NDArray[np.bool_], matrix: Matrix, tissues: ClassMaps) -> float:
    """Return the Dice coefficient of a brain mask and the template's brain, inside the image."""
    brain = find_brain(bold, matrix, tissues)
    return float(2 * np.sum(brain & mask) / max(1, brain.sum() + mask.sum()))


def _middle_of(classes: ClassMaps) -> NDArray[np.float64]:
    """Return the middle of the brain in class maps, (3,) mm; the last class is what lies outside."""
    inside = np.argwhere(classes.maps[..., -1] < 0.5)
    return move(classes.affine, inside.mean(axis=0)[:, None])[:, 0]


def _starts(shift: NDArray[np.float64], scale: float) -> list[NDArray[np.float64]]:
    """Return the parameters (12,) that searches begin with."""
    starts = []
    for up, nod in product(_SHIFTS, _NODS):
        start = np.zeros(12)
        start[:3] = shift + np.array([0, 0, up])
        start[3], start[6:9] = nod, scale
        starts.append(start)
    return starts


def _refine(
    sample: Sample,
    classes: ClassMaps,
    starts: Sequence[NDArray[np.float64]],
    *,
    centre: NDArray[np.float64],
    n_free: int,
    levels: Sequence[tuple[float, int]] = _LEVELS,
) -> Placement:
    """Return the best placement: of all starts on coarse maps, then refined on finer ones."""
    placed = None
    for width, n_points in levels:
        maps, thin = classes.smooth(width), sample.thin(n_points)
        if placed is None and len(starts) > 1:
            placed = search_all(thin, maps, starts, centre=centre, n_free=min(n_free, 7))
        begin = starts[0] if placed is None else placed.parameters
        placed = search(thin, maps, begin, centre=centre, n_free=n_free)
    assert placed is not None
    return placed
