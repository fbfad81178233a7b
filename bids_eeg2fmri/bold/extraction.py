"""The signals of the regions of one run by itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bids_eeg2fmri.bold.minimal import MinimalRun
from bids_eeg2fmri.bold.region_set import RegionLabels
from bids_eeg2fmri.bold.signals import extract_signals
from bids_eeg2fmri.bold.targets import Targets, TaskRun
from bids_eeg2fmri.bold.units import RegionUnits, choose_units
from bids_eeg2fmri.records import BoldRun, RegionSeries, RegionSignals
from bids_eeg2fmri.settings import BoldSettings


def extract_regions(
    run: BoldRun, regions: RegionLabels, settings: BoldSettings, *, minimal: MinimalRun | None = None
) -> RegionSeries:
    """Return the signal of every region in percent signal change, confounds of this run removed.

    Nothing is learned from other runs: regressors and means are the run's own. A localiser is left aside.

    Parameters
    ----------
    minimal : MinimalRun or None
        Where the voxels of the regions are in each volume, for a raw image.

    Raises
    ------
    BadDataError
        If image, mask and tables do not fit each other, or a region has no signal.
    """
    units = choose_units(regions, settings)
    return summarise_run(
        extract_signals(run, units, settings, minimal=minimal), units, settings, space=run.space
    )


def summarise_run(
    signals: RegionSignals, units: RegionUnits, settings: BoldSettings, *, space: str
) -> RegionSeries:
    """Return the mean (or component) over all voxels of every region, from this run alone."""
    run = TaskRun(signals=signals, design=np.zeros((len(signals.data), 0)), design_names=())
    (series,) = Targets(
        units=units, settings=replace(settings, localizer=""), space=space, runs=(run,)
    ).series()
    return series
