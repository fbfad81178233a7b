"""Known movements are found again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bids_eeg2fmri.bold.brain_mask import find_brain_mask
from bids_eeg2fmri.bold.image import Image
from bids_eeg2fmri.bold.realign import find_pose, make_reference
from bids_eeg2fmri.bold.realign_run import link_runs, realign_run
from bids_eeg2fmri.bold.rigid import rigid_matrix, rigid_parameters
from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.simulate.files import SCANNER, write_nifti
from bids_eeg2fmri.simulate.native_scan import NativeHead, scan_native

TICKS = np.arange(0.0, 60.0, 1.0)
SILENCE = np.zeros((60, 12))


def scan(head: NativeHead, motion: np.ndarray, noise: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(0)
    return scan_native(SILENCE, TICKS, motion, head=head, tr=2.0, noise=noise, rng=rng)


def wander(n_volumes: int, seed: int) -> np.ndarray:
    """Return motion that reaches 2 mm and 2 degrees."""
    walk = np.cumsum(np.random.default_rng(seed).standard_normal((n_volumes, 6)), axis=0)
    return walk / np.abs(walk).max(axis=0) * [2, 2, 2, *np.radians([2, 2, 2])]


def test_movements_and_matrices_are_each_others_inverse() -> None:
    motion, centre = wander(7, 3), np.array([3.0, -20.0, 40.0])
    matrices = rigid_matrix(motion, centre)
    assert np.allclose(rigid_parameters(matrices, centre), motion)
    assert np.allclose(matrices[0, :3, :3] @ centre + matrices[0, :3, 3], centre + motion[0, :3])


@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_motion_of_a_run_is_found(small_head: NativeHead, tmp_path: Path, noise: float) -> None:
    motion = wander(10, 1)
    path = tmp_path / "bold.nii.gz"
    write_nifti(path, scan(small_head, motion, noise), small_head.bold_affine, space=SCANNER, tr=2.0)
    found = realign_run(path)
    true = rigid_matrix(motion, small_head.centre)
    error = rigid_parameters(found.poses @ np.linalg.inv(found.poses[5]), small_head.centre)
    error -= rigid_parameters(true @ np.linalg.inv(true[5]), small_head.centre)
    assert np.sqrt(np.mean(error[:, :3] ** 2)) < 0.1
    assert np.degrees(np.sqrt(np.mean(error[:, 3:] ** 2))) < 0.1
    assert np.ptp(motion[:, 2]) > 1
    assert found.similarity.min() > 0.95


def test_a_brighter_volume_has_not_moved(small_head: NativeHead) -> None:
    volume = scan(small_head, np.zeros((1, 6)))[..., 0].astype(np.float32)
    image = Image(volume=volume, affine=small_head.bold_affine)
    pose = find_pose(1.3 * volume, image.affine, make_reference(image, find_brain_mask(image, "it")))
    assert np.allclose(pose.matrix, np.eye(4), atol=1e-3)
    assert pose.gain == pytest.approx(1.3, abs=0.01)


def test_an_empty_volume_resembles_nothing(small_head: NativeHead) -> None:
    volume = scan(small_head, np.zeros((1, 6)))[..., 0].astype(np.float32)
    image = Image(volume=volume, affine=small_head.bold_affine)
    reference = make_reference(image, find_brain_mask(image, "it"))
    assert find_pose(np.zeros_like(volume), image.affine, reference).similarity == 0
    far = np.eye(4)
    far[0, 3] = 1000.0
    assert find_pose(volume, image.affine, reference, far).similarity == 0


def test_a_run_with_damaged_volumes_is_refused(small_head: NativeHead, tmp_path: Path) -> None:
    raw = scan(small_head, wander(10, 2))
    raw[..., :3] = 0
    path = tmp_path / "bold.nii.gz"
    write_nifti(path, raw, small_head.bold_affine, space=SCANNER, tr=2.0)
    with pytest.raises(BadDataError, match="3 of 10 volumes do not resemble"):
        realign_run(path)


def test_an_image_without_a_brain_is_refused(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 5, (20, 20, 20)).astype(np.float32)
    with pytest.raises(BadDataError, match="No brain was found in it"):
        find_brain_mask(Image(volume=noise, affine=np.diag([3.0, 3.0, 3.0, 1.0])), "it")


def test_runs_of_two_days_are_linked(small_head: NativeHead, tmp_path: Path) -> None:
    far = np.array([[18.0, -12.0, 15.0, 0.2, -0.1, 0.15]])
    moved = replace(small_head, to_template=small_head.to_template @ rigid_matrix(far, small_head.centre)[0])
    runs = []
    for k, head in enumerate((small_head, moved)):
        path = tmp_path / f"run{k}.nii.gz"
        still = np.zeros((3, 6))
        write_nifti(path, scan(head, still, 1.0), head.bold_affine, space=SCANNER, tr=2.0)
        runs.append(realign_run(path))
    link = link_runs(runs[0], runs[1], "run 1")
    true = np.linalg.inv(rigid_matrix(far, small_head.centre)[0])
    error = rigid_parameters((link @ np.linalg.inv(true))[None], small_head.centre)[0]
    assert np.abs(error[:3]).max() < 0.5
    assert np.degrees(np.abs(error[3:]).max()) < 0.5
