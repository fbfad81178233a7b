"""A dataset without any derivatives goes through the whole app."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bids_eeg2fmri.bids.derivatives import find_derivatives
from bids_eeg2fmri.bold.confounds import select_confounds
from bids_eeg2fmri.bold.extraction import extract_regions
from bids_eeg2fmri.bold.region_set import label_regions
from bids_eeg2fmri.cli import main
from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.settings import BoldSettings, Selection, Settings
from bids_eeg2fmri.simulate.dataset import simulate_dataset
from bids_eeg2fmri.simulate.options import SimulationOptions
from bids_eeg2fmri.sync.bold_source import is_minimal
from bids_eeg2fmri.sync.discovery import discover_runs

NOISELESS = {"participants": 1, "runs": 2, "volumes": 50, "channels": 8, "noise": 0.0, "seed": 2}


@pytest.fixture(scope="module")
def raw_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nothing but what scanner and amplifier stored; run 2 is there once more as a localiser without EEG."""
    root = tmp_path_factory.mktemp("raw") / "bids"
    simulate_dataset(root, SimulationOptions(**NOISELESS, eeg="raw", bold="raw"))
    for path in sorted((root / "sub-01" / "func").glob("*task-imagery_run-2*")):
        shutil.copy(path, path.with_name(path.name.replace("task-imagery_run-2", "task-motorloc")))
    return root


@pytest.fixture(scope="module")
def work_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("work")


def run_app(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(a) for a in arguments])
    return int(ended.value.code or 0)


def correlate_with_truth(
    root: Path, measured: np.ndarray, names: list[str], run: int, design: np.ndarray
) -> list:
    """Return r per region of measured and true signals, the same regressors removed from both."""
    name = f"sub-01_task-imagery_run-{run}_desc-truth_timeseries.tsv"
    truth = pd.read_csv(root / "derivatives" / "truth" / "sub-01" / "func" / name, sep="\t")[names].to_numpy()
    design = np.hstack([np.ones((len(design), 1)), design])
    truth = truth - design @ np.linalg.lstsq(design, truth, rcond=None)[0]
    return [np.corrcoef(a, b)[0, 1] for a, b in zip(measured.T, truth.T, strict=True)]


