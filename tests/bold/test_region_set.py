from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from bids_eeg2fmri.bids.derivatives import find_derivatives
from bids_eeg2fmri.bold.extraction import extract_regions
from bids_eeg2fmri.bold.region_set import label_regions, load_regions, region_files
from bids_eeg2fmri.errors import BadDataError, MissingInputError, UsageError
from bids_eeg2fmri.formats.nifti import read_image_header, read_volume
from bids_eeg2fmri.records import SimultaneousRun
from bids_eeg2fmri.registry import REGION_SETS, check_region_set
from bids_eeg2fmri.settings import BoldSettings, Selection, Settings
from bids_eeg2fmri.sync.discovery import discover_runs


@pytest.fixture(scope="module")
def runs(small_dataset: Path) -> list[SimultaneousRun]:
    found = discover_runs(
        small_dataset, find_derivatives(small_dataset), "01", selection=Selection(), settings=Settings()
    )
    return [timed.run for timed in found.timed]


def save_atlas(path: Path, run: SimultaneousRun, n_regions: int = 4) -> np.ndarray:
    """Write slabs of the brain from left to right as labels, on the grid of a run; return them."""
    assert run.mask_path is not None
    mask = read_volume(run.mask_path) > 0
    edges = np.linspace(0, mask.shape[0], n_regions + 1)[1:-1]
    slabs = np.digitize(np.arange(mask.shape[0]), edges) + 1
    labels = np.where(mask, slabs[:, None, None], 0).astype(np.int16)
    nib.save(nib.Nifti1Image(labels, read_image_header(run.bold_path).affine), path)
    return labels


@pytest.mark.parametrize(
    ("name", "n_regions", "least"),
    [("motor", 12, 12), ("seitzman300", 300, 290), ("power264", 264, 255), ("dosenbach160", 160, 155)],
)
def test_every_set_on_the_simulated_data(
    runs: list[SimultaneousRun], name: str, n_regions: int, least: int, caplog: pytest.LogCaptureFixture
) -> None:
    settings = BoldSettings(regions=name)
    regions = label_regions(runs, settings)
    assert least <= len(regions.names) <= n_regions
    assert (n_regions > len(regions.names)) == (f"of {n_regions} regions dropped" in caplog.text)
    assert set(np.unique(regions.labels)) == set(range(len(regions.names) + 1))
    series = extract_regions(runs[0], regions, settings)
    assert series.data.shape == (60, len(regions.names))
    assert np.all(series.data.std(axis=0) > 0)
    assert series.steps[0].startswith("mean over spheres of ")


def test_signals_of_a_label_image_are_the_means_of_its_voxels(
    runs: list[SimultaneousRun], tmp_path: Path
) -> None:
    labels = save_atlas(tmp_path / "atlas.nii.gz", runs[0])
    settings = BoldSettings(regions=str(tmp_path / "atlas.nii.gz"), highpass=0.0)
    run = replace(runs[0], confounds_path=None)
    series = extract_regions(run, label_regions(runs, settings), settings)
    image = np.asarray(nib.load(run.bold_path).dataobj)
    for k in range(4):
        mean = image[labels == k + 1].mean(axis=0)
        change = 100 * (mean / mean.mean() - 1)
        assert series.data[:, k] == pytest.approx(change - change.mean(), abs=1e-4)


def test_signals_of_maps_are_weighted_and_regions_may_overlap(
    runs: list[SimultaneousRun], tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    labels = save_atlas(tmp_path / "atlas.nii.gz", runs[0])
    maps = np.stack([(labels <= k + 1) * (labels > 0) * rng.random(labels.shape) for k in range(4)], axis=-1)
    affine = read_image_header(runs[0].bold_path).affine
    nib.save(nib.Nifti1Image(maps.astype(np.float32), affine), tmp_path / "maps.nii.gz")
    settings = BoldSettings(regions=str(tmp_path / "maps.nii.gz"), highpass=0.0)
    run = replace(runs[0], confounds_path=None)
    regions = label_regions(runs, settings)
    series = extract_regions(run, regions, settings)
    image = np.asarray(nib.load(run.bold_path).dataobj)
    for k in range(4):
        mean = np.average(image.reshape(-1, 60), axis=0, weights=maps[..., k].ravel())
        change = 100 * (mean / mean.mean() - 1)
        assert series.data[:, k] == pytest.approx(change - change.mean(), abs=1e-4)
    assert "as weights" in series.steps[0]
    assert regions.digest != label_regions(runs, replace(settings, regions="motor")).digest


def test_a_region_outside_the_brain_is_refused_by_name(runs: list[SimultaneousRun], tmp_path: Path) -> None:
    path = tmp_path / "atlas.nii.gz"
    labels = save_atlas(path, runs[0])
    labels[0, 0, 0] = 9
    nib.save(nib.Nifti1Image(labels, read_image_header(runs[0].bold_path).affine), path)
    with pytest.raises(BadDataError, match=r"Region label_9 \(label 9\) has no voxel inside the brain mask"):
        label_regions(runs, BoldSettings(regions=str(path)))


def test_names_of_sets_are_checked_without_loading_them() -> None:
    for name in REGION_SETS:
        check_region_set(name.replace("N", "400"))
    for name, words in [
        ("moter", "Did you mean 'motor'"),
        ("power", "Did you mean 'power264'"),
        ("shaefer:100", "Did you mean 'schaefer:N'"),
        ("schaefer", "for example schaefer:400"),
        ("schaefer:", "for example schaefer:400"),
        ("schaefer:450", "100 to 1000 in steps of 100"),
        ("none.nii.gz", "neither a set"),
    ]:
        with pytest.raises(UsageError, match=words):
            load_regions(name)


def test_schaefer_is_loaded_by_its_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(url: str, timeout: float) -> None:
        raise TimeoutError

    monkeypatch.setattr("bids_eeg2fmri.bold.schaefer.urlopen", refuse)
    monkeypatch.setenv("NILEARN_DATA", str(tmp_path))
    with pytest.raises(MissingInputError, match="schaefer:300"):
        load_regions("schaefer:300")


def test_files_of_a_set_are_known(tmp_path: Path, runs: list[SimultaneousRun]) -> None:
    path = tmp_path / "atlas.nii.gz"
    save_atlas(path, runs[0])
    assert region_files("motor") == region_files("schaefer:100") == ()
    assert region_files(str(path)) == (path,)
    (tmp_path / "atlas.tsv").write_text("index\tname\n1\ta\n")
    assert region_files(str(path)) == (path, tmp_path / "atlas.tsv")
    assert region_files(str(tmp_path / "atlas.tsv")) == (tmp_path / "atlas.tsv",)


@pytest.mark.parametrize("name", ["weight", "mean", " "])
def test_names_that_tables_cannot_hold_are_refused(
    name: str, runs: list[SimultaneousRun], tmp_path: Path
) -> None:
    table = tmp_path / "mine.tsv"
    table.write_text(f"name\tx\ty\tz\n{name}\t-38\t-22\t56\n")
    with pytest.raises(BadDataError, match=r"Rename the region|needs rows"):
        label_regions(runs, BoldSettings(regions=str(table)))
