"""What the networks of an ``hrfnet`` learn from each run, and what they are tested on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bids_eeg2fmri.models.bold_scaling import standardise_bold
from bids_eeg2fmri.models.hrfnet_network import RunTensors
from bids_eeg2fmri.models.source_power import BandSignals
from bids_eeg2fmri.models.training_data import learned_samples
from bids_eeg2fmri.records import AlignedRun, Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lesson:
    """One run with what each network may learn from it.

    Attributes
    ----------
    run : RunTensors
    target : tensor, shape (n_volumes, n_regions)
        BOLD in standard deviations.
    learned, held_out : tensor, shape (n_networks, n_volumes)
        1 where a network learns, 1 where it is tested.
    windows : tensor, shape (n_networks, n_windows)
        1 for windows within volumes that a network learns from.
    """

    run: RunTensors
    target: torch.Tensor
    learned: torch.Tensor
    held_out: torch.Tensor
    windows: torch.Tensor


def make_lesson(
    run: AlignedRun,
    s: BandSignals,
    tensor: RunTensors,
    folds: Sequence[tuple[Sequence[Floats], Sequence[Floats]]],
    index: int,
    scale: Floats,
    *,
    n_seeds: int,
) -> Lesson:
    """Return what the networks of every fold and seed, folds first, learn from run number ``index``.

    Parameters
    ----------
    run : AlignedRun
    s : BandSignals
        Of the run: which windows there are.
    tensor : RunTensors
        The run as the networks see it.
    folds : sequence of (train, held_out)
        Each one array of weights (n_volumes,) per run.
    index : int
        Which of the runs this one is.
    scale : array, shape (n_regions,)
        What BOLD is divided by.
    n_seeds : int
    """
    target = standardise_bold(run.bold, run.weights > 0, scale)

    def per_network(rows: Sequence[NDArray[Any]]) -> torch.Tensor:
        stacked = np.repeat(np.stack(rows), n_seeds, axis=0).astype(np.float32)
        return torch.from_numpy(stacked).to(tensor.signal.device)

    return Lesson(
        run=tensor,
        target=torch.from_numpy(target.astype(np.float32)).to(tensor.signal.device),
        learned=per_network([(train[index] > 0) for train, _ in folds]),
        held_out=per_network([(held_out[index] > 0) for _, held_out in folds]),
        windows=per_network([learned_samples(run, train[index])[s.last_samples] for train, _ in folds]),
    )
