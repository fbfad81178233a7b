"""Shared fixtures: small simulated datasets, made once per test process."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tiny_job import arguments, make_dataset, run_here

from bids_eeg2fmri.simulate.dataset import simulate_dataset
from bids_eeg2fmri.simulate.options import SimulationOptions


@pytest.fixture(scope="session")
def small_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two participants with two runs of 60 volumes and 16 channels; do not change it, copy it."""
    root = tmp_path_factory.mktemp("small") / "bids"
    simulate_dataset(root, SimulationOptions(participants=2, runs=2, volumes=60, channels=16, seed=3))
    return root


@pytest.fixture(scope="session")
def tiny_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two participants with two runs of 40 volumes and 8 channels, for tests that start many jobs."""
    return make_dataset(tmp_path_factory.mktemp("tiny"), participants=2)


@pytest.fixture(scope="session")
def tiny_results(tiny_dataset: Path) -> Path:
    """The results of the tiny dataset, the work folder beside them; do not change them, copy them."""
    out = tiny_dataset.parent / "finished"
    assert run_here(arguments(tiny_dataset, out, "-w", tiny_dataset.parent / "work")) == 0
    return out


@pytest.fixture
def own_dataset(small_dataset: Path, tmp_path: Path) -> Path:
    """A copy of the small dataset that a test may damage."""
    root = tmp_path / "bids"
    shutil.copytree(small_dataset, root)
    return root
