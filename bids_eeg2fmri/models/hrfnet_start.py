"""Where the networks of an ``hrfnet`` begin: components that follow the BOLD, and a readout of them."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from bids_eeg2fmri.models.hrfnet_lessons import Lesson
from bids_eeg2fmri.models.hrfnet_network import HrfNetwork
from bids_eeg2fmri.models.hrfnet_training import EPSILON, centred, predict_all


def components_most_alike(
    probe: HrfNetwork, lessons: Sequence[Lesson], *, n_networks: int, n_chosen: int
) -> torch.Tensor:
    """Return the components of a probe whose convolved log power follows what each network learns from most.

    Returns
    -------
    chosen : tensor of int64, shape (n_networks, n_chosen)
        By their squared correlation with the BOLD, summed over regions.
    """
    products, squares = torch.tensor(0.0), torch.tensor(0.0)
    with torch.no_grad():
        for lesson in lessons:
            log_power = probe.log_power(lesson.run)[0]
            log_power = log_power - log_power.mean(dim=1, keepdim=True)
            feature = lesson.run.response.mean(dim=1) @ log_power.T  # (n_volumes, n_candidates)
            mask = lesson.learned[:, :, None]
            count = mask.sum(dim=1, keepdim=True).clamp_min(1.0)
            x = feature[None] * mask
            x = (x - x.sum(dim=1, keepdim=True) / count) * mask
            y = lesson.target[None] * mask
            products = products.to(x.device) + torch.einsum("gvc,gvr->gcr", x, y)
            squares = squares.to(x.device) + x.square().sum(dim=1)
        alike = (products.square().sum(dim=2) / squares.clamp_min(1e-9)).nan_to_num()
        assert alike.shape[0] == n_networks
        return torch.sort(alike, dim=1, descending=True, stable=True).indices[:, :n_chosen]


def start_readout(network: HrfNetwork, lessons: Sequence[Lesson], *, penalty: float) -> None:
    """Set the readout of every network to the ridge regression on what its components begin as.

    ``penalty`` is in units of the mean eigenvalue of the Gram matrix.
    """
    with torch.no_grad():
        predict_all(network, lessons)  # sets the levels
        grams, crosses = [], []
        for lesson in lessons:
            x = centred(network.follow(network.log_power(lesson.run), lesson.run), lesson.learned)
            y = centred(lesson.target.expand(len(x), -1, -1), lesson.learned)
            grams.append(x.transpose(1, 2) @ x)
            crosses.append(x.transpose(1, 2) @ y)
        gram, cross = torch.stack(grams).sum(dim=0), torch.stack(crosses).sum(dim=0)
        size = gram.diagonal(dim1=1, dim2=2).mean(dim=1).clamp_min(EPSILON)
        identity = torch.eye(gram.shape[1], device=gram.device)
        network.readout.copy_(torch.linalg.solve(gram + penalty * size[:, None, None] * identity, cross))
