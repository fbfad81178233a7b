"""A dataset without any derivatives goes through the whole app."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bids_eeg2fmri.bids.derivatives import find_derivatives
from bids_eeg2fmri.bold.confounds import select_confounds
from bids_eeg2fmri.bold.extraction import extract_regions
from bids_eeg2fmri.bold.region_set import label_regions
from bids_eeg2fmri.cli import main
from bids_eeg2fmri.settings import BoldSettings, Selection, Settings
from bids_eeg2fmri.simulate.dataset import simulate_dataset
from bids_eeg2fmri.simulate.options import SimulationOptions
from bids_eeg2fmri.sync.discovery import discover_runs

NOISELESS = {"participants": 1, "runs": 2, "volumes": 50, "channels": 8, "noise": 0.0, "seed": 2}


@pytest.fixture(scope="module")
def raw_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("raw") / "bids"
    simulate_dataset(root, SimulationOptions(**NOISELESS, bold="raw"))
    return root


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
    raw_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    call = (raw_dataset, out, "participant", "--model", "ridge", "--set", "evaluation.n_nulls=20")
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
    reference = next(folder.glob("*_space-MNI152NLin2009aSym_desc-minimal_boldref.json"))
    assert json.loads(reference.read_text(encoding="utf-8"))["BrainOverlap"] > 0.9
    page = (out / "sub-01.html").read_text(encoding="utf-8")
    assert "preprocessed minimally" in page
    assert "Run fMRIPrep" in page
    assert "minimal preprocessing" in (out / "sub-01" / "sub-01_runs.tsv").read_text(encoding="utf-8")
    capsys.readouterr()
    assert run_app(*call) == 0
    assert "up to date" in capsys.readouterr().out


def test_derivatives_can_be_insisted_on(
    raw_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = (raw_dataset, tmp_path / "out", "participant", "--set", "bold.preprocessing=derivatives")
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
    settings = BoldSettings(
        white_matter_csf=False
    )  # without noise they hold nothing but signal of the regions
    runs = [one.run for one in found.timed]
    labels = label_regions(runs, settings)
    for number, run in enumerate(runs, start=1):
        series = extract_regions(run, labels, settings)
        assert run.confounds_path is not None
        regressors, _ = select_confounds(run.confounds_path, settings, n_volumes=50, tr=2.0)
        r = correlate_with_truth(root, series.data, list(series.region_names), number, regressors)
        assert min(r) > 0.99
