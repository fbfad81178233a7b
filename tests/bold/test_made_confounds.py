"""Confounds made by this app are read as those of fMRIPrep."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bids_eeg2fmri.bold.confounds import non_steady_volumes, select_confounds, select_nuisance
from bids_eeg2fmri.bold.grid import Grid
from bids_eeg2fmri.bold.made_confounds import describe_confounds, framewise_displacement, make_confounds
from bids_eeg2fmri.bold.mutual_information import ClassMaps
from bids_eeg2fmri.bold.tissue_masks import find_tissues
from bids_eeg2fmri.formats.json_file import read_json
from bids_eeg2fmri.formats.minimal_bold import write_confounds
from bids_eeg2fmri.records import RealignedRun
from bids_eeg2fmri.settings import BoldSettings


def make_run(motion: np.ndarray, gain: np.ndarray) -> RealignedRun:
    n_volumes = len(motion)
    return RealignedRun(
        mean=np.zeros((2, 2, 2), dtype=np.float32),
        affine=np.eye(4),
        mask=np.ones((2, 2, 2), dtype=bool),
        poses=np.tile(np.eye(4), (n_volumes, 1, 1)),
        motion=motion,
        similarity=np.ones(n_volumes),
        gain=gain,
    )


def test_all_regressors_are_in_the_table(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    gain = 1 + 0.001 * rng.standard_normal(60)
    gain[:2] = 1.3, 1.1
    run = make_run(rng.normal(size=(60, 6)) * 0.01, gain)
    confounds = make_confounds(run, {"white_matter": rng.normal(size=60), "csf": rng.normal(size=60)})
    path = tmp_path / "confounds.tsv"
    write_confounds(
        path, confounds, describe_confounds(tuple(confounds)), tr=2.0, start_time=1.0, steps=("minimal",)
    )
    values, names = select_confounds(
        path, BoldSettings(confounds=("motion24", "wm_csf")), n_volumes=60, tr=2.0
    )
    assert values.shape[1] == len(names) >= 26
    motion = select_nuisance(path, 60)[0]
    assert np.allclose(motion[:, :6], run.motion, rtol=1e-4, atol=1e-9)
    assert np.flatnonzero(non_steady_volumes(path, 60)).tolist() == [0, 1]
    sidecar = read_json(path.with_suffix(".json"))
    assert sidecar["Preprocessing"] == "minimal"
    assert sidecar["trans_x"]["Units"] == "mm"
    assert sidecar["rot_z"]["Units"] == "rad"


def test_a_steady_run_has_no_unsteady_volume() -> None:
    gain = 1 + 0.001 * np.random.default_rng(1).standard_normal(60)
    assert not any("non_steady" in name for name in make_confounds(make_run(np.zeros((60, 6)), gain), {}))


def test_framewise_displacement_measures_rotations_at_50_mm() -> None:
    motion = np.zeros((3, 6))
    motion[1:] = [0.1, 0, -0.2, 0.002, 0, 0]
    displacement = framewise_displacement(motion)
    assert np.isnan(displacement[0])
    assert displacement[1:] == pytest.approx([0.4, 0])


def test_tissues_lie_deep_in_the_template(tissues: ClassMaps, caplog: pytest.LogCaptureFixture) -> None:
    affine = np.diag([4.0, 4.0, 4.0, 1.0])
    affine[:3, 3] = -72, -108, -64
    voxels = np.moveaxis(np.indices((37, 47, 40)), 0, -1) @ affine[:3, :3].T + affine[:3, 3]
    centre = voxels - [0, -18, 10]
    mask = np.sum((centre / [65, 85, 60]) ** 2, axis=-1) < 1
    masks = find_tissues(Grid(shape=mask.shape, affine=affine, mask=mask), tissues)
    assert masks["white_matter"].sum() > 100
    assert masks["csf"].sum() >= 10
    ventricles = voxels[masks["csf"]]
    assert np.all(np.abs(ventricles[:, 0]) < 45)
    assert not np.any(masks["csf"] & masks["white_matter"])
    nothing = Grid(shape=mask.shape, affine=affine, mask=np.zeros_like(mask))
    assert find_tissues(nothing, tissues) == {}
    assert "no voxel of the BOLD lies deep in csf" in caplog.text
