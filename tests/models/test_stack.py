from dataclasses import replace

import numpy as np
import pytest
from simulated_runs import make_runs

from bids_eeg2fmri.errors import UsageError
from bids_eeg2fmri.models.source_power import PowerLevels, highpassed_response
from bids_eeg2fmri.models.stack import Stack


def fit(runs: list, **options: object) -> object:
    return Stack(**options).fit(runs, rng=np.random.default_rng(0))  # type: ignore[arg-type]


def test_sees_through_a_mixing_of_channels() -> None:
    # The source that drives the BOLD is buried under a stronger one that all channels see.
    rng = np.random.default_rng(3)
    runs = make_runs(3, n_volumes=120, coupling=2.0, n_channels=6)
    mixing = rng.normal(size=(6, 6)) + np.eye(6)
    times = np.arange(runs[0].eeg.shape[1]) / 100
    mixed = []
    for run in runs:
        loud = np.repeat(np.exp(rng.normal(size=len(times) // 300 + 1)), 300)[: len(times)]
        sources = run.eeg.astype(float)
        sources[1] += 60 * loud * np.sin(2 * np.pi * 11 * times)
        mixed.append(replace(run, eeg=(mixing @ sources).astype(np.float32)))
    model = fit(mixed[:2])
    r = [np.corrcoef(model.predict(mixed[2])[:, k], runs[2].bold[:, k])[0, 1] for k in range(2)]
    assert np.mean(r) > 0.5
    assert "mu" in model.spatial_filters().names[0]
    passed = np.abs(model.spatial_filters().weights[0] @ mixing)
    assert passed.argmax() == 0


def test_predicts_little_where_there_is_nothing() -> None:
    runs = make_runs(3, coupling=0.0)
    model = fit(runs[:2])
    assert model.predict(runs[2]).std() < 0.35 * runs[2].bold.std()


def test_bursts_count_alike_whatever_their_size() -> None:
    power = np.ones((8, 1, 1))
    power[7] = 0.2
    power[2], power[5] = 20.0, 200.0
    levels = PowerLevels(mean=np.ones((1, 1)), median=np.ones((1, 1)))
    rescaled = levels.rescale(power, "bursts")[:, 0, 0]
    np.testing.assert_allclose(rescaled[[2, 5]], 1.0, atol=1e-3)
    np.testing.assert_allclose(rescaled[[0, 7]], 0.0, atol=0.1)
    assert levels.rescale(np.full((1, 1, 1), 2.0), "bursts")[0, 0, 0] == pytest.approx(0.5)
    log = levels.rescale(power, "log")[:, 0, 0]
    np.testing.assert_allclose(log[[0, 2, 3]], np.log([1.0, 10.5, 10.5]))


def test_the_highpassed_response_peaks_when_it_says_and_forgets_a_step() -> None:
    kernel = highpassed_response(0.5, peak=4.5, time_constant=25.0)[0]
    assert kernel.argmax() * 0.5 == pytest.approx(4.5, abs=0.5)
    assert abs(kernel.sum()) < 0.15
    assert highpassed_response(0.5, peak=4.5, time_constant=np.inf).sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scales": ("square",)}, "expected one or more of log, linear, bursts"),
        ({"peaks": ()}, "times above 0"),
        ({"structure": 1.5}, "from 0 to 1"),
        ({"sharing": -1.0}, "from 0 up"),
        ({"n_components": 0}, "whole number above 0"),
        ({"highpass": 0.0}, "above 0"),
        ({"bands": {}}, "bands is empty"),
    ],
)
def test_settings_are_checked(options: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Stack(**options)
