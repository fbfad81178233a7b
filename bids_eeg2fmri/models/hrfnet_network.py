"""The network behind ``hrfnet``: spatial filters, log power in bands, haemodynamic responses, regions.

Several networks, of different seeds and training data, lie side by side in the first axis of every weight, so
that one pass trains them all.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

#: Power is never taken to be lower than this share of that of a source of unit power.
FLOOR = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RunTensors:
    """One run as the network sees it.

    Attributes
    ----------
    signal : tensor
        Of the covariance form, (n_windows, n_bands, n_pairs), as ``pack_covariances`` returns them; else
        the sources themselves, (n_sources, n_times).
    response : tensor, shape (n_volumes, n_basis, n_windows)
        What each window adds to each volume through each haemodynamic basis function.
    window : int
        Samples per window.
    """

    signal: torch.Tensor
    response: torch.Tensor
    window: int


class HrfNetwork(nn.Module):
    """``n_networks`` networks of ``n_components`` components each.

    Parameters
    ----------
    spatial : tensor, shape (n_networks, n_components, n_sources)
    bands : tensor, shape (n_networks, n_components, n_bands)
        Each component's shares of the bands, before a softmax.
    n_basis, n_regions : int
    kernels : tensor, shape (n_bands, n_taps), or None
        Temporal kernels to begin with; None: the bands are those of given covariances.
    """

    def __init__(
        self,
        spatial: torch.Tensor,
        bands: torch.Tensor,
        *,
        n_basis: int,
        n_regions: int,
        kernels: torch.Tensor | None = None,
    ) -> None:
        super().__init__()
        n_networks, n_components, _ = spatial.shape
        self.spatial = nn.Parameter(spatial.clone())
        self.bands = nn.Parameter(bands.clone())
        self.responses = nn.Parameter(torch.full((n_networks, n_components, n_basis), 1.0 / n_basis))
        self.readout = nn.Parameter(torch.zeros(n_networks, n_components, n_regions))
        self.kernels = None if kernels is None else nn.Parameter(kernels.repeat(n_networks, 1, 1))
        self.level: torch.Tensor
        self.register_buffer("level", torch.zeros(n_networks, n_components))

    def log_power(self, run: RunTensors) -> torch.Tensor:
        """Return (n_networks, n_components, n_windows)."""
        power = self._power_of_signal(run) if self.kernels is not None else self._power_of_covariance(run)
        shares = functional.softmax(self.bands, dim=2)
        mixed = torch.einsum("gmbw,gmb->gmw", power, shares)
        return torch.log(mixed / self.spatial.square().sum(dim=2, keepdim=True) + FLOOR)

    def read_out(self, log_power: torch.Tensor, run: RunTensors) -> torch.Tensor:
        """Return (n_networks, n_volumes, n_regions) from log power above the level."""
        return torch.bmm(self.follow(log_power, run), self.readout)

    def follow(self, log_power: torch.Tensor, run: RunTensors) -> torch.Tensor:
        """Return log power above the level behind each component's response, (n_networks, n_volumes, m)."""
        above = log_power - self.level[:, :, None]
        convolved = torch.einsum("vkw,gmw->gmvk", run.response, above)
        return torch.einsum("gmvk,gmk->gvm", convolved, self.responses)

    def forward(self, run: RunTensors) -> torch.Tensor:
        """Return (n_networks, n_volumes, n_regions)."""
        return self.read_out(self.log_power(run), run)

    def _power_of_covariance(self, run: RunTensors) -> torch.Tensor:
        n_networks, n_components, n_sources = self.spatial.shape
        one, other = torch.triu_indices(n_sources, n_sources, device=self.spatial.device)
        products = self.spatial.index_select(2, one) * self.spatial.index_select(2, other)
        n_windows, n_bands, n_pairs = run.signal.shape
        power = products.view(-1, n_pairs) @ run.signal.view(-1, n_pairs).T
        return power.view(n_networks, n_components, n_windows, n_bands).transpose(2, 3)

    def _power_of_signal(self, run: RunTensors) -> torch.Tensor:
        assert self.kernels is not None
        n_networks, n_components, n_sources = self.spatial.shape
        n_bands, n_taps = self.kernels.shape[1:]
        components = self.spatial.view(-1, n_sources) @ run.signal
        # Spatial before temporal filters is the same map for fewer series; padded on the left it is causal.
        padded = functional.pad(components.view(n_networks, n_components, -1), (n_taps - 1, 0))
        filtered = functional.conv1d(
            padded.transpose(0, 1), self.kernels.view(-1, 1, n_taps), groups=n_networks
        )
        n_windows = filtered.shape[2] // run.window
        power = filtered[:, :, : n_windows * run.window].square()
        mean = power.view(n_components, n_networks, n_bands, n_windows, run.window).mean(dim=4)
        return mean.transpose(0, 1)
