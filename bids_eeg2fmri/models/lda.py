"""Linear discriminant analysis of the band power of windows: the condition a person is in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from sklearn.covariance import ledoit_wolf_shrinkage

from bids_eeg2fmri.errors import UsageError
from bids_eeg2fmri.models.band_power import POWER_FLOOR
from bids_eeg2fmri.models.class_probabilities import class_probabilities
from bids_eeg2fmri.models.setting_checks import check_bands, check_positive
from bids_eeg2fmri.models.training_data import check_channels, check_training_runs
from bids_eeg2fmri.models.window_covariance import measure_window_covariance
from bids_eeg2fmri.records import AlignedRun, Floats, Labels

#: Share of the identity in a covariance before its logarithm: an average reference leaves it singular.
_SHRINKAGE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Lda:
    """Log band power of windows, or their covariances in tangent space, and shrunk discriminant analysis.

    Attributes
    ----------
    window : float
        Seconds of EEG that end at each moment.
    bands : mapping of name to (low, high)
        Hz.
    features : "power" or "tangent"
        The logarithm of each channel's power; or the logarithm of the covariance of all channels, whitened by
        the mean covariance in training, which also sees between the channels.
    """

    name: ClassVar[str] = "lda"
    description: ClassVar[str] = "Shrunk linear discriminant analysis of the band power of windows"
    reference: ClassVar[str] = "Blankertz et al. 2011, doi 10.1016/j.neuroimage.2010.06.048"

    window: float = 2.0
    bands: Mapping[str, tuple[float, float]] = field(
        default_factory=lambda: {"alpha": (8.0, 13.0), "low beta": (13.0, 20.0), "high beta": (20.0, 30.0)}
    )
    features: Literal["power", "tangent"] = "power"

    def __post_init__(self) -> None:
        """Check the settings."""
        check_bands(self.name, self.bands)
        check_positive(self.name, window=self.window)
        if self.features not in ("power", "tangent"):
            raise UsageError(f"{self.name}: features is '{self.features}'; allowed are power and tangent.")

    def fit_classes(
        self,
        runs: Sequence[AlignedRun],
        labels: Sequence[Labels],
        *,
        n_classes: int,
        balance: bool,
        rng: np.random.Generator,
        device: str = "cpu",
    ) -> FittedLda:
        """Learn from whole runs; see :class:`~bids_eeg2fmri.registry.Classifier`. Nothing is drawn."""
        del rng, device
        prepared = self.prepare(runs)
        return prepared.solve(labels, n_classes=n_classes, balance=balance)

    def prepare(self, runs: Sequence[AlignedRun]) -> PreparedLda:
        """Measure the features of the training runs, for which no label is looked at.

        Raises
        ------
        BadDataError
            If the runs differ in channels or leave nothing to learn from.
        """
        check_training_runs(runs, self.name)
        covariances = [measure_window_covariance(run, bands=self.bands, window=self.window) for run in runs]
        masks = tuple(run.weights > 0 for run in runs)
        mean = np.concatenate([c[m] for c, m in zip(covariances, masks, strict=True)]).mean(axis=0)
        reference = np.stack([_whitening(m) for m in mean])
        features = [self.measure(c, reference) for c in covariances]
        learned = np.concatenate([f[m] for f, m in zip(features, masks, strict=True)])
        scale = np.maximum(learned.std(axis=0), 1e-9)
        # What is learned lies in the span of the windows: no more axes than these are needed.
        wide = learned.shape[1] > len(learned)
        axes = np.linalg.svd(learned / scale, full_matrices=False)[2].T if wide else np.eye(len(scale))
        return PreparedLda(
            options=self,
            reference=reference,
            features=tuple((f / scale) @ axes for f in features),
            axes=axes / scale[:, None],
            masks=masks,
        )

    def measure(self, covariance: Floats, reference: Floats) -> Floats:
        """Return the features, (n_windows, n_features), of covariances (n_windows, n_bands, n_ch, n_ch)."""
        if self.features == "power":
            power = np.diagonal(covariance, axis1=2, axis2=3)
            return np.log(np.maximum(power, POWER_FLOOR)).reshape(len(covariance), -1)
        shrunk = _shrink(covariance)
        white = reference @ shrunk @ reference.swapaxes(-1, -2)
        values, vectors = np.linalg.eigh(white)
        logarithm = (vectors * np.log(np.maximum(values, 1e-12))[..., None, :]) @ vectors.swapaxes(-1, -2)
        rows, columns = np.triu_indices(covariance.shape[-1])
        scale = np.where(rows == columns, 1.0, np.sqrt(2.0))  # so that distances are those of matrices
        return np.asarray((logarithm[..., rows, columns] * scale).reshape(len(covariance), -1))

    def restore_classes(self, tensors: Mapping[str, NDArray[Any]]) -> FittedLda:
        """Return the trained classifier that :meth:`FittedLda.tensors` described."""
        arrays = {name: np.asarray(tensors[name], dtype=np.float64) for name in FittedLda.ARRAYS}
        return FittedLda(options=self, **arrays)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedLda:
    """The features of the training runs, from which any labels are learned in no time.

    Attributes
    ----------
    reference : array, shape (n_bands, n_channels, n_channels)
        Whitens the mean covariance in training.
    features : tuple of array, shape (n_windows, n_axes), one per run
    axes : array, shape (n_features, n_axes)
        From features as they are measured to scaled ones, no more than there are windows.
    masks : tuple of array of bool, shape (n_windows,)
        The windows to learn from.
    """

    options: Lda
    reference: Floats
    features: tuple[Floats, ...]
    axes: Floats
    masks: tuple[NDArray[np.bool_], ...]

    def solve(self, labels: Sequence[Labels], *, n_classes: int, balance: bool) -> FittedLda:
        """Fit the discriminant: class means, one pooled covariance shrunk after Ledoit and Wolf (2004).

        Only the first target is learned: a window has one condition.
        """
        x = np.concatenate([f[m] for f, m in zip(self.features, self.masks, strict=True)])
        y = np.concatenate([label[m, 0] for label, m in zip(labels, self.masks, strict=True)])
        x, y = x[y >= 0], y[y >= 0]
        counts = np.bincount(y, minlength=n_classes)
        means = np.stack([x[y == k].mean(axis=0) if counts[k] else x.mean(axis=0) for k in range(n_classes)])
        centred = x - means[y]
        shrinkage = float(ledoit_wolf_shrinkage(centred, assume_centered=True))
        pooled = centred.T @ centred / len(centred)
        target = np.trace(pooled) / len(pooled) * np.eye(len(pooled))
        covariance = (1 - shrinkage) * pooled + shrinkage * target
        weights = np.linalg.solve(covariance, means.T)
        prior = np.where(counts > 0, 1.0 if balance else counts / len(y), 1e-9)
        offsets = -0.5 * (means * weights.T).sum(axis=1) + np.log(prior)
        return FittedLda(
            options=self.options, reference=self.reference, weights=self.axes @ weights, offsets=offsets
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedLda:
    """A trained :class:`Lda`: weights (n_features, n_classes), offsets (n_classes,), the reference."""

    ARRAYS: ClassVar[tuple[str, ...]] = ("reference", "weights", "offsets")

    options: Lda
    reference: Floats
    weights: Floats
    offsets: Floats

    def measure(self, run: AlignedRun) -> Floats:
        """Return the features of a run, (n_windows, n_features)."""
        check_channels(run, self.reference.shape[1], self.options.name)
        covariance = measure_window_covariance(run, bands=self.options.bands, window=self.options.window)
        return self.options.measure(covariance, self.reference)

    def classify(self, features: Floats) -> Floats:
        """Return the probability of each class, (n_windows, 1, n_classes)."""
        return class_probabilities(features @ self.weights + self.offsets, ordinal=False)[:, None]

    def predict(self, run: AlignedRun) -> Floats:
        """Return the probability of each class, (n_windows, 1, n_classes)."""
        return self.classify(self.measure(run))

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return all that :meth:`Lda.restore_classes` needs, by name."""
        return {name: np.array(getattr(self, name)) for name in self.ARRAYS}


def _shrink(covariance: Floats) -> Floats:
    """Return covariances (..., n_channels, n_channels) moved a little towards the identity."""
    n_channels = covariance.shape[-1]
    power = np.trace(covariance, axis1=-2, axis2=-1)[..., None, None] / n_channels
    power = np.maximum(power, POWER_FLOOR)
    return np.asarray((1 - _SHRINKAGE) * covariance + _SHRINKAGE * power * np.eye(n_channels))


def _whitening(mean: Floats) -> Floats:
    """Return the symmetric matrix that makes the shrunk mean covariance the identity."""
    values, vectors = eigh(_shrink(mean))
    return np.asarray((vectors / np.sqrt(values)) @ vectors.T)
