import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from bids_eeg2fmri.errors import UsageError
from bids_eeg2fmri.simulate.brain import read_regions
from bids_eeg2fmri.simulate.dataset import simulate_dataset
from bids_eeg2fmri.simulate.native_head import draw_head_place, load_head_model
from bids_eeg2fmri.simulate.native_scan import NativeHead, enlarge_motion, scan_native
from bids_eeg2fmri.simulate.options import SimulationOptions


@pytest.fixture(scope="module")
def head() -> NativeHead:
    place = draw_head_place(np.random.default_rng(1))
    return NativeHead(model=load_head_model(), to_template=place, shape=(32, 38, 26), size=(6.0, 6.0, 6.0))


def scan(head: NativeHead, motion: np.ndarray, signals: np.ndarray) -> np.ndarray:
    ticks = np.arange(len(signals), dtype=float)
    return scan_native(
        signals, ticks, motion, head=head, tr=2.0, noise=0.0, rng=np.random.default_rng(0)
    ).astype(float)


def middle_of_mass(volume: np.ndarray, affine: np.ndarray) -> np.ndarray:
    bright = volume > 400
    return affine[:3, :3] @ np.argwhere(bright).mean(axis=0) + affine[:3, 3]


def test_the_head_moves_by_the_motion(head):
    motion = np.zeros((2, 6))
    motion[1, :3] = 6.0, -6.0, 6.0
    images = scan(head, motion, np.zeros((10, 12)))
    moved = middle_of_mass(images[..., 1], head.bold_affine) - middle_of_mass(
        images[..., 0], head.bold_affine
    )
    assert moved == pytest.approx([6, -6, 6], abs=0.7)


def test_the_head_is_smaller_than_the_template_and_has_a_skull(head):
    scale = np.linalg.svd(head.to_template[:3, :3])[1]
    assert np.all((scale > 0.97) & (scale < 1.16))
    skull = head.model.tissues[3] > 0.5
    brain = head.model.tissues[:2].sum(axis=0) > 0.5
    assert skull.sum() > 0.1 * brain.sum()
    assert not np.any(skull & brain)


def test_regions_are_active_where_they_are(head):
    names, centres = read_regions()
    signals = np.zeros((10, 12))
    signals[:, names.index("M1_L")] = 5.0
    active, silent = (scan(head, np.zeros((1, 6)), s)[..., 0] for s in (signals, 0 * signals))
    change = np.where(silent > 300, 100 * (active / np.maximum(silent, 1) - 1), 0)
    place = np.linalg.inv(head.to_template) @ [*centres[names.index("M1_L")], 1]
    voxel = np.rint(np.linalg.inv(head.bold_affine) @ place).astype(int)[:3]
    assert change[tuple(voxel)] > 2  # neighbouring regions share its voxels
    far = np.linalg.norm(np.argwhere(change > 1) - voxel, axis=1) * 6
    assert far.max() < 25


def test_every_parameter_moves_by_one_to_two(rng):
    motion = enlarge_motion(rng.normal(size=(30, 6)), rng)
    largest = np.abs(motion).max(axis=0) / [1, 1, 1, *np.radians([1, 1, 1])]
    assert np.all((largest >= 1) & (largest <= 2))


def test_a_raw_dataset_has_no_preprocessed_bold_and_tells_the_truth(tmp_path: Path):
    options = SimulationOptions(participants=1, runs=1, volumes=40, channels=8, tr=1.0, bold="raw", t1w=True)
    simulate_dataset(tmp_path / "bids", options)
    assert not (tmp_path / "bids" / "derivatives" / "fmriprep").exists()
    image = nib.load(tmp_path / "bids" / "sub-01" / "func" / "sub-01_task-imagery_run-1_bold.nii.gz")
    sidecar = json.loads(
        (tmp_path / "bids" / "sub-01" / "func" / "sub-01_task-imagery_run-1_bold.json").read_text()
    )
    assert image.shape[3] == 40
    assert len(sidecar["SliceTiming"]) == image.shape[2]
    assert nib.load(tmp_path / "bids" / "sub-01" / "anat" / "sub-01_T1w.nii.gz").ndim == 3
    truth = tmp_path / "bids" / "derivatives" / "truth" / "sub-01" / "func"
    place = json.loads((truth / "sub-01_task-imagery_run-1_desc-truth_xfm.json").read_text())
    assert not np.allclose(place["ScannerToTemplate"], np.eye(4), atol=0.05)
    assert (truth / "sub-01_task-imagery_run-1_desc-truth_motion.tsv").read_text().count("\n") == 41


def test_an_anatomy_beside_preprocessed_bold_is_refused():
    with pytest.raises(UsageError, match="--t1w needs --bold raw"):
        SimulationOptions(t1w=True)
    with pytest.raises(UsageError, match="There is no bold 'moving'; choose one of preprocessed, raw"):
        SimulationOptions(bold="moving")
