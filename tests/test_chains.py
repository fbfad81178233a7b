"""Behind other pipelines, with the names and folders that they really write, and in front of other tools.

The names are those in the lists of outputs that fMRIPrep and XCP-D test themselves against, and those of a
run of MNE-BIDS-Pipeline.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import nibabel as nib
import pandas as pd
import pytest
from bids import BIDSLayout
from mne_bids import BIDSPath, read_raw_bids
from nilearn.interfaces.bids import get_bids_files
from nilearn.maskers import NiftiLabelsMasker

from bids_eeg2fmri import cli
from bids_eeg2fmri.bids.derivatives import find_derivatives
from bids_eeg2fmri.settings import Selection, Settings
from bids_eeg2fmri.sync.discovery import Discovery, discover_runs

SPACE = "space-MNI152NLin2009cAsym"
RUN = "sub-01_task-imagery_run-01"


def discover(root: Path, *derivatives: Path) -> Discovery:
    folders = derivatives or find_derivatives(root)
    return discover_runs(root, folders, "01", selection=Selection(runs=("1",)), settings=Settings())


def run_app(*args: object) -> None:
    with pytest.raises(SystemExit, match="0"):
        cli.main([str(arg) for arg in args])


@pytest.fixture
def fmriprep(own_dataset: Path) -> Path:
    """fMRIPrep's output of a participant, with --output-spaces T1w fsaverage5 MNI152NLin2009cAsym:res-2."""
    root = own_dataset / "derivatives" / "fmriprep"
    func, anat = root / "sub-01" / "func", root / "sub-01" / "anat"
    for path in sorted(func.iterdir()):
        name = path.name.replace("_run-1_", "_run-01_").replace(f"{SPACE}_desc", f"{SPACE}_res-2_desc")
        path.rename(func / name)
    image = func / f"{RUN}_{SPACE}_res-2_desc-preproc_bold.nii.gz"
    mask = func / f"{RUN}_{SPACE}_res-2_desc-brain_mask.nii.gz"
    for other in ("space-T1w_desc-preproc_bold", "desc-coreg_boldref", "desc-hmc_boldref"):
        shutil.copy(image, func / f"{RUN}_{other}.nii.gz")
    for other in ("desc-brain_mask", "space-T1w_desc-brain_mask", f"{SPACE}_res-2_desc-aseg_dseg"):
        shutil.copy(mask, func / f"{RUN}_{other}.nii.gz")
    for name in (
        "from-boldref_to-T1w_mode-image_desc-coreg_xfm.txt",
        "from-orig_to-boldref_mode-image_desc-hmc_xfm.txt",
        "hemi-L_space-fsaverage5_bold.func.gii",
        "hemi-L_space-fsaverage5_bold.json",
        "space-fsLR_den-91k_bold.dtseries.nii",
        "desc-confounds_timeseries.json",
    ):
        (func / f"{RUN}_{name}").write_text("{}")
    anat.mkdir(exist_ok=True)
    for name in (
        "desc-preproc_T1w.nii.gz",
        "from-T1w_to-MNI152NLin2009cAsym_mode-image_xfm.h5",
        "dseg.nii.gz",
    ):
        (anat / f"sub-01_{name}").touch()
    (root / "sub-01" / "figures").mkdir(exist_ok=True)
    (root / "sub-01" / "figures" / f"{RUN}_desc-carpetplot_bold.svg").touch()
    (root / "sub-01.html").touch()
    return root


def test_after_fmriprep(own_dataset: Path, fmriprep: Path) -> None:
    found = discover(own_dataset)
    (timed,) = found.timed
    func = fmriprep / "sub-01" / "func"
    assert timed.run.bold_path == func / f"{RUN}_{SPACE}_res-2_desc-preproc_bold.nii.gz"
    assert timed.run.mask_path == func / f"{RUN}_{SPACE}_res-2_desc-brain_mask.nii.gz"
    assert timed.run.confounds_path == func / f"{RUN}_desc-confounds_timeseries.tsv"
    assert not found.unusable


