"""What a model checks and measures before it learns from its training runs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.records import AlignedRun, Floats


def learned_samples(run: AlignedRun, weights: Floats) -> NDArray[np.bool_]:
    """Return which EEG samples (n_times,) belong to volumes of positive weight (n_volumes,).

    A volume owns the samples after the one of the volume before it, up to its own. Statistics of the EEG are
    taken over these, so that a held-out block of a run adds nothing to them.
    """
    owner = np.searchsorted(run.volume_samples, np.arange(run.eeg.shape[1]), side="left")
    owned = owner < run.n_volumes
    return np.asarray(owned & (weights > 0)[np.minimum(owner, run.n_volumes - 1)])


def check_training_runs(runs: Sequence[AlignedRun], model: str) -> None:
    """Raise BadDataError unless the runs share channels and regions and leave something to learn from."""
    if not any(np.any(run.weights > 0) for run in runs):
        raise BadDataError(
            f"Model {model}: the training runs have no volume with weight above 0; at least one run with EEG "
            "and uncensored BOLD is needed. Check the censoring and the pairing of the runs."
        )
    for run in runs[1:]:
        if run.channel_names != runs[0].channel_names or run.region_names != runs[0].region_names:
            raise BadDataError(
                f"Model {model}: {run.entities} has other channels or regions than {runs[0].entities}; all "
                "runs of a participant must have the same, in the same order. Leave the odd run out."
            )


def check_channels(run: AlignedRun, n_channels: int, model: str) -> None:
    """Raise BadDataError if a run to predict has another number of channels than the model was trained on."""
    if len(run.eeg) != n_channels:
        raise BadDataError(
            f"Model {model}: {run.entities} has {len(run.eeg)} EEG channels; the model was trained on "
            f"{n_channels}, and needs the same in the same order."
        )


def encode_names(names: Sequence[str]) -> NDArray[np.uint8]:
    """Return names as UTF-8 bytes, one per line: saved models hold numbers only."""
    return np.frombuffer("\n".join(names).encode(), dtype=np.uint8).copy()


def decode_names(encoded: NDArray[np.uint8]) -> tuple[str, ...]:
    """Undo :func:`encode_names`."""
    return tuple(np.asarray(encoded, dtype=np.uint8).tobytes().decode().split("\n"))
