"""``hrfnet`` for levels of the BOLD: how likely the BOLD is to lie above each level but the last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.models.hrfnet import FittedHrfNet, HrfNet
from bids_eeg2fmri.records import AlignedRun, Floats, Labels

#: No class is ever less likely than this, so that none can be lost by rounding.
_LEAST = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class HrfNetClassifier(HrfNet):
    """The network regressed on whether the BOLD lies above each level but the last.

    A regression on indicators estimates probabilities; those of the levels are the steps between them (Frank
    and Hall 2001, doi 10.1007/3-540-44795-4_13). All settings are those of the regression.
    """

    description: ClassVar[str] = "HRFNet that tells how likely the BOLD is to lie above each level"
    #: The regression with the same network.
    regressor: ClassVar[str] = "hrfnet"

    def fit_classes(
        self,
        runs: Sequence[AlignedRun],
        labels: Sequence[Labels],
        *,
        n_classes: int,
        balance: bool,
        rng: np.random.Generator,
        device: str = "cpu",
    ) -> FittedHrfNetClassifier:
        """Learn from whole runs; see :class:`~bids_eeg2fmri.registry.Classifier`.

        Raises
        ------
        BadDataError
            If the runs differ in channels or regions, or leave too little to learn from.
        """
        targets = [_above(run, known, n_classes) for run, known in zip(runs, labels, strict=True)]
        used = [known[run.weights > 0] for run, known in zip(targets, labels, strict=True)]
        counts = np.stack([(np.concatenate(used) == k).sum(axis=0) + 1.0 for k in range(n_classes)], axis=1)
        return FittedHrfNetClassifier(
            network=self.fit(targets, rng=rng, device=device),
            shares=counts / counts.sum(axis=1, keepdims=True) if balance else np.ones_like(counts),
        )

    def restore_classes(self, tensors: Mapping[str, NDArray[Any]]) -> FittedHrfNetClassifier:
        """Return the trained classifier that :meth:`FittedHrfNetClassifier.tensors` described."""
        return FittedHrfNetClassifier(
            network=self.restore(tensors), shares=np.asarray(tensors["shares"], dtype=np.float64)
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedHrfNetClassifier:
    """A trained :class:`HrfNetClassifier`.

    Attributes
    ----------
    network : FittedHrfNet
        Its regions are the targets, each with one column per level but the last.
    shares : array, shape (n_targets, n_classes)
        What the probabilities are divided by: how common each class was in training, where classes are
        balanced, else 1.
    """

    network: FittedHrfNet
    shares: Floats

    def predict(self, run: AlignedRun) -> Floats:
        """Return the probability of each class, (n_volumes, n_targets, n_classes)."""
        n_targets, n_classes = self.shares.shape
        above = self.network.predict(run).reshape(run.n_volumes, n_targets, n_classes - 1).clip(0.0, 1.0)
        above = np.minimum.accumulate(above, axis=2)  # no level is passed before the one below it
        edges = np.concatenate(
            [np.ones((*above.shape[:2], 1)), above, np.zeros((*above.shape[:2], 1))], axis=2
        )
        likely = np.maximum(-np.diff(edges, axis=2), _LEAST) / self.shares
        probability: Floats = likely / likely.sum(axis=2, keepdims=True)
        return probability

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return all that :meth:`HrfNetClassifier.restore_classes` needs, by name."""
        return {**self.network.tensors(), "shares": self.shares.copy()}


def _above(run: AlignedRun, labels: Labels, n_classes: int) -> AlignedRun:
    """Return the run with, in the place of BOLD, whether each target lies above each level but the last.

    Volumes of which a label is not known have weight 0.
    """
    indicators = (labels[:, :, None] > np.arange(n_classes - 1)).astype(np.float64)
    names = tuple(
        f"{target} above {level}" for target in range(labels.shape[1]) for level in range(n_classes - 1)
    )
    return replace(
        run,
        bold=indicators.reshape(run.n_volumes, -1),
        region_names=names,
        weights=np.where((labels >= 0).all(axis=1), run.weights, 0.0),
    )
