from __future__ import annotations

import numpy as np
import pytest

from bids_eeg2fmri.eeg.recording_state import judge_state, measure_comb, read_claim
from bids_eeg2fmri.eeg.volume_grid import VolumeGrid


def eeg(n_times: int, n_channels: int = 4, seed: int = 0) -> np.ndarray:
    """Noise whose power falls with frequency, 20 µV rms, (n_times, n_channels) at 250 Hz."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft(rng.standard_normal((n_times, n_channels)), axis=0)
    spectrum /= np.maximum(np.fft.rfftfreq(n_times, 1 / 250), 1)[:, None] ** 0.6
    data = np.fft.irfft(spectrum, n_times, axis=0)
    return (20 * data / data.std(axis=0)).astype(np.float32)


def scan(level: float, *, n_volumes: int = 40, lead: float = 10.0) -> tuple[np.ndarray, VolumeGrid]:
    """EEG with what 20 slices a second and volumes of a second leave, of a size in µV."""
    n_times = int(250 * (lead + n_volumes + 2))
    data = eeg(n_times)
    within = np.arange(n_volumes * 250) / 250
    comb = sum(np.sin(2 * np.pi * f * within + f) for f in (20, 40, 60, 80))
    begin = int(250 * lead)
    data[begin : begin + len(comb)] += (level * comb)[:, None].astype(np.float32)
    return data, VolumeGrid(onsets=lead + np.arange(n_volumes, dtype=float), period=1.0, sfreq=250.0)


@pytest.mark.parametrize(
    ("level", "state"), [(0.0, "corrected"), (3.0, "corrected with residue"), (500.0, "uncorrected")]
)
def test_states(level, state):
    judged = judge_state(*scan(level))
    assert judged.state == state
    if level:
        assert judged.n_slices == 20
        assert judged.slice_comb > 6
    else:
        assert judged.repeating < 0.2
        assert abs(judged.slice_comb) < 4
    assert "repeats" in judged.describe()


def test_line_noise_is_no_gradient_artefact():
    data, grid = scan(0.0)
    times = np.arange(len(data)) / 250
    data += (300 * np.sin(2 * np.pi * 50 * times))[:, None].astype(np.float32)
    assert judge_state(data, grid).state == "corrected"


def test_a_recording_without_a_quiet_part_is_judged_by_what_repeats():
    data, grid = scan(500.0, lead=0.0)
    data = data[: 250 * 40 + 1]
    judged = judge_state(data, grid)
    assert np.isnan(judged.rise)
    assert judged.state == "uncorrected"


def test_a_short_scan_has_no_comb():
    data, grid = scan(0.0, n_volumes=8)
    assert np.isnan(measure_comb(grid.cut(data), grid).slices)


@pytest.mark.parametrize(
    ("sidecar", "name", "said"),
    [
        ({}, "sub-1_task-a_eeg.vhdr", False),
        ({}, "sub-1_task-a_desc-clean_eeg.vhdr", True),
        ({"SoftwareFilters": "n/a"}, "x_eeg.vhdr", False),
        ({"SoftwareFilters": {"Gradient artifact correction": {"Method": "AAS"}}}, "x_eeg.vhdr", True),
        ({"SubjectArtefactDescription": "MR artefacts removed with FASTR"}, "x_eeg.vhdr", True),
        ({"SubjectArtefactDescription": "Gradient and pulse artefacts, not corrected"}, "x_eeg.vhdr", False),
        ({"SoftwareFilters": {"Low-pass": {"Cutoff (Hz)": 40}}}, "x_eeg.vhdr", False),
    ],
)
def test_what_a_sidecar_says(sidecar, name, said):
    assert bool(read_claim(sidecar, name)) == said
