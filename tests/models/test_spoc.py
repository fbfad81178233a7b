from dataclasses import replace

import numpy as np
import pytest
from simulated_runs import make_runs, smooth_noise

from bids_eeg2fmri.errors import UsageError
from bids_eeg2fmri.models.band_covariance import measure_band_covariance
from bids_eeg2fmri.models.band_power import measure_band_power
from bids_eeg2fmri.models.hrf import hrf_basis
from bids_eeg2fmri.models.spoc import Spoc
from bids_eeg2fmri.records import AlignedRun

MU = {"mu": (8.0, 12.0)}
RNG = np.random.default_rng  # nothing is drawn from it


def mixed_runs(mixing: np.ndarray, n_runs: int = 3, n_volumes: int = 120) -> list[AlignedRun]:
    """Return runs of two 10 Hz sources, each driving one region after the canonical response, and noise."""
    rng = np.random.default_rng(0)
    runs = []
    for run in make_runs(n_runs, n_volumes=n_volumes, n_channels=len(mixing)):
        n_times = run.eeg.shape[1]
        times = np.arange(n_times) / run.sfreq
        level = smooth_noise(rng, n_times // 100 + 1, 2)
        drive = np.stack([np.interp(times, np.arange(len(d)), d / d.std()) for d in level.T])
        phase = 2 * np.pi * 10 * times + np.cumsum(rng.normal(0, 0.2, (2, n_times)), axis=1)
        eeg = mixing @ (10 * np.exp(0.5 * drive) * np.sin(phase)) + rng.normal(0, 3, run.eeg.shape)
        hrf = hrf_basis(1 / run.sfreq, names=("canonical",))[0]
        slow = np.stack([np.convolve(d, hrf)[run.volume_samples] for d in drive], axis=1)
        bold = -3 * slow + 0.3 * smooth_noise(rng, n_volumes, 2)
        runs.append(replace(run, eeg=eeg.astype(np.float32), bold=bold))
    return runs


def test_the_filters_unmix_the_sources() -> None:
    """No channel shows one source alone, and yet the first filter of a region passes its own alone."""
    mixing = np.array([[1.0, 0.8], [0.8, 1.0], [0.6, -0.5], [-0.4, 0.5]])
    runs = mixed_runs(mixing)
    model = Spoc(bands=MU, n_components=2).fit(runs[:2], rng=RNG(0))
    filters = model.spatial_filters()
    assert filters.names == ("mu 1 (r0)", "mu 1 (r1)", "mu 2 (r0)", "mu 2 (r1)")
    assert filters.domain == "amplitude"
    passed = np.abs(filters.weights[:2] @ mixing)  # (region, source)
    assert passed[0, 0] > 4 * passed[0, 1]
    assert passed[1, 1] > 4 * passed[1, 0]
    predicted = model.predict(runs[2])
    r = [np.corrcoef(predicted[:, k], runs[2].bold[:, k])[0, 1] for k in range(2)]
    assert min(r) > 0.8


def test_components_have_unit_power_and_follow_their_region_alone() -> None:
    runs = mixed_runs(np.eye(4)[:, :2])
    model = Spoc(bands=MU, n_components=1, shrinkages=(1e-6,)).fit(runs, rng=RNG(0))
    power = [
        measure_band_covariance(run.eeg, run.sfreq, bands=MU, window=0.5).component_power(
            model.filters[:, :, 0]
        )
        for run in runs
    ]
    mean = np.mean([np.exp(p.log_power[8:]).mean(axis=0) for p in power], axis=0)
    np.testing.assert_allclose(mean, 1.0, rtol=0.05)
    weights = model.weights.reshape(3, 2, 2)  # basis, region of the filter, region predicted
    assert np.all(weights[:, [0, 1], [1, 0]] == 0)
    assert np.all(weights[:, [0, 1], [0, 1]] != 0)


def test_scaling_a_channel_changes_nothing() -> None:
    runs = mixed_runs(np.array([[1.0, 0.8], [0.8, 1.0], [0.6, -0.5], [-0.4, 0.5]]), n_volumes=80)
    louder = [
        replace(run, eeg=run.eeg * np.array([1, 30, 1, 0.1], dtype=np.float32)[:, None]) for run in runs
    ]
    one, two = (Spoc(bands=MU).fit(r[:2], rng=RNG(0)).predict(r[2]) for r in (runs, louder))
    np.testing.assert_allclose(one, two, rtol=1e-2, atol=2e-2)


def test_power_of_one_channel_is_that_of_the_filtered_channel() -> None:
    (run,) = make_runs(1)
    covariance = measure_band_covariance(run.eeg, run.sfreq, bands=MU, window=0.5)
    found = covariance.component_power(np.eye(4)[None])
    expected = measure_band_power(run.eeg, run.sfreq, bands=MU, frame_rate=2.0, smoothing=0.5)
    np.testing.assert_array_equal(found.last_samples, expected.last_samples)
    np.testing.assert_allclose(found.log_power, expected.log_power, rtol=1e-4, atol=1e-4)
    assert found.step == expected.step == 0.5


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"bands": {}}, "spoc: bands is empty"),
        ({"basis": ("fir",)}, "canonical, derivative, dispersion"),
        ({"n_components": 0}, "n_components is 0"),
        ({"shrinkages": (0.0,)}, "shrinkages"),
        ({"shrinkages": (0.1, 2.0)}, "numbers up to 1"),
        ({"window": 0.0}, "window is 0"),
    ],
)
def test_settings_are_checked(options: dict, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Spoc(**options)
