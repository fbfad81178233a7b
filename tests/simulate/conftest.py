"""One tiny dataset of each coupling, written once for all tests of the simulator."""

from pathlib import Path

import numpy as np
import pytest

from bids_eeg2fmri.simulate.brain import Brain, load_brain
from bids_eeg2fmri.simulate.dataset import simulate_dataset
from bids_eeg2fmri.simulate.options import SimulationOptions

TINY = {"participants": 1, "runs": 1, "volumes": 40, "channels": 16}


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture(scope="session")
def brain() -> Brain:
    return load_brain()


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("tiny")
    simulate_dataset(out, SimulationOptions(**TINY))
    return out
