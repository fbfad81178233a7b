from dataclasses import replace

import numpy as np
import pytest
import torch
from simulated_runs import make_runs

from bids_eeg2fmri.errors import UsageError
from bids_eeg2fmri.models.eegnet import EegNet

QUICK = {"max_epochs": 2, "window": 2.0, "sfreq": 50.0}


def fit(runs: list, seed: int = 0, **options: object) -> object:
    return EegNet(**{**QUICK, **options}).fit(runs, rng=np.random.default_rng(seed))  # type: ignore[arg-type]


def test_settings_reach_the_network() -> None:
    network = EegNet(
        window=2.0, sfreq=125.0, f1=8, d=2, f2=16, kernel_length=64, separable_kernel_length=16
    ).network(n_channels=31, n_outputs=1)
    assert sum(p.numel() for p in network.parameters()) == 1713
    assert EegNet(f1=3, d=4, f2=5, dropout=0.1).network(n_channels=2, n_outputs=7).dropout == 0.1


def test_norms_stay_within_their_limits() -> None:
    network = fit(make_runs(2), learning_rate=0.1, max_epochs=4).network
    assert network.spatial.detach().norm(dim=2).max() <= 1.0 + 1e-5
    assert network.dense.weight.detach().norm(dim=1).max() <= 0.25 + 1e-5
    tight = fit(make_runs(2), learning_rate=0.1, max_norm_spatial=0.2, max_norm_dense=0.01).network
    assert tight.spatial.detach().norm(dim=2).max() <= 0.2 + 1e-5
    assert tight.dense.weight.detach().norm(dim=1).max() <= 0.01 + 1e-5


def test_inner_validation_run_teaches_nothing_but_when_to_stop() -> None:
    runs = make_runs(2)
    for seed in range(2):
        model = fit(runs, seed, max_epochs=1)
        # With one epoch there is nothing to choose; either run may have been held out.
        same = []
        for k in range(2):
            changed = [replace(run, bold=-run.bold[::-1]) if i == k else run for i, run in enumerate(runs)]
            found = fit(changed, seed, max_epochs=1).tensors()["network.temporal"]
            same.append(np.array_equal(found, model.tensors()["network.temporal"]))
        assert sorted(same) == [False, True]


def test_stops_when_nothing_gets_better() -> None:
    runs = make_runs(2, coupling=0.0)
    model = fit(runs, learning_rate=0.05, max_epochs=40, patience=2)
    assert 0 <= model.best_epoch < 38


def test_other_random_numbers_do_not_disturb_it() -> None:
    runs = make_runs(2)
    torch.manual_seed(1)
    state = torch.random.get_rng_state()
    first = fit(runs).tensors()
    assert torch.equal(torch.random.get_rng_state(), state)
    EegNet(**QUICK).restore(first)
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.manual_seed(2)
    second = fit(runs).tensors()
    assert all(first[k].tobytes() == second[k].tobytes() for k in first)


def test_filters_carry_kernels_and_bands() -> None:
    model = fit(make_runs(2))
    filters = model.spatial_filters()
    assert filters.domain == "amplitude"
    assert filters.weights.shape == (16, 4)
    assert filters.kernels is not None
    np.testing.assert_array_equal(filters.kernels[0], filters.kernels[1])
    assert np.all((filters.bands >= 0) & (filters.bands <= 25))
    gain = np.abs(np.fft.rfft(filters.kernels, 1024, axis=1))
    peak = np.fft.rfftfreq(1024, 1 / filters.kernel_sfreq)[gain.argmax(axis=1)]
    assert np.all((filters.bands[:, 0] <= peak) & (peak <= filters.bands[:, 1]))
    spatial = model.network.spatial.detach().numpy().reshape(16, 4)
    np.testing.assert_allclose(filters.weights * model.scale.deviation, spatial)


def test_scale_of_the_eeg_does_not_matter() -> None:
    runs = make_runs(2)
    factor = np.array([[0.01], [100.0], [1.0], [3.0]], dtype=np.float32)
    scaled = [replace(run, eeg=run.eeg * factor) for run in runs]
    np.testing.assert_allclose(fit(scaled).predict(scaled[0]), fit(runs).predict(runs[0]), atol=1e-3)


def test_start_covers_the_rhythms_of_the_eeg() -> None:
    kernels = EegNet(sfreq=100.0).network(n_channels=3, n_outputs=1).temporal.detach().numpy()
    gain = np.abs(np.fft.rfft(kernels, 1000))
    np.testing.assert_allclose(
        np.fft.rfftfreq(1000, 0.01)[gain.argmax(axis=1)], np.linspace(4, 32, 8), atol=0.7
    )
    noise = EegNet(sfreq=100.0, oscillating_start=False).network(n_channels=3, n_outputs=1).temporal.detach()
    assert np.linalg.norm(kernels) == pytest.approx(float(noise.norm()), rel=0.15)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"window": 0.0}, "window is 0"),
        ({"f1": 0}, "f1 is 0"),
        ({"batch_size": 1.5}, "whole number"),
        ({"dropout": 1.0}, "dropout is 1"),
        ({"weight_decay": -1.0}, "weight_decay"),
        ({"window": 0.5, "sfreq": 100.0, "kernel_length": 64}, "at least 64"),
        ({"steps_between": 0}, "steps_between"),
    ],
)
def test_settings_are_checked(options: dict, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        EegNet(**options)


def test_kernels_are_lowpassed_after_every_epoch() -> None:
    runs = make_runs(2)
    free, forced = fit(runs).network, fit(runs, kernel_lowpass=12.0).network

    def share_above(network: object) -> float:
        spectrum = np.abs(np.fft.rfft(network.temporal.detach().numpy(), axis=1)) ** 2  # type: ignore[attr-defined]
        above = np.fft.rfftfreq(25, 1 / 50.0) > 12.0
        return float(spectrum[:, above].sum() / spectrum.sum())

    assert share_above(forced) < 1e-6
    assert share_above(free) > 0.05


def test_band_power_takes_the_place_of_the_channels() -> None:
    runs = make_runs(3, n_volumes=100, coupling=2.0)
    bands = {"alpha": (8.0, 12.0), "beta": (15.0, 25.0)}
    options = {"input": "band power", "bands": bands, "sfreq": 8.0, "window": 8.0, "max_epochs": 25}
    model = fit(runs[:2], kernel_length=9, **options)
    assert model.network.spatial.shape[2] == 8
    predicted = model.predict(runs[2])
    assert np.mean([np.corrcoef(predicted[:, k], runs[2].bold[:, k])[0, 1] for k in range(2)]) > 0.3
    again = EegNet(kernel_length=9, **options).restore(model.tensors())  # type: ignore[arg-type]
    np.testing.assert_array_equal(again.predict(runs[2]), predicted)
    filters = model.spatial_filters()
    assert filters.domain == "power"
    assert filters.weights.shape == (8 * 2 * 2, 4)
    # Nothing after a volume matters to it.
    eeg = runs[2].eeg.copy()
    eeg[:, runs[2].volume_samples[50] + 1 :] = 0.0
    cut = model.predict(replace(runs[2], eeg=eeg))
    np.testing.assert_allclose(cut[:51], predicted[:51], rtol=1e-4, atol=1e-5)
    assert np.abs(cut[51:] - predicted[51:]).max() > 1e-3


@pytest.mark.parametrize(
    ("options", "message"),
    [({"input": "power"}, "expected one of raw, band power"), ({"kernel_lowpass": 25.0}, "less than half")],
)
def test_new_settings_are_checked(options: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        EegNet(sfreq=50.0, **options)
