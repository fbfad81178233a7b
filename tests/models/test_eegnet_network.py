"""The network computed spatially first is the published one: same outputs, gradients, running statistics."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from bids_eeg2fmri.models.eegnet_network import EPSILON, MOMENTUM, Architecture, EegNetNetwork
from bids_eeg2fmri.models.windows import WindowSet, cut_windows, patch_moments


class PublishedEegNet(nn.Module):
    """EEGNet in the published order: each channel filtered in time, normalised, then channels weighted."""

    def __init__(self, network: EegNetNetwork) -> None:
        super().__init__()
        f1, d, n_channels = network.spatial.shape
        f2 = len(network.pointwise)
        n_taps, n_late = network.temporal.shape[1], network.separable.shape[1]
        self.same = [((n - 1) // 2, n // 2) for n in (n_taps, n_late)]
        self.temporal = nn.Conv2d(1, f1, (1, n_taps), bias=False)
        self.temporal_norm = nn.BatchNorm2d(f1, eps=EPSILON, momentum=MOMENTUM)
        self.spatial = nn.Conv2d(f1, f1 * d, (n_channels, 1), groups=f1, bias=False)
        self.spatial_norm = nn.BatchNorm2d(f1 * d, eps=EPSILON, momentum=MOMENTUM)
        self.separable = nn.Conv2d(f1 * d, f1 * d, (1, n_late), groups=f1 * d, bias=False)
        self.pointwise = nn.Conv2d(f1 * d, f2, 1, bias=False)
        self.pointwise_norm = nn.BatchNorm2d(f2, eps=EPSILON, momentum=MOMENTUM)
        self.dense = nn.Linear(network.dense.in_features, network.dense.out_features)
        with torch.no_grad():
            self.temporal.weight.copy_(network.temporal[:, None, None])
            self.temporal_norm.weight.copy_(network.temporal_scale)
            self.temporal_norm.bias.copy_(network.temporal_shift)
            self.spatial.weight.copy_(network.spatial.reshape(f1 * d, 1, n_channels, 1))
            self.separable.weight.copy_(network.separable[:, None, None])
            self.pointwise.weight.copy_(network.pointwise[:, :, None, None])
            self.dense.load_state_dict(network.dense.state_dict())
            for mine, theirs in (
                (self.spatial_norm, network.spatial_norm),
                (self.pointwise_norm, network.pointwise_norm),
            ):
                mine.load_state_dict(theirs.state_dict())

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        x = functional.pad(windows[:, None], self.same[0])
        x = self.temporal_norm(self.temporal(x))
        x = functional.elu(self.spatial_norm(self.spatial(x)))
        x = functional.pad(functional.avg_pool2d(x, (1, 4)), self.same[1])
        x = functional.elu(self.pointwise_norm(self.pointwise(self.separable(x))))
        return self.dense(functional.avg_pool2d(x, (1, 8)).flatten(1))


def _windows(n_channels: int = 5, n_times: int = 96, n_windows: int = 9) -> WindowSet:
    rng = np.random.default_rng(3)
    eeg = rng.standard_normal((n_channels, 400)).cumsum(axis=1).astype(np.float32) / 10 + 0.3
    return cut_windows([(eeg, np.linspace(10, 399, n_windows).astype(np.int64))], n_times=n_times)


def _pair(n_taps: int, n_late: int) -> tuple[EegNetNetwork, PublishedEegNet]:
    torch.manual_seed(1)
    network = EegNetNetwork(
        n_channels=5,
        n_times=96,
        n_outputs=3,
        architecture=Architecture(
            f1=4, d=2, f2=6, kernel_length=n_taps, separable_kernel_length=n_late, dropout=0.0
        ),
    )
    with torch.no_grad():  # scales and shifts away from 1 and 0, so that they are tested too
        for parameter in (network.temporal_scale, network.temporal_shift, network.spatial_norm.bias):
            parameter.add_(0.3 * torch.randn_like(parameter))
    return network, PublishedEegNet(network)


def _close(a: torch.Tensor, b: torch.Tensor) -> None:
    # Gradients that are 0 but for rounding are compared with the size of the others.
    torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4 * float(b.detach().abs().max()) + 2e-6)


@pytest.mark.parametrize(("n_taps", "n_late"), [(16, 8), (17, 5), (64, 16)])
def test_same_as_published_in_training_and_evaluation(n_taps: int, n_late: int) -> None:
    network, published = _pair(n_taps, n_late)
    windows = _windows()
    moments = patch_moments(windows, n_taps)
    chosen = torch.tensor([0, 2, 3, 7, 8])
    goal = torch.randn(len(chosen), 3)
    for _ in range(2):  # the second time with running statistics that have moved
        for model, x in ((network, windows.take(chosen)), (published, windows.take(chosen).transpose(0, 1))):
            model.train()
            model.zero_grad()
            outputs = model(x, (moments[0][chosen], moments[1][chosen])) if model is network else model(x)
            (outputs - goal).square().mean().backward()
    pairs = [
        (network.temporal.grad, published.temporal.weight.grad),
        (network.temporal_scale.grad, published.temporal_norm.weight.grad),
        (network.spatial.grad, published.spatial.weight.grad),
        (network.spatial_norm.weight.grad, published.spatial_norm.weight.grad),
        (network.spatial_norm.bias.grad, published.spatial_norm.bias.grad),
        (network.separable.grad, published.separable.weight.grad),
        (network.pointwise.grad, published.pointwise.weight.grad),
        (network.dense.weight.grad, published.dense.weight.grad),
        (network.temporal_mean, published.temporal_norm.running_mean),
        (network.temporal_variance, published.temporal_norm.running_var),
        (network.spatial_norm.running_mean, published.spatial_norm.running_mean),
        (network.spatial_norm.running_var, published.spatial_norm.running_var),
        (network.pointwise_norm.running_mean, published.pointwise_norm.running_mean),
    ]
    for mine, theirs in pairs:
        assert mine is not None
        assert theirs is not None
        _close(mine, theirs.reshape(mine.shape))

    network.eval(), published.eval()
    everything = torch.arange(len(windows))
    x = windows.take(everything)
    with_grad = x.clone().requires_grad_()
    outputs = network(with_grad)
    published_with_grad = x.transpose(0, 1).clone().requires_grad_()
    expected = published(published_with_grad)
    _close(outputs, expected)
    outputs.square().sum().backward()
    expected.square().sum().backward()
    _close(with_grad.grad, published_with_grad.grad.transpose(0, 1))


def test_training_outputs_equal_published() -> None:
    network, published = _pair(16, 8)
    windows = _windows()
    chosen = torch.arange(len(windows))
    moments = patch_moments(windows, 16)
    _close(
        network.train()(windows.take(chosen), moments),
        published.train()(windows.take(chosen).transpose(0, 1)),
    )


def test_patch_moments_equal_those_of_the_patches() -> None:
    windows = _windows()
    for n_taps in (8, 13):
        mean, second = patch_moments(windows, n_taps)
        padded = functional.pad(
            windows.take(torch.arange(len(windows))).double(), ((n_taps - 1) // 2, n_taps // 2)
        )
        patches = padded.unfold(2, n_taps, 1).transpose(0, 1).reshape(len(windows), -1, n_taps)
        _close(mean.double(), patches.mean(dim=1))
        _close(second.double(), patches.transpose(1, 2) @ patches / patches.shape[1])


def test_published_number_of_parameters() -> None:
    network = EegNetNetwork(n_channels=31, n_times=250, n_outputs=1, architecture=Architecture())
    assert sum(p.numel() for p in network.parameters() if p.requires_grad) == 1713


def test_training_without_moments_is_refused() -> None:
    network, _ = _pair(16, 8)
    with pytest.raises(ValueError, match="moments"):
        network.train()(_windows().take(torch.arange(3)))


def test_constrain_shrinks_only_what_is_too_large() -> None:
    network, _ = _pair(16, 8)
    with torch.no_grad():
        network.spatial[0, 0] *= 100.0
        network.spatial[1, 1] *= 0.01
        network.dense.weight[1] *= 100.0
    small = network.spatial[1, 1].clone()
    network.constrain(1.0, 0.25)
    spatial, dense = network.spatial.detach().norm(dim=2), network.dense.weight.detach().norm(dim=1)
    assert float(spatial[0, 0]) == pytest.approx(1.0, rel=1e-5)
    assert torch.equal(network.spatial[1, 1], small)
    assert float(dense[1]) == pytest.approx(0.25, rel=1e-5)
    assert float(dense.max()) <= 0.25 * (1 + 1e-5)
