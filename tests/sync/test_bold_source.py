"""Which image is read where there are several, and those of pipelines other than fMRIPrep."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from bids_eeg2fmri.bids.derivatives import find_derivatives
from bids_eeg2fmri.bold.extraction import extract_regions
from bids_eeg2fmri.bold.region_set import label_regions
from bids_eeg2fmri.records import RegionSeries, SimultaneousRun
from bids_eeg2fmri.settings import BoldSettings, Selection, Settings
from bids_eeg2fmri.sync.discovery import Discovery, discover_runs

SPACE = "space-MNI152NLin2009cAsym"
STEM = "sub-01_task-imagery_run-1"


def find(root: Path, bold: BoldSettings | None = None, folders: list[Path] | None = None) -> Discovery:
    return discover_runs(
        root,
        folders or find_derivatives(root),
        "01",
        selection=Selection(runs=("1",)),
        settings=Settings(bold=bold or BoldSettings()),
    )


def only_run(
    root: Path, bold: BoldSettings | None = None, folders: list[Path] | None = None
) -> SimultaneousRun:
    (timed,) = find(root, bold, folders).timed
    return timed.run


def extract(run: SimultaneousRun, settings: BoldSettings | None = None) -> RegionSeries:
    settings = settings or BoldSettings()
    return extract_regions(run, label_regions([run], settings), settings)


def halve(path: Path, to: Path) -> None:
    """Write an image with voxels twice as large."""
    image = nib.load(path)
    affine = image.affine @ np.diag([2, 2, 2, 1])
    data = np.asarray(image.dataobj)[::2, ::2, ::2]
    nib.save(nib.Nifti1Image(data, affine, image.header), to)


@pytest.fixture
def func(own_dataset: Path) -> Path:
    """The folder of fMRIPrep's files of a participant."""
    return own_dataset / "derivatives" / "fmriprep" / "sub-01" / "func"


def test_of_several_resolutions_the_coarsest_is_read_with_its_own_mask(own_dataset: Path, func: Path) -> None:
    for kind in ("desc-preproc_bold", "desc-brain_mask"):
        fine = func / f"{STEM}_{SPACE}_{kind}.nii.gz"
        halve(fine, func / f"{STEM}_{SPACE}_res-10_{kind}.nii.gz")
        fine.rename(func / f"{STEM}_{SPACE}_res-2_{kind}.nii.gz")
    run = only_run(own_dataset)
    assert "res-10" in run.bold_path.name
    assert run.mask_path is not None
    assert "res-10" in run.mask_path.name
    assert any(
        "BOLD from fmriprep" in text and "res-10" in text and "12 x 12 x 12 mm" in text
        for text in run.evidence
    )
    other = only_run(own_dataset, BoldSettings(resolution="2"))
    assert other.mask_path is not None
    assert "res-2" in other.bold_path.name
    assert "res-2" in other.mask_path.name


def test_another_space_is_named_where_the_one_asked_for_is_not_there(own_dataset: Path) -> None:
    found = find(own_dataset, BoldSettings(space="MNI152NLin6Asym"))
    assert not found.timed
    reason = found.unusable[0].reason
    assert "in space MNI152NLin6Asym" in reason
    assert f"{SPACE} desc-preproc" in reason
    assert "bold.space" in reason


def write_xcp_d(own_dataset: Path, func: Path, *, flagged: list[int], censored: bool, mean: bool) -> Path:
    """Write what XCP-D makes of a run: denoised and demeaned, its mean image, motion and outliers."""
    root = own_dataset.parent / "xcp_d"
    out = root / "sub-01" / "func"
    out.mkdir(parents=True)
    description = {"Name": "XCP-D", "BIDSVersion": "1.9.0", "DatasetType": "derivative"}
    (root / "dataset_description.json").write_text(json.dumps(description))
    image = nib.load(func / f"{STEM}_{SPACE}_desc-preproc_bold.nii.gz")
    data = np.asarray(image.dataobj, dtype=np.float32)
    average = data.mean(axis=3)
    kept = [k for k in range(data.shape[3]) if not (censored and k in flagged)]
    denoised = (data - average[..., None])[..., kept]
    name = f"{STEM}_{SPACE}_desc-denoised_bold"
    header = image.header.copy()
    header.set_data_dtype(np.float32)
    header.set_slope_inter(1, 0)
    nib.save(nib.Nifti1Image(denoised, image.affine, header), out / f"{name}.nii.gz")
    (out / f"{name}.json").write_text(json.dumps({"RepetitionTime": 2.0, "StartTime": 1.0}))
    if mean:
        nib.save(nib.Nifti1Image(average, image.affine), out / f"{STEM}_{SPACE}_boldref.nii.gz")
    mask = f"{STEM}_{SPACE}_desc-brain_mask.nii.gz"
    shutil.copy(func / mask, out / mask)
    confounds = pd.read_csv(func / f"{STEM}_desc-confounds_timeseries.tsv", sep="\t", na_values="n/a")
    columns = ["trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z", "framewise_displacement"]
    confounds[columns].to_csv(out / f"{STEM}_motion.tsv", sep="\t", index=False, na_rep="n/a")
    outliers = pd.DataFrame(
        {"framewise_displacement": np.isin(np.arange(data.shape[3]), flagged).astype(int)}
    )
    outliers.to_csv(out / f"{STEM}_outliers.tsv", sep="\t", index=False)
    return root


