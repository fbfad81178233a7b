"""What the models are to predict: one signal per region and volume, from what may be learned from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from nilearn.glm.contrasts import Contrast
from numpy.typing import NDArray
from scipy.sparse import csr_array

from bids_eeg2fmri.bold.cleaning import percent_change, regress_out, volumes_to_fit
from bids_eeg2fmri.bold.components import learn_components
from bids_eeg2fmri.bold.differences import BACKGROUND, difference_weights
from bids_eeg2fmri.bold.grid import paint_labels
from bids_eeg2fmri.bold.localizer import (
    LocalizerData,
    check_contrast,
    combine_contrasts,
    fit_contrast,
    keep_strongest,
)
from bids_eeg2fmri.bold.units import RegionUnits, average_rows
from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.records import Floats, RegionSeries, RegionSignals
from bids_eeg2fmri.settings import BoldSettings, split_localizer


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TaskRun:
    """The signals of one run and its task: ``design`` (n_volumes, n_conditions) with its names."""

    signals: RegionSignals
    design: Floats
    design_names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Targets:
    """All that the targets of one participant are made of.

    Attributes
    ----------
    runs : tuple of TaskRun
    separate : tuple of TaskRun
        Runs of a localiser task of its own, empty where there is none.
    """

    units: RegionUnits
    settings: BoldSettings
    space: str
    runs: tuple[TaskRun, ...]
    separate: tuple[TaskRun, ...] = ()
    #: Contrasts of runs by (run, volumes fitted): folds share most of them.
    _fitted: dict[tuple[int, bytes], Contrast | None] = field(default_factory=dict, init=False)

    @property
    def are_learned(self) -> bool:
        """Whether voxels or their weights are learned from the runs themselves."""
        from_runs = bool(self.settings.localizer) and not split_localizer(self.settings.localizer)[0]
        return from_runs or self.settings.summary != "mean"

    def series(self, learn: Sequence[Floats] | None = None) -> tuple[RegionSeries, ...]:
        """Return the targets of every run, learned from some volumes only.

        Each run is cleaned of its own confounds. The localiser's voxels and the components' weights come from
        the volumes to learn from and then hold for all runs.

        Of a run that is split in itself, the volumes to learn from are cleaned with weights fitted on them
        alone, so that they know nothing of the others. The others are cleaned with weights fitted on the
        whole run: drifts and means do not carry over from one part of a run to another (measured on
        simulated runs of 300 s in five blocks, the targets would vary nine times as much).

        Parameters
        ----------
        learn : sequence of array, shape (n_volumes,), one per run, or None
            0 for volumes that must not be learned from; None: all may.

        Raises
        ------
        BadDataError
            If a region has no signal, or too few volumes are left to fit its confounds on.
        """
        chosen = [None] * len(self.runs) if learn is None else list(learn)
        fits = [volumes_to_fit(run.signals, one) for run, one in zip(self.runs, chosen, strict=True)]
        is_learned = [one is None or bool(np.any(one > 0)) for one in chosen]
        membership = self._choose_units(fits, is_learned)
        weights = self._weigh_units(membership, fits, is_learned)
        labels = self._paint(membership)
        found = []
        for run, fit in zip(self.runs, fits, strict=True):
            series = self._summarise(run.signals, weights, fit, labels)
            whole = volumes_to_fit(run.signals, None)
            if not np.array_equal(fit, whole):
                other = self._summarise(run.signals, weights, whole, labels)
                series = replace(series, data=np.where(fit[:, None], series.data, other.data))
            found.append(series)
        return tuple(found)

    def _choose_units(self, fits: Sequence[NDArray[np.bool_]], is_learned: Sequence[bool]) -> csr_array:
        """Return which units count in each region, (n_regions, n_units): all, or those of the localiser."""
        if not self.settings.localizer:
            return self.units.membership
        _, contrast = split_localizer(self.settings.localizer)
        check_contrast(contrast, [run.design_names for run in self.separate or self.runs])
        if self.separate:
            whole = [volumes_to_fit(run.signals, None) for run in self.separate]
            found = [self._contrast(-1 - k, self.separate[k], whole[k], contrast) for k in range(len(whole))]
        else:
            indices = [k for k, is_in in enumerate(is_learned) if is_in]
            found = [self._contrast(k, self.runs[k], fits[k], contrast) for k in indices]
        statistic = combine_contrasts(found, contrast)
        return keep_strongest(statistic, self.units.membership, self.settings.localizer_voxels)

    def _contrast(self, index: int, run: TaskRun, fit: NDArray[np.bool_], contrast: str) -> Contrast | None:
        """Return the contrast of one run, fitted once for the same volumes."""
        key = (index, fit.tobytes())
        if key not in self._fitted:
            data = LocalizerData(
                change=self._unit_change(run.signals, fit),
                design=run.design,
                design_names=run.design_names,
                regressors=run.signals.regressors,
                fit=fit,
            )
            self._fitted[key] = fit_contrast(data, contrast)
        return self._fitted[key]

    def _weigh_units(
        self, membership: csr_array, fits: Sequence[NDArray[np.bool_]], is_learned: Sequence[bool]
    ) -> csr_array:
        """Return what each unit counts in each region's signal, (n_regions, n_units)."""
        if self.settings.summary == "mean":
            return average_rows(membership)
        cleaned = []
        for run, fit, is_in in zip(self.runs, fits, is_learned, strict=True):
            if is_in:
                signals = run.signals
                change = self._unit_change(signals, fit)
                clean = regress_out(change, signals.regressors, fit, image=signals.name)[fit]
                cleaned.append(clean.astype(np.float32))
        return learn_components(cleaned, membership)

    def _unit_change(self, signals: RegionSignals, fit: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Return percent signal change of every unit, (n_volumes, n_units), 0 for voxels without signal."""
        data = signals.data  # in single precision: these may be all voxels of a brain
        mean = data[fit].mean(axis=0, dtype=np.float64)
        base = np.where(np.isnan(signals.reference), mean, signals.reference)
        has_signal = (base > 0) & (data[fit].std(axis=0) > 0)
        silent = np.asarray((self.units.membership != 0).astype(float) @ has_signal.astype(float)) == 0
        if silent.any():
            names = [self.units.regions.names[k] for k in np.flatnonzero(silent)[:5]]
            raise BadDataError(f"{signals.name} has no BOLD signal in any voxel of {', '.join(names)}.")
        scale = np.divide(100.0, base, out=np.zeros_like(base), where=has_signal)
        change: NDArray[np.float32] = (data - mean.astype(np.float32)) * scale.astype(np.float32)
        change[~np.any(data, axis=1)] = 0.0
        return change

    def _summarise(
        self, signals: RegionSignals, weights: csr_array, fit: NDArray[np.bool_], labels: NDArray[np.int32]
    ) -> RegionSeries:
        """Return the targets of one run: regions, then differences."""
        names = [*self.units.regions.names]
        reference = signals.reference
        if self.settings.summary == "mean":
            data = np.asarray(weights @ signals.data.T.astype(np.float64)).T
            own = np.asarray(weights @ np.nan_to_num(reference))
            base = np.full(len(names), np.nan) if np.isnan(reference).all() else own
            change = percent_change(data, base, fit, names=names, image=signals.name)
        else:
            change = np.asarray(weights @ self._unit_change(signals, fit).T).T
        if self.units.has_background:
            background = signals.data[:, -1:].astype(np.float64)
            slab = percent_change(background, reference[-1:], fit, names=[BACKGROUND], image=signals.name)
            change = np.hstack([change, slab])
        cleaned = regress_out(change, signals.regressors, fit, image=signals.name)
        cleaned[~np.any(signals.data, axis=1)] = 0.0
        contrasts: Mapping[str, str] = self.settings.contrasts
        differences = difference_weights(contrasts, names, has_background=self.units.has_background)
        return RegionSeries(
            data=np.hstack([cleaned[:, : len(names)], cleaned @ differences.T]),
            region_names=(*names, *contrasts),
            weights=signals.weights,
            labels=labels,
            affine=self.units.regions.affine,
            space=self.space,
            nuisance=signals.nuisance,
            nuisance_names=signals.nuisance_names,
            steps=(*self._describe(), *signals.steps),
            differences=tuple(contrasts),
        )

    def _paint(self, membership: csr_array) -> NDArray[np.int32]:
        """Return the label image of the units that count."""
        regions, voxels = self.units.regions, self.units.voxels
        if voxels is None or not self.settings.localizer:
            return regions.labels
        entries = membership.tocoo()
        shape = (membership.shape[0], regions.labels.size)
        on_grid = csr_array((entries.data, (entries.row, voxels[entries.col])), shape=shape)
        return paint_labels(on_grid, regions.labels.shape)

    def _describe(self) -> tuple[str, ...]:
        """Return what the targets are, in words."""
        first, *rest = self.units.regions.steps
        kind = "mean" if self.settings.summary == "mean" else "first principal component"
        steps = [f"{kind} over {first}", *rest]
        if self.settings.localizer:
            task, contrast = split_localizer(self.settings.localizer)
            where = f"the task {task}" if task else "the training runs of each fold"
            most = self.settings.localizer_voxels
            steps.append(
                f"localiser: the {most} voxels of each region that respond most to {contrast} in {where}"
            )
        steps += [f"{name}: {text}" for name, text in self.settings.contrasts.items()]
        return tuple(steps)
