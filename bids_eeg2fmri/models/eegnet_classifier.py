"""EEGNet with a class at each window instead of a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from bids_eeg2fmri.models.class_probabilities import balancing_weights, class_probabilities
from bids_eeg2fmri.models.eegnet import EegNet
from bids_eeg2fmri.models.eegnet_input import InputScale, measure_scale
from bids_eeg2fmri.models.eegnet_network import EegNetNetwork
from bids_eeg2fmri.models.eegnet_training import Criterion, apply_network, train_network
from bids_eeg2fmri.models.inner_folds import inner_folds
from bids_eeg2fmri.models.training_data import check_channels, check_training_runs
from bids_eeg2fmri.models.windows import places_between
from bids_eeg2fmri.records import AlignedRun, Floats, Labels


@dataclass(frozen=True, slots=True, kw_only=True)
class EegNetClassifier(EegNet):
    """EEGNet as published, with one class per target; all settings are those of the regression.

    Attributes
    ----------
    ordinal : bool
        Whether the classes are ordered: the outputs are then whether the target lies above each class but the
        last (Niu et al. 2016, doi 10.1109/CVPR.2016.532). Else cross-entropy.
    steps_between : int
        As of the regression, but back only half of the way to the volume before: the class is still the
        nearest volume's.
    """

    description: ClassVar[str] = "EEGNet with a class for each window of raw EEG"
    #: The regression with the same network.
    regressor: ClassVar[str] = "eegnet"

    ordinal: bool = True

    def fit_classes(
        self,
        runs: Sequence[AlignedRun],
        labels: Sequence[Labels],
        *,
        n_classes: int,
        balance: bool,
        rng: np.random.Generator,
        device: str = "cpu",
    ) -> FittedEegNetClassifier:
        """Learn from whole runs; see :class:`~bids_eeg2fmri.registry.Classifier`.

        One training run (drawn by ``rng``) decides when to stop, as in the regression.

        Raises
        ------
        BadDataError
            If the runs differ in channels or regions, or leave too little to learn from.
        """
        check_training_runs(runs, self.name)
        folds = inner_folds(runs)
        one_run = sum(bool(np.any(run.weights > 0)) for run in runs) == 1
        train, held_out = folds[-1] if one_run else folds[int(rng.integers(len(folds)))]
        series = [self._series(run) for run in runs]
        scale = measure_scale(runs, train, series, has_mean=self.input == "band power")
        places = [self._places(run, t + v > 0) for run, t, v in zip(runs, train, held_out, strict=True)]
        windows = self._windows(runs, series, [p.ravel() for p in places], scale, device=device)
        known = np.concatenate(labels)
        weights = np.zeros(known.shape)
        for part in (np.concatenate(train) > 0, np.concatenate(held_out) > 0):
            weights[part] = balancing_weights(known[part], n_classes, balance=balance)
        # Class and weight of every window, side by side: (n_windows, 2 n_targets).
        targets = np.repeat(np.hstack([known, weights]), self.steps_between, axis=0)
        index = np.arange(len(targets)).reshape(-1, self.steps_between)
        n_logits = n_classes - self.ordinal
        loss = _ordinal_loss if self.ordinal else _cross_entropy

        seed = int(rng.integers(2**62))
        with torch.random.fork_rng(devices=[device] if device.startswith("cuda") else []):
            torch.manual_seed(seed)
            network = self.network(n_channels=len(scale.deviation), n_outputs=known.shape[1] * n_logits).to(
                device
            )
            best_epoch = train_network(
                network,
                windows,
                torch.from_numpy(targets.astype(np.float32)).to(device),
                learned=index[np.concatenate(train) > 0],
                held_out=index[np.concatenate(held_out) > 0, 0],
                plan=self._plan(),
                rng=rng,
                criterion=Criterion(loss=loss, error=lambda outputs, targets: float(loss(outputs, targets))),
            )
        return FittedEegNetClassifier(
            options=self,
            network=network.cpu(),
            n_channels=len(runs[0].eeg),
            scale=scale,
            best_epoch=best_epoch,
            n_targets=known.shape[1],
        )

    def restore_classes(self, tensors: Mapping[str, NDArray[Any]]) -> FittedEegNetClassifier:
        """Return the trained classifier that :meth:`FittedEegNetClassifier.tensors` described."""
        scale = InputScale(
            mean=np.asarray(tensors["channel_mean"], dtype=np.float64),
            deviation=np.asarray(tensors["channel_scale"], dtype=np.float64),
        )
        n_outputs = len(np.asarray(tensors["network.dense.bias"]))
        with torch.random.fork_rng(devices=[]):  # the first weights are drawn, but do not matter
            network = self.network(n_channels=len(scale.deviation), n_outputs=n_outputs)
        state = {
            name: torch.from_numpy(np.array(tensors[f"network.{name}"])) for name in network.state_dict()
        }
        network.load_state_dict(state)
        return FittedEegNetClassifier(
            options=self,
            network=network.eval(),
            n_channels=len(scale.deviation) // self._n_series_per_channel,
            scale=scale,
            best_epoch=int(tensors["best_epoch"]),
            n_targets=int(tensors["n_targets"]),
        )

    def _places(self, run: AlignedRun, usable: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the ends of the windows of each volume, (n_volumes, steps_between)."""
        places, _ = places_between(
            run.volume_samples, np.zeros((run.n_volumes, 1)), usable, n=2 * self.steps_between
        )
        return places[:, : self.steps_between]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedEegNetClassifier:
    """A trained :class:`EegNetClassifier`; ``scale`` is that of the series of its input."""

    options: EegNetClassifier
    network: EegNetNetwork
    n_channels: int
    scale: InputScale
    best_epoch: int
    n_targets: int

    def predict(self, run: AlignedRun) -> Floats:
        """Return the probability of each class, (n_volumes, n_targets, n_classes)."""
        check_channels(run, self.n_channels, self.options.name)
        series = [self.options._series(run)]
        windows = self.options._windows([run], series, [run.volume_samples], self.scale)
        outputs = apply_network(self.network, windows, np.arange(run.n_volumes)).numpy().astype(np.float64)
        logits = outputs.reshape(run.n_volumes, self.n_targets, -1)
        return class_probabilities(logits, ordinal=self.options.ordinal)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return all that :meth:`EegNetClassifier.restore_classes` needs, by name."""
        state = {f"network.{name}": value.numpy().copy() for name, value in self.network.state_dict().items()}
        return {
            **state,
            "channel_mean": self.scale.mean.copy(),
            "channel_scale": self.scale.deviation.copy(),
            "best_epoch": np.array(self.best_epoch),
            "n_targets": np.array(self.n_targets),
        }


def _ordinal_loss(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the weighted loss of being above each class but the last."""
    labels, weights = targets.to(outputs.device).chunk(2, dim=1)
    logits = outputs.view(*labels.shape, -1)
    above = (labels[:, :, None] > torch.arange(logits.shape[2], device=labels.device)).to(logits.dtype)
    losses = functional.binary_cross_entropy_with_logits(logits, above, reduction="none").mean(dim=2)
    return (losses * weights).mean()


def _cross_entropy(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the weighted cross-entropy; what has no label has weight 0."""
    labels, weights = targets.to(outputs.device).chunk(2, dim=1)
    logits = outputs.view(labels.numel(), -1)
    losses = functional.cross_entropy(logits, labels.long().clamp_min(0).reshape(-1), reduction="none")
    return (losses * weights.reshape(-1)).mean()