def test_after_xcp_d(own_dataset: Path, fmriprep: Path, tmp_path: Path) -> None:
    """Beside each run, XCP-D writes all runs of a task in one file, and everything again smoothed."""
    root = tmp_path / "xcp_d"
    func = root / "sub-01" / "func"
    func.mkdir(parents=True)
    description = {"Name": "XCP-D", "BIDSVersion": "1.9.0", "DatasetType": "derivative"}
    (root / "dataset_description.json").write_text(json.dumps(description))
    image = nib.load(fmriprep / "sub-01" / "func" / f"{RUN}_{SPACE}_res-2_desc-preproc_bold.nii.gz")
    for stem in (RUN, "sub-01_task-imagery"):
        for desc in ("denoised", "denoisedSmoothed"):
            name = f"{stem}_{SPACE}_res-2_desc-{desc}_bold"
            nib.save(image, func / f"{name}.nii.gz")
            (func / f"{name}.json").write_text('{"RepetitionTime": 2.0}')
        rows = "\n".join(["framewise_displacement", *("0" for _ in range(image.shape[3]))])
        (func / f"{stem}_outliers.tsv").write_text(f"{rows}\n")
        columns = ["trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z", "framewise_displacement"]
        motion = pd.DataFrame(0.1, index=range(image.shape[3]), columns=columns)
        motion.to_csv(func / f"{stem}_desc-filtered_motion.tsv", sep="\t", index=False)
    for name in ("res-2_stat-alff_boldmap.nii.gz", "res-2_stat-reho_boldmap.nii.gz", "desc-linc_qc.tsv"):
        (func / f"{RUN}_{SPACE}_{name}").touch()
    (root / "sub-01_executive_summary.html").touch()
    (timed,) = discover(own_dataset, root, fmriprep).timed
    assert timed.run.bold_path == func / f"{RUN}_{SPACE}_res-2_desc-denoised_bold.nii.gz"
    assert timed.run.is_denoised
    assert timed.run.confounds_path == func / f"{RUN}_desc-filtered_motion.tsv"
    # It writes no mask of its own.
    assert timed.run.mask_path == fmriprep / "sub-01" / "func" / f"{RUN}_{SPACE}_res-2_desc-brain_mask.nii.gz"
    assert timed.run.outliers_path == func / f"{RUN}_outliers.tsv"


def write_mne_bids_pipeline(own_dataset: Path, *, clean: bool = True) -> Path:
    """Write what MNE-BIDS-Pipeline 1.10.1 makes of a participant's EEG with spatial_filter = "ica"."""
    root = own_dataset / "derivatives" / "mne-bids-pipeline"
    folder = root / "sub-01" / "eeg"
    folder.mkdir(parents=True)
    description = {
        "Name": "mne-bids-pipeline outputs",
        "BIDSVersion": "1.9.0",
        "PipelineDescription": {"Name": "mne-bids-pipeline", "Version": "1.10.1"},
        "SourceDatasets": {"URL": "n/a"},
    }
    (root / "dataset_description.json").write_text(json.dumps(description))
    for run in ("1", "2") if clean else ():
        # As MNE-BIDS reads it: the events table stands in the place of all markers, also of those of volumes.
        path = BIDSPath(subject="01", task="imagery", run=run, datatype="eeg", root=own_dataset)
        raw = read_raw_bids(path, verbose="error").load_data()
        assert {"R128", "Response/R128"}.isdisjoint(raw.annotations.description)
        raw.filter(0.5, 45.0, verbose="error")
        raw.info["bads"] = ["Fp1"]
        for stage in ("filt", "clean"):
            raw.save(folder / f"sub-01_task-imagery_run-{run}_proc-{stage}_raw.fif", verbose="error")
    # Epochs are of all runs, components of all tasks.
    for name in ("epo", "proc-ica_epo", "proc-clean_epo", "ave"):
        (folder / f"sub-01_task-imagery_{name}.fif").touch()
    for name in ("proc-icafit_epo.fif", "proc-icafit_ica.fif", "proc-ica_ica.fif", "proc-ica_components.tsv"):
        (folder / f"sub-01_{name}").touch()
    for name in ("sub-01_task-imagery_run-1_bads.tsv", "sub-01_report.html", "sub-01_report.h5.lock"):
        (folder / name).touch()
    (root / "_cache").mkdir()
    return root


def test_after_mne_bids_pipeline(own_dataset: Path, tmp_path: Path) -> None:
    root = write_mne_bids_pipeline(own_dataset)
    out = tmp_path / "out"
    run_app(own_dataset, out, "participant", "--participant-label", "01", "--model", "smr", "--n-nulls", "20")
    eeg = out / "sub-01" / "eeg"
    for run in ("1", "2"):
        sidecar = json.loads((eeg / f"sub-01_task-imagery_run-{run}_desc-clean_eeg.json").read_text())
        (source,) = sidecar["Sources"]
        assert source.endswith(f"sub-01/eeg/sub-01_task-imagery_run-{run}_proc-clean_raw.fif")
        done = next(step for step in sidecar["Steps"] if "already done by another pipeline" in step)
        assert "'clean' in its name" in done
        assert any("Fp1" in step for step in sidecar["Steps"])  # bad channels stay in its files, marked
    made_by = json.loads((out / "dataset_description.json").read_text())["GeneratedBy"]
    assert made_by[0]["Name"] == "bids_eeg2fmri"
    assert "mne-bids-pipeline" in [entry["Name"] for entry in made_by]
    runs = (out / "sub-01" / "sub-01_runs.tsv").read_text()
    assert f"EEG as preprocessed in {root}" in runs
    assert "which is as long: 'Response/R128'" in runs


