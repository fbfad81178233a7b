"""Rigid movements of the simulated head as matrices."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from bids_eeg2fmri.records import Floats


def rigid_matrices(motion: Floats, centre: Floats) -> Floats:
    """Return the matrices (n, 4, 4), mm to mm, of movements (n, 6): translations (mm), rotations (rad).

    Rotations are about x, then y, then z, through the centre (3,), mm.
    """
    matrices = np.tile(np.eye(4), (len(motion), 1, 1))
    matrices[:, :3, :3] = Rotation.from_euler("xyz", motion[:, 3:]).as_matrix()
    matrices[:, :3, 3] = motion[:, :3] + centre - matrices[:, :3, :3] @ centre
    return matrices
