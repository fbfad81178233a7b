"""The grid of a participant's images, and regions as weights of its voxels."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from bids_eeg2fmri.errors import BadDataError

_logger = logging.getLogger(__name__)

#: Sets of more regions than this are made for whole brains: what the data do not cover is dropped.
LARGE_SET = 50
#: Regions named in a message before it says how many more there are.
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grid:
    """Shape (3,) and affine (4, 4) to mm of the images of a template space, and their brain mask (shape)."""

    shape: tuple[int, ...]
    affine: NDArray[np.float64]
    mask: NDArray[np.bool_]
    space: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GridRegions:
    """Regions on a grid.

    Attributes
    ----------
    names : tuple of str
    places : tuple of str
        How each region is called in messages: with its coordinates or its label.
    weights : sparse array, shape (n_regions, n_voxels)
        What each voxel (the grid in C order) counts in the mean of each region, above 0 where it counts.
    description : str
        What the regions are, in words.
    """

    names: tuple[str, ...]
    places: tuple[str, ...]
    weights: csr_array
    description: str


def weigh_labels(labels: NDArray[np.int32], n_regions: int) -> csr_array:
    """Return weights (n_regions, n_voxels) of 1 for voxels of a label image: those of region k hold k + 1."""
    flat = labels.ravel()
    voxels = np.flatnonzero(flat)
    ones = np.ones(len(voxels))
    return csr_array((ones, (flat[voxels] - 1, voxels)), shape=(n_regions, flat.size))


def paint_labels(weights: csr_array, shape: tuple[int, ...]) -> NDArray[np.int32]:
    """Return the label image: each voxel holds k + 1 of the region that gives it most weight, 0 for none."""
    entries: Any = weights.tocoo()
    # Written in this order the largest weight comes last, of equal ones that of the first region.
    order = np.lexsort((-entries.row, entries.data))
    labels = np.zeros(weights.shape[1], dtype=np.int32)
    labels[entries.col[order]] = entries.row[order] + 1
    return labels.reshape(shape)


def drop_uncovered(regions: GridRegions, *, min_voxels: int) -> tuple[GridRegions, tuple[str, ...]]:
    """Return the regions that the data cover, and in words what was dropped.

    A region of fewer than ``min_voxels`` voxels is dropped with a warning. One without any voxel is an error
    in a set of up to ``LARGE_SET`` regions, which somebody chose one by one; from larger sets, made for whole
    brains, it is dropped like the others.

    Raises
    ------
    BadDataError
        If a region of a small set has no voxel, or no region is left.
    """
    counts = np.diff(regions.weights.indptr)
    n_regions = len(counts)
    if not np.any(counts):
        raise BadDataError(
            f"Not one of the regions ({_name_some(regions.places, counts == 0)}) has a voxel inside the "
            "brain mask of the data. Check that the regions and the BOLD are in the same space."
        )
    if n_regions <= LARGE_SET and np.any(counts == 0):
        is_plural = np.count_nonzero(counts == 0) > 1
        raise BadDataError(
            f"Region{'s' if is_plural else ''} {_name_some(regions.places, counts == 0)} "
            f"{'have' if is_plural else 'has'} no voxel inside the brain mask of the data. Check that the "
            "regions and the BOLD are in the same space, enlarge bold.radius, or leave regions out."
        )
    few = counts < min_voxels
    if not np.any(few):
        return regions, ()
    if np.all(few):
        raise BadDataError(
            f"No region has {min_voxels} voxels in the data; the largest has {counts.max()}. "
            "Lower bold.min_voxels or choose larger regions."
        )
    seen = [f"{name} ({count})" for name, count in zip(regions.names, counts, strict=True)]
    note = (
        f"{np.count_nonzero(few)} of {n_regions} regions dropped, with fewer than {min_voxels} voxels in the "
        f"data: {_name_some(seen, few)}"
    )
    _logger.warning("%s", note)
    kept = np.flatnonzero(~few)
    left = GridRegions(
        names=tuple(regions.names[k] for k in kept),
        places=tuple(regions.places[k] for k in kept),
        weights=regions.weights[kept],
        description=regions.description,
    )
    return left, (note,)


def _name_some(names: tuple[str, ...] | list[str], chosen: NDArray[np.bool_]) -> str:
    """Return the first of the chosen names, and how many more there are."""
    picked = [name for name, is_chosen in zip(names, chosen, strict=True) if is_chosen]
    more = len(picked) - _MOST_NAMED
    return ", ".join(picked[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
