"""The runs of a participant made ready for training: BOLD in place, EEG clean, both on one clock."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from bids_eeg2fmri import __version__
from bids_eeg2fmri.bids.outputs import Outputs
from bids_eeg2fmri.bold.confounds import read_motion
from bids_eeg2fmri.bold.extraction import summarise_run
from bids_eeg2fmri.bold.grid import Grid
from bids_eeg2fmri.bold.made_confounds import check_made
from bids_eeg2fmri.bold.minimal import MinimalRun, preprocess_minimally
from bids_eeg2fmri.bold.minimal_outputs import write_minimal
from bids_eeg2fmri.bold.region_set import RegionLabels
from bids_eeg2fmri.bold.signals import extract_signals
from bids_eeg2fmri.bold.targets import Targets, TaskRun
from bids_eeg2fmri.bold.units import RegionUnits, choose_units
from bids_eeg2fmri.eeg.cleaning import clean_eeg
from bids_eeg2fmri.eeg.provenance import read_provenance
from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.formats.completion import (
    applicable_files,
    digest_inputs,
)
from bids_eeg2fmri.formats.eeg_signal import read_eeg
from bids_eeg2fmri.formats.record_file import keep_record
from bids_eeg2fmri.records import (
    BoldRun,
    CleanEeg,
    PreparedRun,
    RegionSignals,
    Split,
)
from bids_eeg2fmri.resources.stages import log_stage
from bids_eeg2fmri.settings import Job, Settings
from bids_eeg2fmri.sync.align import align_run
from bids_eeg2fmri.sync.discovery import TimedRun
from bids_eeg2fmri.sync.localizer_runs import LocalizerRun
from bids_eeg2fmri.sync.run_clock import check_against_artefact
from bids_eeg2fmri.training.fold_targets import FoldTargets, build_fold_targets

_logger = logging.getLogger(__name__)


#: Stands in the log and on the participant's page.
MINIMAL_NOTE = (
    "The BOLD was preprocessed minimally by this app (realigned, registered to MNI152 by an affine map), not "
    "by fMRIPrep: distortion and slice timing are not corrected, and regions lie some millimetres off. Run "
    "fMRIPrep for results to rely on, and give its output with --derivatives."
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlacedBold:
    """The runs of a participant, their BOLD in a template space.

    Attributes
    ----------
    grid : Grid or None
        Of raw images: the voxels in the template that are sampled where the head was.
    moved : mapping of Path to MinimalRun
        Where these voxels are in each raw image; empty where all images are preprocessed.
    written : tuple of Path
    """

    timed: tuple[TimedRun, ...]
    localizer: tuple[LocalizerRun, ...]
    grid: Grid | None = None
    moved: Mapping[Path, MinimalRun] = field(default_factory=dict)
    written: tuple[Path, ...] = ()


def place_bold(
    job: Job, outputs: Outputs, timed: tuple[TimedRun, ...], localizer: tuple[LocalizerRun, ...]
) -> PlacedBold:
    """Preprocess raw BOLD minimally, that of a localiser with it, and write what came of it."""
    if timed[0].run.preprocessing == "derivatives":  # decided for all runs alike
        return PlacedBold(timed=timed, localizer=localizer)
    check_made(job.settings.bold.confounds)
    _logger.warning("sub-%s: %s", timed[0].run.entities.subject, MINIMAL_NOTE)
    # A run of the localiser's task may be one of the others too.
    runs: dict[Path, BoldRun] = {one.run.raw_bold_path: one.run for one in timed}
    runs |= {one.run.raw_bold_path: one.run for one in localizer if one.run.raw_bold_path not in runs}
    with log_stage(_logger, f"sub-{timed[0].run.entities.subject}: BOLD preprocessed minimally"):
        minimal = preprocess_minimally([*runs.values()], work_dir=job.running.work_dir)
    tables, written = write_minimal(outputs, [*runs.values()], minimal)
    table_of = dict(zip(runs, tables, strict=True))
    return PlacedBold(
        timed=tuple(
            replace(one, run=replace(one.run, confounds_path=table_of[one.run.raw_bold_path]))
            for one in timed
        ),
        localizer=tuple(
            replace(one, run=replace(one.run, confounds_path=table_of[one.run.raw_bold_path]))
            for one in localizer
        ),
        grid=minimal.grid,
        moved=dict(zip(runs, minimal.runs, strict=True)),
        written=tuple(written),
    )


def prepare_next(job: Job, timed: TimedRun, labels: RegionLabels, placed: PlacedBold) -> PreparedRun:
    """Prepare one run, and tell the log."""
    minimal = placed.moved.get(timed.run.raw_bold_path)
    with log_stage(_logger, f"{timed.run.entities}: EEG cleaned, BOLD read"):
        return prepare_run(timed, labels, job.settings, job.running.work_dir, minimal=minimal)


def prepare_run(
    timed: TimedRun,
    labels: RegionLabels,
    settings: Settings,
    work_dir: Path | None = None,
    *,
    minimal: MinimalRun | None = None,
) -> PreparedRun:
    """Clean both halves of a run and put them on one clock; what the work folder has is not made again.

    ``minimal`` is what minimal preprocessing made of a raw BOLD image.
    """
    run = timed.run
    units = choose_units(labels, settings.bold)
    signals = read_signals(run, units, settings, work_dir, minimal=minimal)
    regions = summarise_run(signals, units, settings.bold, space=run.space)
    motion = read_motion(run.confounds_path, run.n_volumes)
    past = read_provenance(run.eeg_path)
    eeg = keep_record(
        work_dir,
        CleanEeg,
        f"{run.entities}_eeg",
        digest_inputs(
            f"{settings.eeg} {settings.random_seed} {sorted(past.done)} {run.tr} "
            f"{_digest_arrays(timed.clock.onsets, motion)}",
            __version__,
            applicable_files(run.eeg_path),
            (),
        ),
        lambda: clean_eeg(
            read_eeg(run.eeg_path),
            settings.eeg,
            past,
            clock=timed.clock,
            tr=run.tr,
            motion=motion,
            seed=settings.random_seed,
        ),
    )
    aligned = align_run(
        run.entities, eeg, timed.clock, regions, timed.events, tr=run.tr, start_time=run.start_time
    )
    checked = check_against_artefact(run.eeg_path, timed.clock, tr=run.tr)
    run = replace(run, evidence=(*run.evidence, *checked))
    return PreparedRun(run=run, clock=timed.clock, eeg=eeg, signals=signals, regions=regions, aligned=aligned)


def read_signals(
    run: BoldRun,
    units: RegionUnits,
    settings: Settings,
    work_dir: Path | None = None,
    *,
    minimal: MinimalRun | None = None,
) -> RegionSignals:
    """Read the regions of a run from its image; what the work folder has is not read again."""
    files, made = run.bold_files[1:], ""
    if minimal is not None:
        # A table of confounds that this app made is newer with every call; its content is in the digest.
        files, made = tuple(path for path in files if path != run.confounds_path), minimal.digest
    return keep_record(
        work_dir,
        RegionSignals,
        f"{run.entities}_regions",
        digest_inputs(f"{settings.bold} {run.tr} {units.regions.digest} {made}", __version__, files, ()),
        lambda: extract_signals(run, units, settings.bold, minimal=minimal),
    )


def choose_targets(
    runs: Sequence[PreparedRun],
    splits: Sequence[Split],
    labels: RegionLabels,
    job: Job,
    localizer: Sequence[LocalizerRun] = (),
    moved: Mapping[Path, MinimalRun] | None = None,
) -> FoldTargets:
    """Return what each fold learns and is tested on: what is learned for it is from its training data.

    ``moved`` is what minimal preprocessing made of raw images.
    """
    moved = moved or {}
    units = choose_units(labels, job.settings.bold)
    own = [
        TaskRun(signals=run.signals, design=run.aligned.design, design_names=run.aligned.design_names)
        for run in runs
    ]
    separate = [
        TaskRun(
            signals=read_signals(
                one.run, units, job.settings, job.running.work_dir, minimal=moved.get(one.run.raw_bold_path)
            ),
            design=one.design,
            design_names=one.design_names,
        )
        for one in localizer
    ]
    targets = Targets(
        units=units,
        settings=job.settings.bold,
        space=runs[0].run.space,
        runs=tuple(own),
        separate=tuple(separate),
    )
    return build_fold_targets(runs, splits, targets)


def share_channels(runs: Sequence[PreparedRun]) -> tuple[list[PreparedRun], tuple[str, ...]]:
    """Return the runs with the channels they all have, in one order, and what had to be left out."""
    names = [
        name for name in runs[0].aligned.channel_names if all(name in r.aligned.channel_names for r in runs)
    ]
    if len(names) < 2:
        raise BadDataError(
            "The runs share fewer than two EEG channels. Check the channel names of the recordings."
        )
    dropped = sorted({name for run in runs for name in run.aligned.channel_names} - set(names))
    if not dropped and all(list(run.aligned.channel_names) == names for run in runs):
        return list(runs), ()
    shared = []
    for run in runs:
        order = [run.aligned.channel_names.index(name) for name in names]
        eeg = run.aligned.eeg[order]
        aligned = replace(
            run.aligned,
            # All runs, and those a model is applied to later, have the average of the same channels.
            eeg=eeg - eeg.mean(axis=0),
            channel_names=tuple(names),
            positions=run.aligned.positions[order],
        )
        shared.append(replace(run, aligned=aligned))
    notes = (f"Channels that not every run has were left out: {', '.join(dropped)}.",) if dropped else ()
    return shared, notes


def _digest_arrays(*arrays: np.ndarray | None) -> str:
    """Return the SHA-256 of arrays; None counts too."""
    content = b"|".join(b"" if array is None else np.ascontiguousarray(array).tobytes() for array in arrays)
    return hashlib.sha256(content).hexdigest()
