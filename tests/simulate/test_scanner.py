import json
import shutil
import subprocess

import mne
import numpy as np
import pandas as pd
import pytest

from bids_eeg2fmri.bids.clean_eeg import find_preprocessed_eeg
from bids_eeg2fmri.simulate.dataset import simulate_dataset
from bids_eeg2fmri.simulate.design import SFREQ
from bids_eeg2fmri.simulate.options import SimulationOptions
from bids_eeg2fmri.simulate.scanner import SCANNER_RESOLUTION, SCANNER_SFREQ, draw_scanner_eeg

NAME = "sub-01_task-imagery_run-1"


@pytest.fixture(scope="module")
def raw_dataset(tmp_path_factory):
    out = tmp_path_factory.mktemp("raw")
    options = SimulationOptions(
        participants=1, runs=1, volumes=40, channels=8, tr=1.0, eeg="raw", clocks="free"
    )
    simulate_dataset(out, options)
    return out


@pytest.fixture(scope="module")
def recorded(raw_dataset):
    path = raw_dataset / f"sub-01/eeg/{NAME}_eeg.vhdr"
    return mne.io.read_raw_brainvision(path, preload=True, verbose="error")


def test_the_gradient_artefact_is_a_hundred_times_the_eeg_and_only_in_the_scan(recorded):
    data = recorded.get_data(picks=range(8)) * 1e6
    volumes = [a["onset"] for a in recorded.annotations if a["description"] == "Response/R128"]
    assert len(volumes) == 40
    assert recorded.info["sfreq"] == SCANNER_SFREQ
    begin, end = (round(SCANNER_SFREQ * t) for t in (volumes[0], volumes[-1] + 1.0))
    assert 10 < volumes[0] < 20
    assert 10 < recorded.times[-1] - volumes[-1] - 1 < 20
    outside = np.diff(data[:, : begin - 10], axis=1).std(axis=1)
    inside = np.diff(data[:, begin:end], axis=1).std(axis=1)
    after = np.diff(data[:, end + 500 :], axis=1).std(axis=1)
    assert np.median(inside / outside) > 30
    np.testing.assert_allclose(after, outside, rtol=0.2)
    assert 500 < data[:, begin:end].std() < 5000


def test_samples_are_the_integers_of_the_amplifier(recorded):
    data = recorded.get_data() * 1e6
    np.testing.assert_allclose(data, np.round(data / SCANNER_RESOLUTION) * SCANNER_RESOLUTION, atol=1e-3)
    assert np.abs(data).max() <= 32768 * SCANNER_RESOLUTION


def test_the_truth_is_the_recording_without_scanner_and_heart(raw_dataset, recorded):
    folder = raw_dataset / "derivatives/truth/sub-01/eeg"
    path = folder / f"{NAME}_desc-truth_eeg.vhdr"
    truth = mne.io.read_raw_brainvision(path, preload=True, verbose="error")
    assert truth.info["sfreq"] == 100
    assert len(truth.ch_names) == 8
    quiet = slice(0, 900)  # before the scan
    slow = recorded.copy().resample(100, method="polyphase", verbose="error").get_data(picks=range(8))
    difference = 1e6 * (slow[:, quiet] - truth.get_data()[:, quiet])
    beats = pd.read_csv(folder / f"{NAME}_desc-truth_beats.tsv", sep="\t")
    times = truth.times[quiet]
    onsets = beats.onset.to_numpy()
    since = np.array([np.min(t - onsets[onsets <= t], initial=9) for t in times])
    still = (since < 0.18) & (times > 1)
    moved = (since > 0.25) & (since < 0.5)
    assert np.std(difference[:, moved]) > 5
    assert np.std(difference[:, still]) < np.std(difference[:, moved]) / 3
    assert 45 < beats.heart_rate.median() < 90
    # What is found as the output of another pipeline would take the place of the recording.
    assert find_preprocessed_eeg([raw_dataset / "derivatives/truth"], "01") == ()


def test_free_clocks_drift_and_locked_ones_do_not():
    volumes = {}
    for drift in (0.0, 200.0):
        eeg = draw_scanner_eeg(np.random.default_rng(1), n_channels=2, n_volumes=20, tr=1.0, drift=drift)
        data = eeg.integers(np.random.default_rng(2)).astype(float)
        onset = int(12 * SCANNER_SFREQ)
        first, last = (data[:, onset + k * 5000 :][:, :5000] for k in (0, 19))
        lags = range(-40, 41)
        products = [np.sum(np.roll(last, lag, axis=1)[:, 50:-50] * first[:, 50:-50]) for lag in lags]
        volumes[drift] = lags[int(np.argmax(products))]
    assert volumes == {0.0: 0, 200.0: 19}  # 19 s times 200 ppm are 19 samples


def test_the_artefact_changes_with_movement():
    motion = np.zeros((20, 6))
    motion[10:, 0] = 2.0
    rng = np.random.default_rng(3)
    eeg = draw_scanner_eeg(rng, n_channels=6, n_volumes=20, tr=1.0, motion=motion)
    volumes = [eeg.gradient.sample(5000 * (12 + k), 5000 * (13 + k), SCANNER_SFREQ) for k in (3, 7, 15)]
    same, moved = (np.std(v - volumes[0]) / np.std(volumes[0]) for v in volumes[1:])
    assert moved > 2 * same
    assert 0.005 < moved < 0.2


def test_heart_rate_and_pulse_vary():
    eeg = draw_scanner_eeg(np.random.default_rng(4), n_channels=4, n_volumes=60)
    intervals = np.diff(eeg.heartbeats)
    assert 0.02 < intervals.std() / intervals.mean() < 0.2
    pulse = (eeg.slow[:-1] - eeg.truth)[0]
    peaks = [np.abs(pulse[round(b * SFREQ) + 50 :][:100]).max() for b in eeg.heartbeats[:-2]]
    assert 0.05 < np.std(peaks) / np.mean(peaks) < 0.6


@pytest.mark.skipif(
    shutil.which("bids-validator-deno") is None, reason="bids-validator-deno is not installed"
)
@pytest.mark.parametrize("part", [".", "derivatives/truth"])
def test_validator_finds_no_error_in_raw_datasets(raw_dataset, part):
    done = subprocess.run(
        ["bids-validator-deno", "--json", str(raw_dataset / part)],
        capture_output=True,
        text=True,
        check=False,
    )
    issues = json.loads(done.stdout)["issues"]["issues"]
    assert [issue for issue in issues if issue["severity"] == "error"] == []
