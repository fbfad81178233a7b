"""Training of all networks of an ``hrfnet`` at once, and when to stop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from bids_eeg2fmri.models.hrfnet_lessons import Lesson
from bids_eeg2fmri.models.hrfnet_network import HrfNetwork

#: The smallest sum of squares that is divided by.
EPSILON = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trained:
    """What training found.

    Attributes
    ----------
    best_step : int
    slopes : tensor, shape (n_regions,)
        By how much predictions must be multiplied to be of the size of held-out BOLD.
    """

    best_step: int
    slopes: torch.Tensor


def train_networks(
    network: HrfNetwork,
    lessons: Sequence[Lesson],
    *,
    tested: torch.Tensor,
    n_steps: int,
    learning_rate: float,
    weight_decay: float,
) -> Trained:
    """Train all networks on their data; leave them as they were when held-out data were predicted best.

    The loss of a run is 1 - Pearson's r + half the mean squared error, over regions.

    Parameters
    ----------
    network : HrfNetwork
        Changed in place.
    lessons : sequence of Lesson
    tested : tensor of bool, shape (n_networks,)
        The networks that hold data out; they decide for all how many steps are best.
    """
    optimizer = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=weight_decay)
    best_loss, best_step = float("inf"), 0
    best_state = {name: value.detach().clone() for name, value in network.state_dict().items()}
    for step in range(n_steps + 1):
        predicted = predict_all(network, lessons)
        with torch.no_grad():
            held_out = sum(float(_loss(p, x.target, x.held_out)[tested].sum()) for x, p in predicted)
        if step > 0 and held_out < best_loss:
            best_loss, best_step = held_out, step
            best_state = {name: value.detach().clone() for name, value in network.state_dict().items()}
        if step < n_steps:
            optimizer.zero_grad(set_to_none=True)
            loss = sum(_loss(p, x.target, x.learned).sum() for x, p in predicted)
            loss.backward()  # type: ignore[union-attr]
            optimizer.step()
    network.load_state_dict(best_state)
    with torch.no_grad():
        slopes = _held_out_slopes(predict_all(network, lessons), tested)
    return Trained(best_step=best_step, slopes=slopes)


def predict_all(network: HrfNetwork, lessons: Sequence[Lesson]) -> list[tuple[Lesson, torch.Tensor]]:
    """Return what every network predicts of every run; their levels become those of what they learn from."""
    powers = [network.log_power(lesson.run) for lesson in lessons]
    with torch.no_grad():
        total = sum(
            torch.einsum("gmw,gw->gm", power, lesson.windows)
            for power, lesson in zip(powers, lessons, strict=True)
        )
        count = sum(lesson.windows.sum(dim=1) for lesson in lessons)
        network.level.copy_(total / torch.as_tensor(count).clamp_min(1.0)[:, None])
    return [
        (lesson, network.read_out(power, lesson.run)) for power, lesson in zip(powers, lessons, strict=True)
    ]


def centred(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return values (n_networks, n_volumes, n_regions) about their mean where the mask is 1, else 0."""
    count = mask.sum(dim=1).clamp_min(1.0)[:, None, None]
    mean = (values * mask[:, :, None]).sum(dim=1, keepdim=True) / count
    return (values - mean) * mask[:, :, None]


def _loss(predicted: torch.Tensor, target: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return the loss of each network (n_networks,) on one run; 0 where its mask is empty."""
    p, t = centred(predicted, mask), centred(target.expand_as(predicted), mask)
    sizes = (p.square().sum(dim=1) * t.square().sum(dim=1) + EPSILON).sqrt()
    r = (p * t).sum(dim=1) / sizes
    count = mask.sum(dim=1)
    error = (p - t).square().sum(dim=1) / count.clamp_min(1.0)[:, None]
    return torch.where(count > 0, (1.0 - r + 0.5 * error).mean(dim=1), torch.zeros_like(count))


def _held_out_slopes(predicted: Sequence[tuple[Lesson, torch.Tensor]], tested: torch.Tensor) -> torch.Tensor:
    """Return the slope of held-out BOLD on its prediction (n_regions,), from 0 to 2."""
    products, squares = [], []
    for lesson, values in predicted:
        p = centred(values, lesson.held_out)[tested]
        t = centred(lesson.target.expand_as(values), lesson.held_out)[tested]
        products.append((p * t).sum(dim=(0, 1)))
        squares.append(p.square().sum(dim=(0, 1)))
    total = torch.stack(squares).sum(dim=0).clamp_min(EPSILON)
    return (torch.stack(products).sum(dim=0) / total).clamp(0.0, 2.0)
