"""One volume and where its voxels are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from bids_eeg2fmri.bold.rigid import Matrix, move


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Image:
    """A volume (n_x, n_y, n_z) and its affine (4, 4) to mm."""

    volume: NDArray[np.float32]
    affine: Matrix

    @property
    def sizes(self) -> NDArray[np.float64]:
        """Size of a voxel along each axis, (3,), mm."""
        sizes: NDArray[np.float64] = np.linalg.norm(self.affine[:3, :3], axis=0)
        return sizes

    def places(self, chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the mm (3, n_chosen) of some voxels."""
        return move(self.affine, np.argwhere(chosen).T.astype(np.float64))

    def coarser(self, size: float) -> Image:
        """Return the image in voxels of about ``size`` mm, where its own are smaller."""
        steps = np.maximum(1, np.rint(size / self.sizes)).astype(int)
        if np.all(steps == 1):
            return self
        smooth = gaussian_filter(self.volume, np.where(steps > 1, steps / 2.355, 0), mode="nearest")
        scaled = self.affine @ np.diag([*steps, 1.0])
        return Image(volume=smooth[:: steps[0], :: steps[1], :: steps[2]], affine=scaled)
