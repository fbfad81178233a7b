"""Training of a network on windows, with early stopping on held-out windows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from bids_eeg2fmri.models.eegnet_network import EegNetNetwork
from bids_eeg2fmri.models.windows import WindowSet, patch_moments

#: Windows that are put through the network at once when nothing is learned.
EVALUATION_BATCH = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """How long and how fast to train (see the fields of the same names of ``EegNet``)."""

    learning_rate: float
    weight_decay: float
    batch_size: int
    max_epochs: int
    patience: int
    max_norm_spatial: float
    max_norm_dense: float
    flip_sign: bool
    #: Cycles per sample; 0: none.
    kernel_lowpass: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """What is minimised in training, and what decides when to stop; both of (outputs, targets)."""

    loss: Callable[[torch.Tensor, torch.Tensor], Any]
    error: Callable[[torch.Tensor, torch.Tensor], float]


def train_network(
    network: EegNetNetwork,
    windows: WindowSet,
    targets: torch.Tensor,
    *,
    learned: NDArray[np.int64],
    held_out: NDArray[np.int64],
    plan: TrainingPlan,
    rng: np.random.Generator,
    criterion: Criterion | None = None,
) -> int:
    """Minimise the criterion with Adam; keep the weights that did best on the held-out windows.

    Parameters
    ----------
    network : EegNetNetwork
        Changed in place.
    windows : WindowSet
        n_windows windows.
    targets : tensor, shape (n_windows, n_outputs)
        Standardised.
    learned : array of int64, shape (n_learned, n_alternatives)
        The windows to learn from: each epoch takes one of every row.
    held_out : array of int64, shape (n_held_out,)
        The windows that decide when to stop.
    plan : TrainingPlan
    rng : Generator
        Draws and orders the windows, and turns them over.
    criterion : Criterion, optional
        Default: the mean squared error, and the same apart from an offset of each output.

    Returns
    -------
    best_epoch : int
        Number of epochs after which the kept weights were reached.
    """
    criterion = criterion or Criterion(loss=functional.mse_loss, error=_centred_error)
    optimizer = torch.optim.AdamW(network.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay)
    moments = patch_moments(windows, network.temporal.shape[1])
    best_error, best_epoch, best_state = np.inf, 0, _copy_state(network)
    for epoch in range(1, plan.max_epochs + 1):
        network.train()
        drawn = learned[np.arange(len(learned)), rng.integers(learned.shape[1], size=len(learned))]
        for batch in _batches(rng.permutation(drawn), plan.batch_size):
            chosen = torch.from_numpy(batch).to(targets.device)
            x, first, second = windows.take(chosen), moments[0][chosen], moments[1][chosen]
            if plan.flip_sign:
                sign = torch.from_numpy(rng.choice(np.array([-1, 1], dtype=np.float32), len(batch))).to(
                    x.device
                )
                x, first = x * sign[:, None], first * sign[:, None]
            optimizer.zero_grad(set_to_none=True)
            loss = criterion.loss(network(x, (first, second)), targets[chosen])
            loss.backward()
            optimizer.step()
            network.constrain(plan.max_norm_spatial, plan.max_norm_dense)
        if plan.kernel_lowpass:
            network.lowpass_kernels(plan.kernel_lowpass)
        outputs = apply_network(network, windows, held_out)
        error = criterion.error(outputs, targets[torch.from_numpy(held_out)])
        if error < best_error:
            best_error, best_epoch, best_state = error, epoch, _copy_state(network)
        if epoch - best_epoch >= plan.patience:
            break
    network.load_state_dict(best_state)
    return best_epoch


def apply_network(network: EegNetNetwork, windows: WindowSet, chosen: NDArray[np.int64]) -> torch.Tensor:
    """Return the outputs of the network for the chosen windows, (n_chosen, n_outputs)."""
    network.eval()
    with torch.no_grad():
        parts = [
            network(windows.take(torch.from_numpy(batch).to(windows.starts.device)))
            for batch in np.split(chosen, range(EVALUATION_BATCH, len(chosen), EVALUATION_BATCH))
        ]
    return torch.cat(parts)


def _batches(order: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
    """Cut an order into batches of nearly equal size, none larger than ``size``."""
    return [np.asarray(part) for part in np.array_split(order, -(-len(order) // size))]


def _centred_error(outputs: torch.Tensor, targets: torch.Tensor) -> float:
    """Return the mean squared error apart from an offset of each output, which differs from run to run."""
    difference = outputs - targets.to(outputs.device)
    return float((difference - difference.mean(dim=0)).square().mean())


def _copy_state(network: EegNetNetwork) -> dict[str, torch.Tensor]:
    """Return a copy of all weights and running statistics."""
    return {name: value.detach().clone() for name, value in network.state_dict().items()}
