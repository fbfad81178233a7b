"""The network of Lawhern et al. 2018 with a linear output, computed in a cheaper order.

As published, EEGNet filters every channel in time, normalises, then weights the channels. Both filters are
linear, so weighting the channels first gives the same maps from ``f1 x d`` instead of ``f1 x n_channels``
convolutions. Only the batch normalisation between them needs statistics of the maps that are no longer
computed; they follow exactly from the moments of the input (:func:`~.windows.patch_moments`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

#: Of Keras, in which the network was published.
EPSILON = 1e-3

#: Share of a new batch in the running statistics. Keras has 0.01, for thousands of steps; a few hundred steps
#: would leave the running statistics behind the network.
MOMENTUM = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """The sizes of an EEGNet that are chosen, those of the publication by default.

    Attributes
    ----------
    f1, d, f2 : int
        Temporal filters, spatial filters per temporal filter, pointwise filters.
    kernel_length, separable_kernel_length : int
        Taps of the temporal filters, and of those after the first pooling.
    dropout : float
    """

    f1: int = 8
    d: int = 2
    f2: int = 16
    kernel_length: int = 64
    separable_kernel_length: int = 16
    dropout: float = 0.5


class EegNetNetwork(nn.Module):
    """EEGNet with ``n_outputs`` linear outputs; no convolution has a bias.

    Parameters
    ----------
    n_channels, n_times, n_outputs : int
        Shape of a window, number of regions.
    architecture : Architecture
    """

    temporal_mean: torch.Tensor
    temporal_variance: torch.Tensor

    def __init__(
        self,
        *,
        n_channels: int,
        n_times: int,
        n_outputs: int,
        architecture: Architecture,
    ) -> None:
        super().__init__()
        f1, d, f2 = architecture.f1, architecture.d, architecture.f2
        kernel_length = architecture.kernel_length
        separable_kernel_length = architecture.separable_kernel_length
        self.dropout = architecture.dropout
        self.temporal = nn.Parameter(_glorot(f1, kernel_length, fan=kernel_length * (1 + f1)))
        self.temporal_scale = nn.Parameter(torch.ones(f1))
        self.temporal_shift = nn.Parameter(torch.zeros(f1))
        self.register_buffer("temporal_mean", torch.zeros(f1))
        self.register_buffer("temporal_variance", torch.ones(f1))
        self.spatial = nn.Parameter(_glorot(f1, d, n_channels, fan=n_channels * (f1 + d)))
        self.spatial_norm = nn.BatchNorm1d(f1 * d, eps=EPSILON, momentum=MOMENTUM)
        self.separable = nn.Parameter(
            _glorot(f1 * d, separable_kernel_length, fan=separable_kernel_length * (f1 * d + 1))
        )
        self.pointwise = nn.Parameter(_glorot(f2, f1 * d, fan=f1 * d + f2))
        self.pointwise_norm = nn.BatchNorm1d(f2, eps=EPSILON, momentum=MOMENTUM)
        n_dense = f2 * (n_times // 4 // 8)
        self.dense = nn.Linear(n_dense, n_outputs)
        nn.init.xavier_uniform_(self.dense.weight)
        nn.init.zeros_(self.dense.bias)

    def forward(
        self, windows: torch.Tensor, patches: tuple[torch.Tensor, torch.Tensor] | None = None
    ) -> torch.Tensor:
        """Estimate the outputs at the end of each window.

        Parameters
        ----------
        windows : tensor, shape (n_channels, n_windows, n_times)
        patches : tuple of tensor, shapes (n_windows, n_taps) and (n_windows, n_taps, n_taps)
            First and second moments of the patches of the windows; needed in training only.

        Returns
        -------
        outputs : tensor, shape (n_windows, n_outputs)
        """
        n_channels, n_windows, n_times = windows.shape
        f1, d = self.spatial.shape[:2]
        scale, shift = self._temporal_affine(n_channels, n_times, patches)
        maps = self.spatial.view(f1 * d, n_channels) @ windows.reshape(n_channels, -1)
        maps = _convolve_groups(maps.view(f1, d * n_windows, n_times), self.temporal * scale[:, None])
        maps = _normalise(maps.reshape(f1 * d, -1), self.spatial_norm, shift)

        maps = _pool(functional.elu(maps).view(f1 * d, n_windows, n_times), 4)
        maps = functional.dropout(maps, self.dropout, self.training)

        maps = _convolve_groups(maps, self.separable)
        maps = _normalise(self.pointwise @ maps.reshape(f1 * d, -1), self.pointwise_norm)
        maps = _pool(functional.elu(maps).view(len(maps), n_windows, -1), 8)
        maps = functional.dropout(maps, self.dropout, self.training)
        outputs: torch.Tensor = self.dense(maps.transpose(0, 1).reshape(n_windows, -1))
        return outputs

    def start_as_oscillations(self, sfreq: float, low: float, high: float) -> None:
        """Let the temporal filters begin as short oscillations that cover a range of frequencies (Hz) evenly.

        Each is a cosine of random phase under a Hann window, of the norm that a Glorot start has on average.
        EEG is strongest at the lowest frequencies: filters that begin as noise mostly let those through.
        """
        f1, n_taps = self.temporal.shape
        times = (torch.arange(n_taps) - (n_taps - 1) / 2) / sfreq
        phases = 2 * math.pi * (torch.linspace(low, high, f1)[:, None] * times + torch.rand(f1, 1))
        kernels = torch.cos(phases) * torch.hann_window(n_taps + 2, periodic=False)[1:-1]
        norm = math.sqrt(2.0 / (1 + f1))  # of n_taps weights uniform up to sqrt(6 / (n_taps x (1 + f1)))
        with torch.no_grad():
            self.temporal.copy_(norm * kernels / kernels.norm(dim=1, keepdim=True))

    def lowpass_kernels(self, cutoff: float) -> None:
        """Remove from the temporal filters what is faster than ``cutoff`` (cycles per sample)."""
        n_taps = self.temporal.shape[1]
        with torch.no_grad():
            spectrum = torch.fft.rfft(self.temporal, dim=1)
            spectrum[:, torch.fft.rfftfreq(n_taps, device=spectrum.device) > cutoff] = 0
            self.temporal.copy_(torch.fft.irfft(spectrum, n=n_taps, dim=1))

    def constrain(self, max_norm_spatial: float, max_norm_dense: float) -> None:
        """Shrink spatial filters and dense weights (per output) that have grown beyond their largest norm."""
        with torch.no_grad():
            spatial = self.spatial.view(-1, self.spatial.shape[2])
            spatial.copy_(torch.renorm(spatial, 2, 0, max_norm_spatial))
            self.dense.weight.copy_(torch.renorm(self.dense.weight, 2, 0, max_norm_dense))

    def _temporal_affine(
        self,
        n_channels: int,
        n_times: int,
        patches: tuple[torch.Tensor, torch.Tensor] | None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what the batch normalisation before the weighting of channels does to the weighted maps.

        A map is the weighted sum over channels of scale x (filtered - mean) + shift. That is the filtered and
        weighted EEG times the scale, (f1,), plus the sum of the weights times a constant, (f1 x d,).
        """
        mean, variance = self.temporal_mean, self.temporal_variance
        if self.training:
            if patches is None:
                raise ValueError("EegNetNetwork in training mode needs the moments of the patches.")
            first, second = patches[0].mean(dim=0), patches[1].mean(dim=0)
            mean = self.temporal @ first
            variance = ((self.temporal @ second) * self.temporal).sum(dim=1) - mean.square()
            variance = variance.clamp_min(0.0)
            n = len(patches[0]) * n_channels * n_times
            with torch.no_grad():
                self.temporal_mean.lerp_(mean, MOMENTUM)
                self.temporal_variance.lerp_(variance * (n / (n - 1)), MOMENTUM)
        scale = self.temporal_scale * torch.rsqrt(variance + EPSILON)
        shift = (self.temporal_shift - mean * scale)[:, None] * self.spatial.sum(dim=2)
        return scale, shift.flatten()


