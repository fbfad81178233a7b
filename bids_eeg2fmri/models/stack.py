"""Stacked regressions on the power of blindly separated sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.errors import UsageError
from bids_eeg2fmri.models.band_power import last_frames
from bids_eeg2fmri.models.hrf import convolve_at
from bids_eeg2fmri.models.linear_problem import LinearProblem, Masks, pose_problem
from bids_eeg2fmri.models.power_model import PRIOR_SECONDS
from bids_eeg2fmri.models.relevance import TrainingSet, fit_relevance, follows_previous
from bids_eeg2fmri.models.ridge_solver import stack_centred
from bids_eeg2fmri.models.setting_checks import check_bands, check_peaks, check_positive
from bids_eeg2fmri.models.source_power import (
    SCALES,
    BandSignals,
    PowerLevels,
    highpassed_response,
    measure_band_signals,
    measure_levels,
    separate_sources,
)
from bids_eeg2fmri.models.stacking import stacking_weights
from bids_eeg2fmri.models.training_data import (
    check_channels,
    check_training_runs,
    decode_names,
    encode_names,
)
from bids_eeg2fmri.records import AlignedRun, Floats, SpatialFilters


def source_bands() -> dict[str, tuple[float, float]]:
    """Return the bands by name: the mu and beta rhythms of motor areas, and what lies around them."""
    return {
        "theta": (4.0, 8.0),
        "mu": (8.0, 12.5),
        "low beta": (12.5, 15.0),
        "beta": (15.0, 25.0),
        "high": (25.0, 40.0),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Regressions on the power of blindly separated sources, weighted by how well each did on held-out runs.

    The EEG is separated into sources once, without the BOLD. Every view is one way to measure what a source
    does (the logarithm of power, power, bursts) and one haemodynamic response; in each, all regions together
    decide which sources and bands matter. A region's prediction is a sum of its views, whose weights come
    from inner cross-validation over the training runs.

    Attributes
    ----------
    bands : mapping of name to (low, high)
        Hz.
    n_components : int
        Largest number of sources; fewer where there are fewer channels.
    window : float
        Seconds over which power is taken.
    scales : tuple of str
        Of power: ``log``, ``linear``, ``bursts`` (whether there is one).
    peaks : tuple of float
        When the haemodynamic responses are highest, s.
    highpass : float
        Time constant of the high-pass filter of the responses, s (``inf``: none).
    structure : float
        From 0 (every source and band has a relevance of its own) to 1 (the product of one per source and one
        per band).
    sharing : float
        How strongly the weights of the views are drawn towards those of all regions.
    """

    name: ClassVar[str] = "stack"
    description: ClassVar[str] = (
        "Stacked regressions on the power of blindly separated sources, convolved with haemodynamic responses"
    )
    reference: ClassVar[str] = (
        "Pham & Cardoso 2001, doi 10.1109/78.942614; MacKay 1992, doi 10.1162/neco.1992.4.3.415; "
        "Breiman 1996, doi 10.1007/BF00117832"
    )

    bands: Mapping[str, tuple[float, float]] = field(default_factory=source_bands)
    n_components: int = 28
    window: float = 0.5
    scales: tuple[str, ...] = SCALES
    peaks: tuple[float, ...] = (4.0, 5.5)
    highpass: float = 25.0
    structure: float = 0.9
    sharing: float = 0.2

    def __post_init__(self) -> None:
        """Check the settings."""
        check_bands(self.name, self.bands)
        check_positive(self.name, window=self.window, highpass=self.highpass)
        if not isinstance(self.n_components, int) or self.n_components < 1:
            raise UsageError(f"stack: n_components is {self.n_components}; expected a whole number above 0.")
        if not self.scales or any(scale not in SCALES for scale in self.scales):
            raise UsageError(
                f"stack: scales is {list(self.scales)}; expected one or more of {', '.join(SCALES)}."
            )
        check_peaks(self.name, self.peaks)
        if not 0 <= self.structure <= 1:
            raise UsageError(f"stack: structure is {self.structure:g}; expected a number from 0 to 1.")
        if not self.sharing >= 0:
            raise UsageError(f"stack: sharing is {self.sharing:g}; expected a number from 0 up.")

    @property
    def views(self) -> tuple[tuple[str, float], ...]:
        """Scale and peak of every view."""
        return tuple(product(self.scales, self.peaks))

    def prepare(self, run: AlignedRun) -> BandSignals:
        """Return what is computed once per run, whatever is learned from it."""
        return measure_band_signals(run, bands=self.bands, window=self.window)

    def fit(
        self,
        runs: Sequence[AlignedRun],
        *,
        rng: np.random.Generator,
        device: str = "cpu",
        prepared: Sequence[BandSignals] | None = None,
    ) -> FittedStack:
        """Learn from whole runs; volumes of weight 0 are not looked at.

        Parameters
        ----------
        runs : sequence of AlignedRun
        rng, device
            Not used.
        prepared : sequence of BandSignals, optional
            What :meth:`prepare` returned for each run; computed if missing.

        Raises
        ------
        BadDataError
            If the runs differ in channels or regions, or leave too little to learn from.
        """
        del rng, device
        check_training_runs(runs, self.name)
        signals = [self.prepare(run) for run in runs] if prepared is None else list(prepared)
        filters = separate_sources(runs, signals, n_components=self.n_components)
        powers = [s.component_power(filters) for s in signals]
        levels = measure_levels(powers, [s.learned(run) for run, s in zip(runs, signals, strict=True)])
        problems = [
            pose_problem(
                runs,
                [
                    self.features(run, s, levels.rescale(power, scale), peak)
                    for run, s, power in zip(runs, signals, powers, strict=True)
                ],
            )
            for scale, peak in self.views
        ]
        stacking = self._stack(problems)
        weights = np.stack(
            [
                self._regress(problem, problem.masks) * share / problem.scale[:, None]
                for problem, share in zip(problems, stacking, strict=True)
            ]
        )
        return FittedStack(
            options=self,
            filters=filters,
            mean_power=levels.mean,
            median_power=levels.median,
            weights=weights,
            feature_mean=np.stack([problem.feature_mean for problem in problems]),
            bold_mean=problems[0].bold_mean,
            stacking=stacking,
            region_names=runs[0].region_names,
        )

    def restore(self, tensors: Mapping[str, NDArray[Any]]) -> FittedStack:
        """Return the trained model that :meth:`FittedStack.tensors` described."""
        return FittedStack(
            options=self,
            region_names=decode_names(tensors["region_names"]),
            **{name: np.asarray(tensors[name], dtype=np.float64) for name in FittedStack.ARRAYS},
        )

    def features(self, run: AlignedRun, signals: BandSignals, rescaled: Floats, peak: float) -> Floats:
        """Return (n_volumes, n_components x n_bands): rescaled power, convolved with a response."""
        step = signals.length / run.sfreq
        convolved = convolve_at(
            rescaled.reshape(len(rescaled), -1),
            last_frames(signals.last_samples, run.volume_samples),
            highpassed_response(step, peak=peak, time_constant=self.highpass),
            prior_frames=round(PRIOR_SECONDS / step),
        )
        return convolved[:, 0]

    def _regress(self, problem: LinearProblem, masks: Masks) -> Floats:
        """Return the weights (n_features, n_regions) of scaled features, from some volumes."""
        data = TrainingSet(
            x=stack_centred(problem.features, masks),
            y=stack_centred(problem.targets, masks),
            follows=follows_previous(masks),
        )
        return fit_relevance(data, n_bands=len(self.bands), structure=self.structure)

    def _stack(self, problems: Sequence[LinearProblem]) -> Floats:
        """Return the weights of the views, (n_views, n_regions)."""
        predicted, measured = [], []
        for fold, (train, held_out) in enumerate(problems[0].folds):
            views = []
            for problem in problems:
                weights = self._regress(problem, train)
                views.append(stack_centred(problem.features, problem.folds[fold][1]) @ weights)
            predicted.append(np.stack(views, axis=1))
            measured.append(stack_centred(problems[0].targets, held_out))
        return stacking_weights(np.concatenate(predicted), np.concatenate(measured), sharing=self.sharing)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedStack:
    """A trained :class:`Stack`.

    Attributes
    ----------
    filters : array, shape (n_components, n_channels)
        Per µV.
    mean_power, median_power : array, shape (n_components, n_bands)
        Of the components in training.
    weights : array, shape (n_views, n_components x n_bands, n_regions)
        Percent signal change per unit of feature, the weight of the view within.
    feature_mean : array, shape (n_views, n_components x n_bands)
    bold_mean : array, shape (n_regions,)
    stacking : array, shape (n_views, n_regions)
        How much each view counts.
    """

    ARRAYS: ClassVar[tuple[str, ...]] = (
        "filters",
        "mean_power",
        "median_power",
        "weights",
        "feature_mean",
        "bold_mean",
        "stacking",
    )

    options: Stack
    filters: Floats
    mean_power: Floats
    median_power: Floats
    weights: Floats
    feature_mean: Floats
    bold_mean: Floats
    stacking: Floats
    region_names: tuple[str, ...]

    def predict(self, run: AlignedRun, *, prepared: BandSignals | None = None) -> Floats:
        """Return (n_volumes, n_regions) percent signal change, from the EEG up to each volume's sample.

        ``prepared`` is what :meth:`Stack.prepare` returned for the run; computed if missing.
        """
        check_channels(run, self.filters.shape[1], self.options.name)
        signals = self.options.prepare(run) if prepared is None else prepared
        power = signals.component_power(self.filters)
        levels = PowerLevels(mean=self.mean_power, median=self.median_power)
        predicted = np.tile(self.bold_mean, (run.n_volumes, 1))
        for (scale, peak), weights, mean in zip(
            self.options.views, self.weights, self.feature_mean, strict=True
        ):
            features = self.options.features(run, signals, levels.rescale(power, scale), peak)
            predicted += (features - mean) @ weights
        return predicted

    def spatial_filters(self) -> SpatialFilters:
        """Return the filters of the sources, those that matter most first, with the band that does."""
        n_components, n_bands = self.mean_power.shape
        importance = np.abs(self.weights).sum(axis=(0, 2)).reshape(n_components, n_bands)
        order = np.argsort(-importance.sum(axis=1), kind="stable")
        best = importance.argmax(axis=1)[order]
        names, limits = list(self.options.bands), np.array(list(self.options.bands.values()), dtype=float)
        return SpatialFilters(
            names=tuple(f"source {k + 1} {names[band]}" for k, band in enumerate(best)),
            weights=self.filters[order],
            domain="amplitude",
            bands=limits[best],
        )

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return all that :meth:`Stack.restore` needs, by name."""
        arrays = {name: np.array(getattr(self, name)) for name in self.ARRAYS}
        return {**arrays, "region_names": encode_names(self.region_names)}
