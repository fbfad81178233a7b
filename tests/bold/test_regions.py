from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bids_eeg2fmri.bids.derivatives import find_derivatives
from bids_eeg2fmri.bold.confounds import cosine_drift, non_steady_volumes, select_confounds
from bids_eeg2fmri.bold.extraction import extract_regions
from bids_eeg2fmri.bold.region_set import label_regions, load_regions, paint_spheres
from bids_eeg2fmri.errors import BadDataError, UsageError
from bids_eeg2fmri.records import SimultaneousRun
from bids_eeg2fmri.settings import BoldSettings, Selection, Settings
from bids_eeg2fmri.sync.discovery import discover_runs

AFFINE = np.array([[4.0, 0, 0, -92], [0, 4, 0, -128], [0, 0, 4, -74], [0, 0, 0, 1]])
SHAPE = (47, 56, 47)


def first_run(root: Path) -> SimultaneousRun:
    found = discover_runs(root, find_derivatives(root), "01", selection=Selection(), settings=Settings())
    return found.timed[0].run


def test_motor_set_has_its_twelve_regions_on_their_sides() -> None:
    spheres = load_regions("motor")
    assert len(spheres.names) == 12
    left = np.array([name.endswith("_L") for name in spheres.names])
    assert np.all((spheres.centres[:, 0] < 0) == left)


def test_spheres_are_disjoint_in_the_mask_and_keep_to_their_side() -> None:
    spheres = load_regions("motor")
    mask = np.ones(SHAPE, dtype=bool)
    mask[:, :, -10:] = False
    labels = paint_spheres(spheres, radius=8.0, shape=SHAPE, affine=AFFINE, mask=mask)
    x = (AFFINE[0, 0] * np.arange(SHAPE[0]) + AFFINE[0, 3])[:, None, None]
    for index, name in enumerate(spheres.names, start=1):
        voxels = labels == index
        assert voxels.any()
        assert not np.any(voxels & ~mask)
        side = np.broadcast_to(x, SHAPE)[voxels]
        assert np.all(side <= 0) if name.endswith("_L") else np.all(side >= 0)


def test_a_region_outside_the_data_is_an_error_that_names_it() -> None:
    spheres = load_regions("motor")
    mask = np.zeros(SHAPE, dtype=bool)
    mask[:20] = True
    with pytest.raises(BadDataError, match=r"Region \w+_R at .* has no voxel"):
        paint_spheres(spheres, radius=8.0, shape=SHAPE, affine=AFFINE, mask=mask)


def test_regions_from_a_table(tmp_path: Path) -> None:
    path = tmp_path / "mine.tsv"
    path.write_text("name\tx\ty\tz\nhand\t-38\t-22\t56\n")
    assert load_regions(str(path)).names == ("hand",)
    for text, words in [
        ("x\ty\tz\n1\t2\t3\n", "no table of regions"),
        ("name\tx\ty\tz\na\t1\t2\t3\na\t1\t2\t3\n", "names a region twice"),
        ("name\tx\ty\tz\na\tone\t2\t3\n", "holds no numbers"),
        ("name\tx\ty\tz\na\tn/a\t2\t3\n", "lacks coordinates"),
    ]:
        path.write_text(text)
        with pytest.raises(BadDataError, match=words):
            load_regions(str(path))
    with pytest.raises(UsageError, match="Did you mean 'motor'"):
        load_regions("moter")


def test_signals_follow_the_truth_and_are_clean_of_their_confounds(small_dataset: Path) -> None:
    run = first_run(small_dataset)
    settings = BoldSettings()
    series = extract_regions(run, label_regions([run], settings), settings)
    assert series.data.shape == (60, 12)
    assert run.confounds_path is not None
    regressors, names = select_confounds(run.confounds_path, settings, n_volumes=60, tr=run.tr)
    assert len(names) == regressors.shape[1]
    scale = np.linalg.norm(regressors, axis=0)[:, None] * np.linalg.norm(series.data, axis=0)
    assert np.abs(regressors.T @ series.data / scale).max() < 1e-6
    assert series.nuisance.shape[0] == 60
    assert "framewise_displacement" in series.nuisance_names


def test_confounds_are_checked(small_dataset: Path, tmp_path: Path) -> None:
    run = first_run(small_dataset)
    assert run.confounds_path is not None
    lines = run.confounds_path.read_text().splitlines()
    short = tmp_path / "short.tsv"
    short.write_text("\n".join(lines[:-5]) + "\n")
    with pytest.raises(BadDataError, match="55 rows but the BOLD has 60 volumes"):
        extract_regions(
            replace(run, confounds_path=short), label_regions([run], BoldSettings()), BoldSettings()
        )
    bare = tmp_path / "bare.tsv"
    bare.write_text("trans_x\n" + "0.1\n" * 60)
    with pytest.raises(BadDataError, match="lacks the columns trans_y"):
        select_confounds(bare, BoldSettings(), n_volumes=60, tr=2.0)
    steady = tmp_path / "steady.tsv"
    steady.write_text("non_steady_state_outlier00\n1\n" + "0\n" * 59)
    assert non_steady_volumes(steady, 60).tolist() == [True] + [False] * 59


def test_too_many_regressors_for_the_volumes(small_dataset: Path) -> None:
    run = first_run(small_dataset)
    with pytest.raises(BadDataError, match="usable volumes"):
        extract_regions(run, label_regions([run], BoldSettings()), BoldSettings(motion=24, highpass=0.2))


def test_cosines_span_what_is_below_the_cutoff() -> None:
    drift = cosine_drift(150, 2.0, 0.008)
    assert drift.shape == (150, 4)
    times = np.arange(150) * 2.0
    slow = np.cos(np.pi * (times + 1) / 300)
    residual = slow - drift @ np.linalg.lstsq(drift, slow, rcond=None)[0]
    assert np.linalg.norm(residual) < 0.05 * np.linalg.norm(slow)
    assert cosine_drift(150, 2.0, 0.0).shape == (150, 0)