def test_raw_data_alone_suffice(
    raw_dataset: Path, work_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    call = [raw_dataset, out, "participant", "-w", work_dir, "--task-label", "imagery"]
    call += ["--model", "ridge", "--set", "evaluation.n_nulls=20"]
    assert run_app(*call) == 0
    folder = out / "sub-01" / "func"
    found = []
    for run in (1, 2):
        stem = f"sub-01_task-imagery_run-{run}_desc"
        table = pd.read_csv(folder / f"{stem}-regions_timeseries.tsv", sep="\t").drop(columns="weight")
        confounds = folder / f"{stem}-minimal_timeseries.tsv"
        regressors, _ = select_confounds(confounds, BoldSettings(), n_volumes=50, tr=2.0)
        found.append(correlate_with_truth(raw_dataset, table.to_numpy(), list(table), run, regressors))
        motion = pd.read_csv(confounds, sep="\t")
        assert motion["trans_z"].abs().max() > 0.3
        assert motion["framewise_displacement"].notna().sum() == 49
        for kind in ("regions", "minimal", "ridge"):
            text = (folder / f"{stem}-{kind}_timeseries.json").read_text(encoding="utf-8")
            assert "minimal" in text
    assert np.mean(found) > 0.9
    for path in (out / "sub-01" / "eeg").glob("*_desc-clean_eeg.json"):
        assert "gradient artefact" in path.read_text(encoding="utf-8")
    reference = next(folder.glob("*_space-MNI152NLin2009aSym_desc-minimal_boldref.json"))
    assert json.loads(reference.read_text(encoding="utf-8"))["BrainOverlap"] > 0.9
    page = (out / "sub-01.html").read_text(encoding="utf-8")
    assert "preprocessed minimally" in page
    assert "Run fMRIPrep" in page
    (model,) = (out / "sub-01").glob("*_desc-ridge_model.json")
    assert json.loads(model.read_text(encoding="utf-8"))["bold"] == "minimal"
    assert "minimal preprocessing" in (out / "sub-01" / "sub-01_runs.tsv").read_text(encoding="utf-8")
    capsys.readouterr()
    assert run_app(*call) == 0
    assert "up to date" in capsys.readouterr().out
    validator = shutil.which("bids-validator-deno", path=str(Path(sys.executable).parent))
    if validator is not None:
        done = subprocess.run([validator, str(out)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:]


def test_derivatives_can_be_insisted_on(
    raw_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = [raw_dataset, tmp_path / "out", "participant", "--set", "bold.preprocessing=derivatives"]
    assert run_app(*call) == 66
    text = capsys.readouterr()
    assert "Run fMRIPrep" in text.out + text.err
    assert "bold.preprocessing=minimal" in text.out + text.err


def test_one_participant_without_derivatives_is_not_treated_otherwise(own_dataset: Path) -> None:
    shutil.rmtree(own_dataset / "derivatives" / "fmriprep" / "sub-01")
    roots = find_derivatives(own_dataset)
    found = discover_runs(own_dataset, roots, "01", selection=Selection(), settings=Settings())
    assert not found.timed
    assert "has no preprocessed image" in found.unusable[0].reason
    settings = Settings(bold=BoldSettings(preprocessing="minimal"))
    found = discover_runs(own_dataset, roots, "02", selection=Selection(), settings=settings)
    assert {one.run.preprocessing for one in found.timed} == {"minimal"}
    assert all(one.run.bold_path == one.run.raw_bold_path for one in found.timed)


def test_regions_of_fmriprep_output_are_the_truth_without_noise(tmp_path: Path) -> None:
    root = tmp_path / "bids"
    simulate_dataset(root, SimulationOptions(**NOISELESS))
    found = discover_runs(root, find_derivatives(root), "01", selection=Selection(), settings=Settings())
    # Without noise the signals of white matter and CSF hold nothing but signal of the regions.
    settings = BoldSettings(confounds="motion12")
    runs = [one.run for one in found.timed]
    labels = label_regions(runs, settings)
    for number, run in enumerate(runs, start=1):
        series = extract_regions(run, labels, settings)
        assert run.confounds_path is not None
        regressors, _ = select_confounds(run.confounds_path, settings, n_volumes=50, tr=2.0)
        r = correlate_with_truth(root, series.data, list(series.region_names), number, regressors)
        assert min(r) > 0.99


def test_runs_of_a_localiser_are_preprocessed_with_the_others(
    raw_dataset: Path, work_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    call = [raw_dataset, out, "participant", "-w", work_dir, "--task-label", "imagery"]
    call += ["--model", "smr", "--set", "evaluation.n_nulls=9"]
    call += ["--localizer", "task=motorloc,contrast=imagery-rest", "--set", "bold.localizer_voxels=3"]
    assert run_app(*call) == 0, capsys.readouterr().out
    made = [
        pd.read_csv(out / "sub-01" / "func" / f"sub-01_{name}_desc-minimal_timeseries.tsv", sep="\t")
        for name in ("task-imagery_run-2", "task-motorloc")
    ]
    assert np.allclose(*(table["trans_z"] for table in made), atol=0.01)  # the same image twice
    (regions,) = (out / "sub-01").glob("*_desc-regions_dseg.tsv")
    table = pd.read_csv(regions, sep="\t")
    assert table["n_voxels"].max() == 3
    assert len(table) == 12
    assert "in the task motorloc" in (out / "sub-01.html").read_text(encoding="utf-8")


def test_what_minimal_preprocessing_does_not_make_is_refused_at_once(
    raw_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = (raw_dataset, tmp_path / "out", "participant", "--set", "bold.confounds=compcor")
    assert run_app(*call) == 64
    text = capsys.readouterr()
    assert "bold.confounds=compcor needs fMRIPrep" in text.out + text.err


def test_a_raw_image_alone_does_not_say_where_regions_are(raw_dataset: Path) -> None:
    roots = find_derivatives(raw_dataset)
    found = discover_runs(raw_dataset, roots, "01", selection=Selection(), settings=Settings())
    with pytest.raises(BadDataError, match="in no template space"):
        label_regions([one.run for one in found.timed], BoldSettings())


@pytest.mark.parametrize(
    "name",
    [
        "sub-01/func/sub-01_task-x_space-MNI152NLin2009cAsym_res-2_desc-denoised_bold.nii.gz",
        "sub-02/ses-1/func/sub-02_ses-1_task-x_desc-preproc_bold.nii.gz",
        "sub-03/func/sub-03_task-x_space-MNI152NLin6Asym_bold.nii",
    ],
)
def test_any_preprocessed_bold_is_used_rather_than_the_raw_one(tmp_path: Path, name: str) -> None:
    settings = BoldSettings()
    assert is_minimal(settings, [tmp_path])
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.with_name("sub-01_task-x_desc-minimal_boldref.nii.gz").touch()
    path.with_name("sub-01_task-x_space-fsLR_den-91k_bold.dtseries.nii").touch()
    assert is_minimal(settings, [tmp_path])
    path.touch()
    assert not is_minimal(settings, [tmp_path])
    assert is_minimal(BoldSettings(preprocessing="minimal"), [tmp_path])
    assert not is_minimal(BoldSettings(preprocessing="derivatives"), [])
