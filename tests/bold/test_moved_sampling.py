"""Voxels are sampled where the head is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from bids_eeg2fmri.bold.moved_sampling import find_covered, sample_means
from bids_eeg2fmri.simulate.files import SCANNER, write_nifti


def shift(by: float) -> np.ndarray:
    matrix = np.eye(4)
    matrix[0, 3] = by
    return matrix


def test_a_moving_voxel_keeps_its_value(tmp_path: Path) -> None:
    x = np.indices((12, 8, 6))[0]
    places = [0.0, 1.5, -2.25]
    volumes = np.stack([1000 * np.exp(-0.5 * ((x - 5 - p) / 2.5) ** 2) for p in places], axis=-1)
    path = tmp_path / "moving.nii.gz"
    write_nifti(path, volumes.astype(np.int16), np.eye(4), space=SCANNER, tr=2.0)
    weights = np.zeros((2, *x.shape))
    weights[0, 5, 4, 3] = 1
    weights[1, 4:7, 4, 3] = 1, 2, 1
    to_volumes = np.stack([shift(p) for p in places])
    means = sample_means(path, csr_array(weights.reshape(2, -1)), x.shape, to_volumes)
    side = np.exp(-0.5 / 2.5**2)
    assert np.allclose(means[:, 0], 1000, atol=3)
    assert np.allclose(means[:, 1], 1000 * (2 + 2 * side) / 4, atol=3)
    still = sample_means(path, csr_array(weights.reshape(2, -1)), x.shape, np.tile(np.eye(4), (3, 1, 1)))
    assert np.ptp(still[:, 0]) > 100


def test_voxels_that_leave_the_image_are_not_covered() -> None:
    mask = np.ones((6, 4, 4), dtype=bool)
    mask[2] = False
    covered = find_covered(mask, np.stack([shift(0), shift(1.5), shift(-1)]), (6, 4, 4))
    assert covered.any(axis=(1, 2)).tolist() == [False, True, False, True, False, False]
