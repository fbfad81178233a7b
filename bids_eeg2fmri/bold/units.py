"""What is read from an image: means over regions, or the voxels of the regions one by one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array, eye_array, vstack

from bids_eeg2fmri.bold.region_set import RegionLabels
from bids_eeg2fmri.settings import BoldSettings


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RegionUnits:
    """Units on the grid of a participant.

    Attributes
    ----------
    regions : RegionLabels
    weights : sparse array, shape (n_units, n_voxels)
        What each voxel of the grid counts in the mean of each unit; rows sum to 1.
    membership : sparse array, shape (n_regions, n_units)
        What each unit counts in each region, above 0 where it is part of it.
    voxels : array of int, shape (n_units,), or None
        The voxel (the grid in C order) that each unit is, -1 for the background; None where they are regions.
    has_background : bool
        Whether the last unit is the mean of the background.
    """

    regions: RegionLabels
    weights: csr_array
    membership: csr_array
    voxels: NDArray[np.int64] | None
    has_background: bool

    def name_some(self, chosen: NDArray[np.bool_]) -> str:
        """Return the regions that some units (n_units,) are part of, for messages."""
        rows = np.unique(self.membership[:, np.flatnonzero(chosen)].tocoo().row)
        names = [self.regions.names[k] for k in rows]
        names += ["the background"] if self.has_background and chosen[-1] else []
        more = f" and {len(names) - 5} more" if len(names) > 5 else ""
        return ", ".join(names[:5]) + more


def choose_units(regions: RegionLabels, settings: BoldSettings) -> RegionUnits:
    """Return single voxels where a localiser or components choose among them, else means over regions."""
    n_regions = len(regions.names)
    voxels: NDArray[np.int64] | None = None
    if settings.localizer or settings.summary != "mean":
        voxels = np.unique(regions.weights.indices).astype(np.int64)
        ones = np.ones(len(voxels))
        shape = (len(voxels), regions.labels.size)
        weights = csr_array((ones, (np.arange(len(voxels)), voxels)), shape=shape)
        membership = csr_array(regions.weights[:, voxels])
    else:
        weights = average_rows(regions.weights)
        membership = csr_array(eye_array(n_regions))
    if regions.background is not None:
        inside = np.flatnonzero(regions.background.ravel())
        row = csr_array(
            (np.full(len(inside), 1 / len(inside)), (np.zeros(len(inside), int), inside)),
            shape=(1, regions.labels.size),
        )
        weights = csr_array(vstack([weights, row], format="csr"))
        membership = csr_array(membership.copy())
        membership.resize((n_regions, weights.shape[0]))
        voxels = np.append(voxels, -1) if voxels is not None else None
    return RegionUnits(
        regions=regions,
        weights=weights,
        membership=membership,
        voxels=voxels,
        has_background=regions.background is not None,
    )


def average_rows(weights: csr_array) -> csr_array:
    """Return weights whose rows sum to 1."""
    return csr_array(diags_array(1 / weights.sum(axis=1)) @ weights.astype(np.float64))
