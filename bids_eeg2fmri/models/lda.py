"""Linear discriminant analysis of the band power of windows: the condition a person is in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import ledoit_wolf_shrinkage

from bids_eeg2fmri.errors import UsageError
from bids_eeg2fmri.models.band_power import POWER_FLOOR
from bids_eeg2fmri.models.class_probabilities import class_probabilities
from bids_eeg2fmri.models.covariance_features import common_patterns, tangent_space, whitening
from bids_eeg2fmri.models.setting_checks import check_bands, check_positive
from bids_eeg2fmri.models.training_data import check_channels, check_training_runs
from bids_eeg2fmri.models.window_covariance import measure_window_covariance
from bids_eeg2fmri.records import AlignedRun, Floats, Labels


@dataclass(frozen=True, slots=True, kw_only=True)
class Lda:
    """Band power of windows, of channels or of spatial patterns, and shrunk discriminant analysis.

    Attributes
    ----------
    window : float
        Seconds of EEG that end at each moment.
    piece : float
        Longer windows are cut into overlapping pieces of this many seconds: each is learned from, and what
        they say of a window is averaged. That learns from more examples than one power for a long window.
    bands : mapping of name to (low, high)
        Hz.
    features : "csp", "power" or "tangent"
        The logarithm of the power of common spatial patterns (Blankertz et al. 2008, doi
        10.1109/MSP.2008.4408441) or of each channel; or the logarithm of the covariance of all channels,
        whitened by the mean covariance in training (Barachant et al. 2012, doi 10.1109/TBME.2011.2172210).
    n_patterns : int
        Patterns per band at either end: those with the most and the least power in a condition.
    """

    name: ClassVar[str] = "lda"
    description: ClassVar[str] = (
        "Shrunk linear discriminant analysis of the band power of spatial patterns in windows"
    )
    reference: ClassVar[str] = "Blankertz et al. 2008, doi 10.1109/MSP.2008.4408441"

    window: float = 2.0
    piece: float = 2.0
    bands: Mapping[str, tuple[float, float]] = field(
        default_factory=lambda: {"alpha": (8.0, 13.0), "low beta": (13.0, 20.0), "high beta": (20.0, 30.0)}
    )
    features: Literal["csp", "power", "tangent"] = "csp"
    n_patterns: int = 4

    def __post_init__(self) -> None:
        """Check the settings."""
        check_bands(self.name, self.bands)
        check_positive(self.name, window=self.window, piece=self.piece)
        if self.features not in ("csp", "power", "tangent"):
            raise UsageError(
                f"{self.name}: features is '{self.features}'; allowed are csp, power and tangent."
            )
        check_positive(self.name, n_patterns=self.n_patterns)

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
        covariances = [self.covariance(run) for run in runs]
        masks = tuple(run.weights > 0 for run in runs)
        learned = np.concatenate(
            [c[m].reshape(-1, *c.shape[2:]) for c, m in zip(covariances, masks, strict=True)]
        )
        reference = np.stack([whitening(m) for m in learned.mean(axis=0)])
        return PreparedLda(
            options=self, reference=reference, measured=self.measure(learned, reference), masks=masks
        )

    @property
    def n_pieces(self) -> int:
        """Pieces of a window; each begins in the middle of the one before."""
        return 1 + max(int(2 * (self.window / self.piece - 1) + 1e-6), 0)

    def covariance(self, run: AlignedRun) -> Floats:
        """Return the covariances of the pieces, (n_windows, n_pieces, n_bands, n_channels, n_channels)."""
        back = np.rint(np.arange(self.n_pieces) * self.piece / 2 * run.sfreq).astype(np.int64)
        values = measure_window_covariance(
            run.eeg,
            run.sfreq,
            ends=(run.volume_samples[:, None] - back).ravel(),
            bands=self.bands,
            window=min(self.window, self.piece),
        )
        return values.reshape(run.n_volumes, self.n_pieces, *values.shape[1:])

    def measure(self, covariance: Floats, reference: Floats) -> Floats:
        """Return what no label is needed for, of covariances (n_pieces, n_bands, n_channels, n_channels).

        Log power or the tangent space, (n_pieces, n_features); for patterns the covariances as they are.
        """
        if self.features == "csp":
            return covariance
        if self.features == "power":
            power = np.diagonal(covariance, axis1=2, axis2=3)
            return np.asarray(np.log(np.maximum(power, POWER_FLOOR)).reshape(len(covariance), -1))
        return tangent_space(covariance, reference)

    def project(self, measured: Floats, filters: Floats) -> Floats:
        """Return the features, (n_pieces, n_features): for patterns the log power of each."""
        if self.features != "csp":
            return measured
        power = np.einsum("bfc,nbcd,bfd->nbf", filters, measured, filters, optimize=True)
        return np.asarray(np.log(np.maximum(power, 1e-12)).reshape(len(measured), -1))

    def restore_classes(self, tensors: Mapping[str, NDArray[Any]]) -> FittedLda:
        """Return the trained classifier that :meth:`FittedLda.tensors` described."""
        arrays = {name: np.asarray(tensors[name], dtype=np.float64) for name in FittedLda.ARRAYS}
        return FittedLda(options=self, **arrays)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedLda:
    """What is measured in the training runs, from which any labels are learned in no time.

    Attributes
    ----------
    reference : array, shape (n_bands, n_channels, n_channels)
        Whitens the mean covariance in training.
    measured : array, shape (n_learned, ...)
        As of :meth:`Lda.measure`, of the pieces of the windows to learn from, runs one after the other.
    masks : tuple of array of bool, shape (n_windows,)
        Which windows of each run these are.
    """

    options: Lda
    reference: Floats
    measured: Floats
    masks: tuple[NDArray[np.bool_], ...]

    def solve(self, labels: Sequence[Labels], *, n_classes: int, balance: bool) -> FittedLda:
        """Fit the discriminant: class means, one pooled covariance shrunk after Ledoit and Wolf (2004).

        Only the first target is learned: a window has one condition.
        """
        y = np.concatenate([label[m, 0] for label, m in zip(labels, self.masks, strict=True)])
        y = np.repeat(y, self.options.n_pieces)
        measured, y = self.measured[y >= 0], y[y >= 0]
        filters = np.zeros((0, 0, 0))
        if self.options.features == "csp":
            filters = common_patterns(measured, y, n_classes, n_patterns=self.options.n_patterns)
        x = self.options.project(measured, filters)
        scale = np.maximum(x.std(axis=0), 1e-9)
        x = x / scale
        axes = np.eye(x.shape[1])
        if x.shape[1] > len(x):  # what is learned lies in the span of the windows
            axes = np.linalg.svd(x, full_matrices=False)[2].T
            x = x @ axes
        counts = np.bincount(y, minlength=n_classes)
        means = np.stack([x[y == k].mean(axis=0) if counts[k] else x.mean(axis=0) for k in range(n_classes)])
        centred = x - means[y]
        shrinkage = float(ledoit_wolf_shrinkage(centred, assume_centered=True))
        pooled = centred.T @ centred / len(centred)
        target = np.trace(pooled) / len(pooled) * np.eye(len(pooled))
        weights = np.linalg.solve((1 - shrinkage) * pooled + shrinkage * target, means.T)
        prior = np.where(counts > 0, 1.0 if balance else counts / len(y), 1e-9)
        return FittedLda(
            options=self.options,
            reference=self.reference,
            filters=filters,
            weights=axes @ weights / scale[:, None],
            offsets=-0.5 * (means * weights.T).sum(axis=1) + np.log(prior),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedLda:
    """A trained :class:`Lda`.

    Attributes
    ----------
    reference : array, shape (n_bands, n_channels, n_channels)
    filters : array, shape (n_bands, n_filters, n_channels)
        Of the common spatial patterns; empty where there are none.
    weights : array, shape (n_features, n_classes)
    offsets : array, shape (n_classes,)
    """

    ARRAYS: ClassVar[tuple[str, ...]] = ("reference", "filters", "weights", "offsets")

    options: Lda
    reference: Floats
    filters: Floats
    weights: Floats
    offsets: Floats

    def measure(self, run: AlignedRun) -> Floats:
        """Return what no label is needed for, (n_windows, n_pieces, ...), as of :meth:`Lda.measure`."""
        check_channels(run, self.reference.shape[1], self.options.name)
        covariance = self.options.covariance(run)
        measured = self.options.measure(covariance.reshape(-1, *covariance.shape[2:]), self.reference)
        return measured.reshape(*covariance.shape[:2], *measured.shape[1:])

    def classify(self, measured: Floats) -> Floats:
        """Return the probability of each class, (n_windows, 1, n_classes)."""
        features = self.options.project(measured.reshape(-1, *measured.shape[2:]), self.filters)
        said = (features @ self.weights).reshape(*measured.shape[:2], -1).mean(axis=1)
        return class_probabilities(said + self.offsets, ordinal=False)[:, None]

    def predict(self, run: AlignedRun) -> Floats:
        """Return the probability of each class, (n_windows, 1, n_classes)."""
        return self.classify(self.measure(run))

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return all that :meth:`Lda.restore_classes` needs, by name."""
        return {name: np.array(getattr(self, name)) for name in self.ARRAYS}