def test_epochs_of_mne_bids_pipeline_are_no_recording(own_dataset: Path) -> None:
    write_mne_bids_pipeline(own_dataset, clean=False)
    found = discover(own_dataset)
    (timed,) = found.timed
    assert timed.run.eeg_path.suffix == ".vhdr"
    told = " ".join(found.found[0].evidence)
    assert "epochs that are not used" in told
    assert "process_raw_clean = True" in told


@pytest.fixture(scope="module")
def results(
    small_dataset: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, dict[Path, tuple[int, int]]]]:
    """Results on another file system, of a dataset that cannot be written, and its state before."""
    bids = tmp_path_factory.mktemp("readonly") / "bids"
    shutil.copytree(small_dataset, bids)
    for path in (bids, *bids.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in bids.rglob("*")}
    elsewhere = Path("/dev/shm")
    if not elsewhere.is_dir() or elsewhere.stat().st_dev == bids.stat().st_dev:
        pytest.skip("there is no second file system at /dev/shm")
    with tempfile.TemporaryDirectory(dir=elsewhere) as folder:
        out = Path(folder) / "deep" / "out"
        work = tmp_path_factory.mktemp("work")
        run_app(bids, out, "participant", "--model", "ridge", "--n-nulls", "20", "-w", work)
        run_app(bids, out, "group")
        yield out, before
    for path in (bids, *bids.rglob("*")):
        path.chmod(0o755)


def test_a_dataset_that_cannot_be_written_and_results_on_another_file_system(
    results: tuple[Path, dict[Path, tuple[int, int]]],
) -> None:
    out, before = results
    bids = min(before, key=lambda path: len(path.parts)).parent
    after = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in bids.rglob("*")}
    assert after == before
    assert (out / "group.html").is_file()
    assert not [path for path in out.rglob("*") if "part" in path.name.split(".")]
    assert out.stat().st_dev != bids.stat().st_dev


def test_before_pandas(results: tuple[Path, dict[Path, tuple[int, int]]]) -> None:
    out, _ = results
    func = out / "sub-01" / "func"
    for run in ("1", "2"):
        stem = f"sub-01_task-imagery_run-{run}_desc"
        measured = pd.read_csv(func / f"{stem}-regions_timeseries.tsv", sep="\t")
        predicted = pd.read_csv(func / f"{stem}-ridge_timeseries.tsv", sep="\t")
        assert len(measured) == len(predicted) == 60
        assert list(measured.columns) == list(predicted.columns)
        assert all(pd.api.types.is_numeric_dtype(kind) for kind in measured.dtypes)
        sidecar = json.loads((func / f"{stem}-ridge_timeseries.json").read_text())
        assert set(predicted.columns) <= set(sidecar)
        assert sidecar["SamplingFrequency"] == 0.5
    scores = pd.read_csv(out / "group_scores.tsv", sep="\t")
    assert scores["r"].dtype == float
    assert set(scores["model"]) >= {"ridge", "task"}


def test_before_pybids(results: tuple[Path, dict[Path, tuple[int, int]]]) -> None:
    out, _ = results
    layout = BIDSLayout(out, validate=False, is_derivative=True)
    assert layout.get_subjects() == ["01", "02"]
    files = layout.get(suffix="timeseries", desc="ridge", extension=".tsv")
    assert len(files) == 4
    assert {file.get_entities()["run"] for file in files} == {1, 2}
    assert {file.get_metadata()["SamplingFrequency"] for file in files} == {0.5}
    assert len(layout.get(subject="01", suffix="eeg", desc="clean", extension=".vhdr")) == 2


def test_before_nilearn(results: tuple[Path, dict[Path, tuple[int, int]]], small_dataset: Path) -> None:
    """The label image goes into nilearn's masker, whose regions are then those of our tables."""
    out, _ = results
    tables = get_bids_files(
        out, file_tag="timeseries", file_type="tsv", sub_label="01", filters=[("run", "1")]
    )
    assert {Path(path).name.split("_desc-")[1] for path in tables} >= {"regions_timeseries.tsv"}
    (labels,) = sorted((out / "sub-01").rglob("*_desc-regions_dseg.nii.gz"))
    bold = small_dataset / "derivatives" / "fmriprep" / "sub-01" / "func"
    (image,) = bold.glob("*run-1_*desc-preproc_bold.nii.gz")
    masker = NiftiLabelsMasker(str(labels), standardize=None)
    series = masker.fit_transform(str(image))
    names = pd.read_csv(str(labels).replace(".nii.gz", ".tsv"), sep="\t")
    assert series.shape == (60, len(names))
