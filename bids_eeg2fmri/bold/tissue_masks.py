"""White matter and CSF deep inside the brain, for the confounds of runs that came without any."""

from __future__ import annotations

import logging

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion

from bids_eeg2fmri.bold.grid import Grid
from bids_eeg2fmri.bold.head_sample import spread_classes
from bids_eeg2fmri.bold.image import Image
from bids_eeg2fmri.bold.mutual_information import ClassMaps

_logger = logging.getLogger(__name__)

#: Shares of the template's tissue that a voxel must have, the strictest that leaves ``_FEWEST`` voxels.
#: Affine registration is some mm off: only what lies deep in a tissue is safe.
_SHARES = (0.95, 0.9, 0.8, 0.6)
_FEWEST = 10
#: CSF is that of the ventricles: this far inside the brain mask, mm. That around the brain borders on cortex.
_DEPTH = 15.0


def find_tissues(grid: Grid, tissues: ClassMaps) -> dict[str, NDArray[np.bool_]]:
    """Return the masks of ``white_matter`` and ``csf`` on a grid; a tissue that is not there is left out."""
    image = Image(volume=np.zeros(grid.shape, dtype=np.float32), affine=grid.affine)
    shares = spread_classes(image, np.eye(4), tissues)
    depth = max(1, round(_DEPTH / float(image.sizes.mean())))
    places = {
        # The cortex is thinner than a voxel of white matter around it is wide.
        "white_matter": (shares[..., 1], binary_erosion(shares[..., 1] > 0.5) & grid.mask),
        "csf": (shares[..., 2], binary_erosion(grid.mask, iterations=depth)),
    }
    masks: dict[str, NDArray[np.bool_]] = {}
    for name, (share, allowed) in places.items():
        found = [mask for least in _SHARES if (mask := allowed & (share >= least)).sum() >= _FEWEST]
        if found:
            masks[name] = found[0]
        else:
            _logger.warning("no voxel of the BOLD lies deep in %s; its mean signal is not removed", name)
    return masks
