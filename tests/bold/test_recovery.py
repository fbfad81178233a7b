"""The regions' signals from simulated fMRIPrep output, against what was put in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bids_eeg2fmri.bids.derivatives import find_derivatives
from bids_eeg2fmri.bold.extraction import extract_regions
from bids_eeg2fmri.bold.region_set import label_regions
from bids_eeg2fmri.formats.table import read_table
from bids_eeg2fmri.settings import BoldSettings, Selection, Settings
from bids_eeg2fmri.simulate import bold_image
from bids_eeg2fmri.simulate.dataset import simulate_dataset
from bids_eeg2fmri.simulate.options import SimulationOptions
from bids_eeg2fmri.sync.discovery import discover_runs


def test_without_noise_the_regions_are_the_truth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_noise(
        n_volumes: int, *, brain: bold_image.Brain, tr: float, rng: np.random.Generator
    ) -> np.ndarray:
        del tr, rng
        return np.zeros((n_volumes, brain.mask.sum()))

    monkeypatch.setattr(bold_image, "make_noise", no_noise)
    monkeypatch.setattr(bold_image, "RESIDUAL_MOTION", 0.0)
    simulate_dataset(
        tmp_path / "bids", SimulationOptions(participants=1, runs=1, volumes=60, channels=8, seed=5)
    )
    root = tmp_path / "bids"
    found = discover_runs(root, find_derivatives(root), "01", selection=Selection(), settings=Settings())
    run = found.timed[0].run
    # Nothing is removed: confounds of a brain without noise are made of the signal itself.
    settings = BoldSettings(confounds="none", highpass=0.0)
    series = extract_regions(run, label_regions([run], settings), settings)
    (table,) = root.glob("derivatives/truth/sub-01/func/*_desc-truth_timeseries.tsv")
    truth = read_table(table)
    for name, signal in zip(series.region_names, series.data.T, strict=True):
        assert np.corrcoef(signal, truth[name])[0, 1] > 0.99, name