def _convolve_groups(maps: torch.Tensor, kernels: torch.Tensor) -> torch.Tensor:
    """Filter every group with its own kernel, zero-padded to ``same`` length.

    The maps are cut into stretches as long as the kernel; each stretch of output is a product of two
    neighbouring stretches of input with a band matrix of the kernel. On a processor this is several times
    faster than a grouped convolution, forwards and backwards.

    Parameters
    ----------
    maps : tensor, shape (n_groups, n_series, n_times)
    kernels : tensor, shape (n_groups, n_taps)
    """
    n_groups, n_series, n_times = maps.shape
    n_taps = kernels.shape[1]
    n_stretches = -(-n_times // n_taps)
    n_left = (n_taps - 1) // 2
    padded = functional.pad(maps, (n_left, (n_stretches + 1) * n_taps - n_times - n_left))
    cut = padded.view(n_groups, n_series, n_stretches + 1, n_taps)
    pairs = torch.cat([cut[:, :, :-1], cut[:, :, 1:]], dim=3).view(n_groups, -1, 2 * n_taps)
    # The kernel and zeros, repeated with a period one longer than a row: each row is the one above, shifted.
    rows = functional.pad(kernels, (0, n_taps + 1)).repeat(1, n_taps)[:, : 2 * n_taps**2]
    band = rows.view(n_groups, n_taps, 2 * n_taps)
    filtered: torch.Tensor = torch.bmm(pairs, band.transpose(1, 2))
    return filtered.view(n_groups, n_series, n_stretches * n_taps)[:, :, :n_times]


def _pool(maps: torch.Tensor, size: int) -> torch.Tensor:
    """Return the means over stretches of the last axis (n_maps, n_windows, n_times), as average pooling does.

    A product with a vector: on a processor several times faster than the pooling of torch.
    """
    n_maps, n_windows, n_times = maps.shape
    kept = maps[:, :, : n_times // size * size].reshape(-1, size)
    return (kept @ maps.new_full((size, 1), 1.0 / size)).view(n_maps, n_windows, -1)


def _normalise(maps: torch.Tensor, norm: nn.BatchNorm1d, shift: torch.Tensor | None = None) -> torch.Tensor:
    """Apply batch normalisation to maps (n_maps, n), over the last axis.

    ``shift`` (n_maps,) is a constant still to be added to the maps. In training it would be subtracted again
    with the mean of the batch, so that only the running mean has to know of it.
    """
    if shift is not None and not norm.training:
        maps = maps + shift[:, None]
    normalised: torch.Tensor = norm(maps[None]).squeeze(0)
    if shift is not None and norm.training and norm.running_mean is not None:
        # A new tensor: the old one is needed, unchanged, for the gradient.
        norm.running_mean = norm.running_mean + MOMENTUM * shift.detach()
    return normalised


def _glorot(*shape: int, fan: int) -> torch.Tensor:
    """Return Glorot-uniform weights, as Keras initialises them; ``fan`` is fan in plus fan out."""
    return (torch.rand(shape) * 2.0 - 1.0) * math.sqrt(6.0 / fan)
