from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pytest

from bids_eeg2fmri.records import VolumeClock
from bids_eeg2fmri.simulate.scanner import SCANNER_RESOLUTION, ScannerEeg, draw_scanner_eeg
from bids_eeg2fmri.simulate.write_scanner_eeg import write_scanner_eeg

NAMES = ["C3", "C4", "Cz", "Fz", "Pz", "Oz", "F3", "F4"]


def clock_of(onsets: np.ndarray) -> VolumeClock:
    return VolumeClock(onsets=np.asarray(onsets, dtype=float), source="test", jitter=0.0, drift=0.0)


def raw_of(data: np.ndarray, sfreq: float) -> Any:
    """A recording from microvolts (n_channels, n_times), the last channel the ECG."""
    names = [*NAMES[: len(data) - 1], "ECG"]
    info = mne.create_info(names, sfreq, ["eeg"] * (len(data) - 1) + ["ecg"])
    return mne.io.RawArray(data * 1e-6, info, verbose="error")


@pytest.fixture(scope="session")
def scanned() -> Callable[..., tuple[ScannerEeg, np.ndarray]]:
    """Make a recording and its samples in microvolts; a second of EEG per volume, 15 slices."""

    def make(sfreq: float = 1000.0, seed: int = 0, **options: Any) -> tuple[ScannerEeg, np.ndarray]:
        sizes = {"n_channels": 4, "n_volumes": 40, "tr": 1.0, "n_slices": 15, "margins": (6.0, 6.0)}
        rng = np.random.default_rng(seed)
        eeg = draw_scanner_eeg(rng, **(sizes | options))
        return eeg, eeg.integers(rng, sfreq).astype(np.float32) * SCANNER_RESOLUTION

    return make


@pytest.fixture(scope="session")
def scanner_file(tmp_path_factory: pytest.TempPathFactory) -> tuple[ScannerEeg, Path]:
    """A BrainVision recording at 5 kHz with free clocks: 4 EEG channels and ECG, 40 volumes of 1 s."""
    rng = np.random.default_rng(11)
    eeg = draw_scanner_eeg(
        rng, n_channels=4, n_volumes=40, tr=1.0, n_slices=15, margins=(6.00007, 6.0), drift=20.0
    )
    folder = tmp_path_factory.mktemp("scanner")
    names = [*NAMES[:4], "ECG"]
    markers = [(round(5000 * t), "Response", 128) for t in eeg.gradient.onsets]
    return eeg, write_scanner_eeg(folder, "sub-1_task-a_eeg", eeg, names=names, markers=markers, rng=rng)
