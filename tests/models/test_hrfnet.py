from dataclasses import replace

import numpy as np
import pytest
import torch
from simulated_runs import make_runs

from bids_eeg2fmri.errors import UsageError
from bids_eeg2fmri.models.hrfnet import HrfNet
from bids_eeg2fmri.models.hrfnet_network import HrfNetwork, RunTensors
from bids_eeg2fmri.models.packed_covariance import pack_covariances

QUICK = {"n_steps": 12, "n_seeds": 1, "n_components": 4}


def fit(runs: list, seed: int = 0, device: str = "cpu", **options: object) -> object:
    model = HrfNet(**{**QUICK, **options})  # type: ignore[arg-type]
    return model.fit(runs, rng=np.random.default_rng(seed), device=device)


def mean_r(model: object, run: object) -> float:
    predicted = model.predict(run)  # type: ignore[attr-defined]
    return float(np.mean([np.corrcoef(predicted[:, k], run.bold[:, k])[0, 1] for k in range(2)]))  # type: ignore[attr-defined]


@pytest.mark.parametrize("form", ["covariance", "signal"])
def test_both_forms_learn_and_are_causal(form: str) -> None:
    runs = make_runs(3, n_volumes=100, coupling=2.0)
    model = fit(runs[:2], form=form)
    assert mean_r(model, runs[2]) > 0.4
    eeg = runs[2].eeg.copy()
    eeg[:, runs[2].volume_samples[50] + 1 :] = 0.0
    before, after = model.predict(runs[2]), model.predict(replace(runs[2], eeg=eeg))
    np.testing.assert_allclose(after[:51], before[:51], rtol=1e-4, atol=1e-4)
    assert np.abs(after[51:] - before[51:]).max() > 1e-3
    restored = HrfNet(form=form, **QUICK).restore(model.tensors())  # type: ignore[arg-type]
    np.testing.assert_array_equal(restored.predict(runs[2]), before)


def test_training_changes_where_components_begin() -> None:
    runs = make_runs(2, n_volumes=100, coupling=2.0)
    one, more = fit(runs, n_steps=1), fit(runs, n_steps=12)
    assert more.best_step > 1
    assert not torch.equal(one.network.spatial, more.network.spatial)
    assert not torch.equal(one.network.responses, more.network.responses)


def test_amplitude_is_near_0_where_nothing_can_be_predicted() -> None:
    runs = make_runs(3, coupling=0.0)
    assert fit(runs[:2]).predict(runs[2]).std() < 0.5 * runs[2].bold.std()


def test_power_from_packed_covariances_is_that_of_the_components() -> None:
    rng = np.random.default_rng(0)
    signals = rng.standard_normal((6, 2, 5, 30))
    covariances = signals @ signals.swapaxes(2, 3) / 30
    weights = torch.from_numpy(rng.standard_normal((1, 3, 5)).astype(np.float32))
    network = HrfNetwork(weights, torch.zeros(1, 3, 2), n_basis=1, n_regions=1)
    packed = torch.from_numpy(pack_covariances(covariances))
    found = network._power_of_covariance(RunTensors(signal=packed, response=torch.zeros(1, 1, 6), window=30))
    components = np.einsum("mc,wbct->mbwt", weights[0].numpy(), signals)
    np.testing.assert_allclose(found[0].detach().numpy(), np.square(components).mean(axis=3), rtol=1e-5)


def test_seeds_are_networks_of_their_own() -> None:
    network = fit(make_runs(2), n_seeds=3).network
    assert len(network.spatial) == 3
    assert not torch.equal(network.spatial[0], network.spatial[1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"form": "power"}, "expected one of covariance, signal"),
        ({"n_seeds": 0}, "at least 1"),
        ({"peaks": (0.0,)}, "times above 0"),
        ({"weight_decay": -1.0}, "expected 0 or a number above"),
    ],
)
def test_settings_are_checked(options: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        HrfNet(**options)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("form", ["covariance", "signal"])
def test_gpu_and_cpu_agree(form: str) -> None:
    runs = make_runs(3, n_volumes=100, coupling=2.0)
    r = [mean_r(fit(runs[:2], device=device, form=form), runs[2]) for device in ("cpu", "cuda")]
    assert r[0] == pytest.approx(r[1], abs=0.01)
