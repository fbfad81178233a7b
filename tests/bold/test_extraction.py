from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bids_eeg2fmri.bids.derivatives import find_derivatives
from bids_eeg2fmri.bold.confounds import cosine_drift, non_steady_volumes, select_confounds
from bids_eeg2fmri.bold.extraction import extract_regions
from bids_eeg2fmri.bold.region_set import label_regions
from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.records import SimultaneousRun
from bids_eeg2fmri.settings import BoldSettings, Selection, Settings
from bids_eeg2fmri.sync.discovery import discover_runs


def first_run(root: Path) -> SimultaneousRun:
    found = discover_runs(root, find_derivatives(root), "01", selection=Selection(), settings=Settings())
    return found.timed[0].run


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
        extract_regions(
            run, label_regions([run], BoldSettings()), BoldSettings(confounds="motion24", highpass=0.2)
        )


def test_cosines_span_what_is_below_the_cutoff() -> None:
    drift = cosine_drift(150, 2.0, 0.008)
    assert drift.shape == (150, 4)
    times = np.arange(150) * 2.0
    slow = np.cos(np.pi * (times + 1) / 300)
    residual = slow - drift @ np.linalg.lstsq(drift, slow, rcond=None)[0]
    assert np.linalg.norm(residual) < 0.05 * np.linalg.norm(slow)
    assert cosine_drift(150, 2.0, 0.0).shape == (150, 0)