@pytest.mark.parametrize("censored", [True, False], ids=["volumes dropped", "volumes interpolated"])
def test_output_of_xcp_d_is_not_cleaned_again(own_dataset: Path, func: Path, censored: bool) -> None:
    root = write_xcp_d(own_dataset, func, flagged=[7, 30], censored=censored, mean=True)
    run = only_run(own_dataset, folders=[root])
    assert run.is_denoised
    series = extract(run)
    assert np.flatnonzero(series.weights == 0).tolist() == [7, 30]
    assert "framewise_displacement" in series.nuisance_names
    assert any("no confounds removed here" in step for step in series.steps)
    assert any("boldref" in step for step in series.steps)
    # The same in percent as the image it was made of, without confounds removed.
    plain = extract(only_run(own_dataset), BoldSettings(confounds="none", highpass=0.0))
    kept = series.weights > 0
    for own, other in zip(series.data[kept].T, plain.data[kept].T, strict=True):
        np.testing.assert_allclose(own - own.mean(), other - other.mean(), atol=0.02)


def test_denoised_without_a_mean_image_stays_in_its_units(
    own_dataset: Path, func: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = write_xcp_d(own_dataset, func, flagged=[], censored=False, mean=False)
    series = extract(only_run(own_dataset, folders=[root]))
    assert "stay in its units" in caplog.text
    plain = extract(only_run(own_dataset), BoldSettings(confounds="none", highpass=0.0))
    for own, other in zip(series.data.T, plain.data.T, strict=True):
        assert np.corrcoef(own, other)[0, 1] > 0.999
        assert own.std() > 3 * other.std()  # a percent of an image around 800 is 8


def test_preproc_goes_before_denoised_and_either_can_be_asked_for(own_dataset: Path, func: Path) -> None:
    root = write_xcp_d(own_dataset, func, flagged=[], censored=False, mean=True)
    for path in (root / "sub-01" / "func").glob("*_bold.*"):
        shutil.copy(path, func / path.name)
    assert "desc-preproc" in only_run(own_dataset).bold_path.name
    chosen = only_run(own_dataset, BoldSettings(desc="denoised"))
    assert "desc-denoised" in chosen.bold_path.name


def test_an_image_of_unknown_making_does_not_go_before_fmriprep(own_dataset: Path, func: Path) -> None:
    other = own_dataset / "derivatives" / "aroma"
    shutil.copytree(func.parent.parent, other)
    for path in sorted(other.rglob("*_desc-preproc_bold.*")):
        path.rename(path.with_name(path.name.replace("desc-preproc", "desc-smooth")))
    assert find_derivatives(own_dataset)[0] == other
    assert "fmriprep" in only_run(own_dataset).bold_path.parts
    assert "aroma" in only_run(own_dataset, BoldSettings(desc="smooth")).bold_path.parts


def test_the_only_image_of_another_pipeline_is_taken(own_dataset: Path, func: Path) -> None:
    for path in sorted(func.glob("*_desc-preproc_bold.*")):
        path.rename(path.with_name(path.name.replace("desc-preproc", "desc-standard")))
    for path in func.glob("*_desc-confounds_*"):
        path.unlink()
    run = only_run(own_dataset)
    assert "desc-standard" in run.bold_path.name
    assert run.confounds_path is None
    image = func / f"{STEM}_{SPACE}_desc-standard_bold.nii.gz"
    shutil.copy(image, func / f"{STEM}_{SPACE}_desc-smoothed_bold.nii.gz")
    found = find(own_dataset)
    assert not found.timed, "of two kinds that are both unknown none is chosen"
    assert "desc-smoothed" in found.unusable[0].reason
    assert "desc-standard" in only_run(own_dataset, BoldSettings(desc="standard")).bold_path.name
