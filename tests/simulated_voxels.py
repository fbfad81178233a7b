"""Voxel signals made of numbers, for tests of targets that need no images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from simulated_runs import make_run, smooth_noise

from bids_eeg2fmri.bold.extraction import summarise_run
from bids_eeg2fmri.bold.grid import weigh_labels
from bids_eeg2fmri.bold.region_set import RegionLabels
from bids_eeg2fmri.bold.targets import Targets, TaskRun
from bids_eeg2fmri.bold.units import choose_units
from bids_eeg2fmri.records import CleanEeg, PreparedRun, RegionSignals, SimultaneousRun, VolumeClock
from bids_eeg2fmri.settings import BoldSettings


def make_regions(n_regions: int, n_voxels: int, *, background: int = 0) -> RegionLabels:
    """Return regions of equally many voxels in a row, and behind them voxels of the background."""
    labels = np.repeat(np.arange(n_regions) + 1, n_voxels)
    labels = np.concatenate([labels, np.zeros(background, dtype=int)]).astype(np.int32).reshape(-1, 1, 1)
    return RegionLabels(
        names=tuple(f"r{k}" for k in range(n_regions)),
        labels=labels,
        affine=np.eye(4),
        weights=weigh_labels(labels, n_regions),
        steps=("rows of voxels",),
        background=labels == 0 if background else None,
    )


def make_signals(
    voxels: np.ndarray, labels: RegionLabels, settings: BoldSettings, *, n_regressors: int = 0, seed: int = 0
) -> RegionSignals:
    """Return what would be read from an image with these voxels, (n_volumes, n_voxels)."""
    data = voxels @ choose_units(labels, settings).weights.toarray().T
    rng = np.random.default_rng([seed, 9])
    return RegionSignals(
        data=data.astype(np.float32),
        reference=np.full(data.shape[1], np.nan),
        weights=np.ones(len(data)),
        regressors=smooth_noise(rng, len(data), n_regressors) if n_regressors else np.zeros((len(data), 0)),
        regressor_names=tuple(f"c{k}" for k in range(n_regressors)),
        nuisance=np.zeros((len(data), 0)),
        nuisance_names=(),
        name="made.nii.gz",
        steps=(),
    )


def prepare(
    voxels: list[np.ndarray], labels: RegionLabels, settings: BoldSettings, *, n_regressors: int = 0
) -> tuple[list[PreparedRun], Targets]:
    """Return prepared runs with these voxels, one array (n_volumes, n_voxels) per run, and their targets."""
    units = choose_units(labels, settings)
    runs, own = [], []
    for k, one in enumerate(voxels):
        base = make_run(np.random.default_rng([7, k]), run=k + 1, n_volumes=len(one))
        signals = make_signals(one, labels, settings, n_regressors=n_regressors, seed=k)
        regions = summarise_run(signals, units, settings, space="MNI")
        aligned = replace(base, bold=regions.data, region_names=regions.region_names)
        runs.append(
            PreparedRun(
                run=_files(base.entities),
                clock=VolumeClock(onsets=np.arange(len(one)) * 2.0, source="", jitter=0.0, drift=0.0),
                eeg=CleanEeg(
                    data=base.eeg,
                    sfreq=base.sfreq,
                    channel_names=base.channel_names,
                    positions=base.positions,
                    steps=(),
                ),
                signals=signals,
                regions=regions,
                aligned=aligned,
            )
        )
        own.append(TaskRun(signals=signals, design=base.design, design_names=base.design_names))
    return runs, Targets(units=units, settings=settings, space="MNI", runs=tuple(own))


def _files(entities: object) -> SimultaneousRun:
    """Return a run whose files nobody opens."""
    names = ("raw_bold_path", "bold_path", "mask_path", "confounds_path", "events_path", "eeg_path")
    return SimultaneousRun(
        entities=entities,  # type: ignore[arg-type]
        **dict.fromkeys(names),  # type: ignore[arg-type]
        space="MNI",
        tr=2.0,
        n_volumes=60,
        start_time=1.0,
        evidence=(),
    )
