"""The participant level, from files to files: whoever opens this reads the pipeline in order."""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from bids_eeg2fmri import __version__
from bids_eeg2fmri.bids.names import relative_to
from bids_eeg2fmri.bids.outputs import Outputs
from bids_eeg2fmri.bold.confounds import read_motion
from bids_eeg2fmri.bold.extraction import summarise_run
from bids_eeg2fmri.bold.grid import Grid
from bids_eeg2fmri.bold.made_confounds import check_made
from bids_eeg2fmri.bold.minimal import MinimalRun, preprocess_minimally
from bids_eeg2fmri.bold.minimal_outputs import write_minimal
from bids_eeg2fmri.bold.region_set import RegionLabels, label_regions, region_files
from bids_eeg2fmri.bold.signals import extract_signals
from bids_eeg2fmri.bold.targets import Targets, TaskRun
from bids_eeg2fmri.bold.units import RegionUnits, choose_units
from bids_eeg2fmri.eeg.cleaning import clean_eeg
from bids_eeg2fmri.eeg.provenance import read_provenance
from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.evaluation.baselines import BASELINES
from bids_eeg2fmri.evaluation.nuisance import add_nuisance
from bids_eeg2fmri.explain.patterns import explain_model
from bids_eeg2fmri.formats.classification_results import write_classification
from bids_eeg2fmri.formats.completion import (
    applicable_files,
    digest_inputs,
    is_complete,
    reopen,
    write_mark,
)
from bids_eeg2fmri.formats.eeg_signal import read_eeg
from bids_eeg2fmri.formats.record_file import keep_record
from bids_eeg2fmri.formats.results import Results, write_results
from bids_eeg2fmri.formats.run_table import write_runs
from bids_eeg2fmri.planning import dataset_roots, discover_participant
from bids_eeg2fmri.records import (
    BoldRun,
    ClassificationResults,
    ClassScore,
    CleanEeg,
    ControlScore,
    Explanation,
    FoundRun,
    PreparedRun,
    RegionSignals,
    SavedModel,
    Score,
    Split,
)
from bids_eeg2fmri.registry import load_objective
from bids_eeg2fmri.report.classification import ClassificationReport, write_classification_report
from bids_eeg2fmri.report.keeping import keep_report
from bids_eeg2fmri.report.methods import describe_classification, describe_folds, describe_methods
from bids_eeg2fmri.report.participant import ParticipantReport, RunContent, write_participant_report
from bids_eeg2fmri.report.style import is_shown
from bids_eeg2fmri.resources.stages import log_stage
from bids_eeg2fmri.settings import Job, Settings
from bids_eeg2fmri.sync.align import align_run
from bids_eeg2fmri.sync.discovery import Discovery, TimedRun, refuse_unusable
from bids_eeg2fmri.sync.localizer_runs import LocalizerRun, find_localizer_runs
from bids_eeg2fmri.sync.run_clock import check_against_artefact
from bids_eeg2fmri.training.classifiers import build_models
from bids_eeg2fmri.training.controls import control_targets, run_controls
from bids_eeg2fmri.training.crossvalidation import fit_final
from bids_eeg2fmri.training.fold_targets import FoldTargets, build_fold_targets
from bids_eeg2fmri.training.predictors import build_predictors, resolve_device
from bids_eeg2fmri.training.saved_models import save_predictor
from bids_eeg2fmri.training.splits import choose_splits
from bids_eeg2fmri.training.testing import try_baselines, try_model

_logger = logging.getLogger(__name__)

Status = Literal["done", "up to date", "nothing to do"]
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


def run_participant(job: Job, participant: str) -> tuple[Status, str]:
    """Do all the work on one participant; return how it ended and a message.

    Raises
    ------
    Eeg2FmriError
        If a run cannot be used or a file cannot be written; nothing half-done is left under a final name.
    """
    outputs = Outputs(root=job.output_dir)
    discovery = discover_participant(job, participant)
    if not discovery.timed and not discovery.unusable:
        return "nothing to do", _why_nothing(discovery)
    written = write_runs(outputs.runs(participant), discovery.found, dataset_roots(job))
    refuse_unusable(discovery.found)
    localizer = find_localizer(job, participant)
    digest = _digest(job, discovery, localizer)
    if is_complete(outputs.completion(participant), digest, job.output_dir):
        return "up to date", ""

    placed = _place_bold(job, outputs, discovery.timed, localizer)
    written += placed.written
    labels = label_regions([one.run for one in placed.timed], job.settings.bold, placed.grid)
    runs, notes = _share_channels([_prepare_next(job, one, labels, placed) for one in placed.timed])
    notes += (MINIMAL_NOTE,) if placed.moved else ()
    if job.settings.objective == "bold":
        splits = choose_folds(runs, job.settings)
        targets = choose_targets(runs, splits, labels, job, placed.localizer, placed.moved)
        files, summary = _predict_bold(job, outputs, discovery, targets, splits, notes)
    else:
        files, summary = _classify(job, outputs, discovery, runs, notes)
    write_mark(
        outputs.completion(participant),
        digest,
        [*written, *files],
        job.output_dir,
        settings=job.settings.as_toml(),
    )
    return "done", summary


def _place_bold(
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


def _prepare_next(job: Job, timed: TimedRun, labels: RegionLabels, placed: PlacedBold) -> PreparedRun:
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


def find_localizer(job: Job, participant: str) -> tuple[LocalizerRun, ...]:
    """Find the runs of a localiser task; none where there is no localiser, or it is of the training runs."""
    return find_localizer_runs(
        job.bids_dir,
        tuple(job.derivatives.values()),
        participant,
        selection=job.selection,
        settings=job.settings,
    )


def choose_folds(runs: Sequence[PreparedRun], settings: Settings) -> tuple[Split, ...]:
    """Return the folds that the settings ask for."""
    return choose_splits(
        [run.aligned for run in runs],
        scheme=settings.evaluation.cv,
        train_task=settings.evaluation.train_task,
        test_task=settings.evaluation.test_task,
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


def train_and_test(
    targets: FoldTargets, splits: Sequence[Split], settings: Settings, *, device: str = "cpu"
) -> tuple[Results, tuple[Explanation, ...]]:
    """Train every model on every fold, test it and its baselines, and train one on all runs."""
    data = targets.data.changed(lambda _, run: add_nuisance(run))
    final = [add_nuisance(run) for run in targets.final]
    device, seed = resolve_device(device), settings.random_seed
    with log_stage(_logger, f"{final[0].entities}: baselines tested"):
        trials = list(try_baselines(data, splits, settings.evaluation, seed=seed))
    models: list[SavedModel] = []
    explanations: list[Explanation] = []
    controls: list[ControlScore] = []
    for predictor in build_predictors(settings):
        with log_stage(_logger, f"{final[0].entities}: {predictor.name} tested and trained"):
            trial = try_model(predictor, data, splits, settings.evaluation, seed=seed, device=device)
            trials.append(trial)
            fitted = fit_final(predictor, final, seed=seed, device=device)
            saved = save_predictor(
                predictor,
                fitted,
                final,
                preprocessing=asdict(settings.eeg),
                start_time=targets.measured[0].run.start_time,
                lookahead=max(run.eeg.lookahead for run in targets.measured),
            )
            models.append(replace(saved, bold=targets.measured[0].run.preprocessing))
            explanations.append(explain_model(predictor.name, fitted.spatial_filters(), final))
            if settings.evaluation.controls:
                controls += run_controls(
                    predictor,
                    data,
                    [control_targets(run.aligned) for run in targets.measured],
                    splits,
                    settings.evaluation,
                    real=trial.evaluation,
                    seed=seed,
                    device=device,
                )
    results = Results(
        runs=tuple(replace(p, aligned=r) for p, r in zip(targets.measured, data.measured, strict=True)),
        predictions=tuple(trial.predictions for trial in trials),
        evaluations=tuple(trial.evaluation for trial in trials),
        models=tuple(models),
        controls=tuple(controls),
        overlap=targets.overlap,
    )
    return results, tuple(explanations)


def _predict_bold(
    job: Job,
    outputs: Outputs,
    discovery: Discovery,
    targets: FoldTargets,
    splits: Sequence[Split],
    notes: tuple[str, ...],
) -> tuple[list[Path], str]:
    """Answer what the EEG says of the BOLD: train, test, write; return the files and a summary."""
    results, explanations = train_and_test(targets, splits, job.settings, device=job.running.device)
    participant = targets.measured[0].run.entities.subject
    reopen(outputs.completion(participant), outputs.folder(participant))
    with log_stage(_logger, f"sub-{participant}: results and report written"):
        written = write_results(outputs, results, raw_root=job.bids_dir)
        written += _write_report(job, outputs, discovery, splits, results, explanations, notes)
    return written, _summary(results.scores)


def _classify(
    job: Job,
    outputs: Outputs,
    discovery: Discovery,
    runs: Sequence[PreparedRun],
    notes: tuple[str, ...],
) -> tuple[list[Path], str]:
    """Answer a question of classes: train, test, write; return the files and a summary."""
    train_and_test_classes = load_objective(job.settings.objective)
    participant = runs[0].run.entities.subject
    with log_stage(_logger, f"sub-{participant}: classifiers tested and trained"):
        results: ClassificationResults = train_and_test_classes(runs, job.settings, device=job.running.device)
    reopen(outputs.completion(participant), outputs.folder(participant))
    written = write_classification(outputs, results, raw_root=job.bids_dir)
    report = ClassificationReport(
        participant=participant,
        version=__version__,
        results=results,
        found_runs=_found_runs(job, discovery),
        cv_text=describe_folds(results.splits),
        settings_text=job.settings.as_toml(),
        methods_text=describe_classification(job.settings, build_models(job.settings), results),
        notes=notes,
    )
    written += write_classification_report(
        report, html_path=outputs.report(participant), figures_dir=outputs.figures(participant)
    )
    written += keep_report(outputs.report_content(participant), report)
    return written, _summary_of_classes(results.scores)


def _found_runs(job: Job, discovery: Discovery) -> tuple[FoundRun, ...]:
    """Return every recording, its path relative to its dataset."""
    roots = dataset_roots(job)
    return tuple(replace(r, path=Path(relative_to(r.path, roots))) for r in discovery.found)


def _why_nothing(discovery: Discovery) -> str:
    """Return why a participant has no run to work on."""
    if not discovery.found:
        return "no EEG or BOLD recording passes the filters"
    n_eeg = sum(run.modality == "eeg" for run in discovery.found)
    return f"{n_eeg} EEG and {len(discovery.found) - n_eeg} BOLD recordings, none of them paired"


def _digest(job: Job, discovery: Discovery, localizer: Sequence[LocalizerRun]) -> str:
    """Return the digest of settings and inputs that a finished participant is recognised by."""
    inputs: list[Path] = []
    for timed in discovery.timed:
        run = timed.run
        for path in (run.eeg_path, *run.bold_files):
            inputs += applicable_files(path)
    for one in localizer:
        for path in one.run.bold_files:
            inputs += applicable_files(path)
    inputs += region_files(job.settings.bold.regions)
    runs = [str(timed.run.entities) for timed in discovery.timed]
    return digest_inputs(f"{job.settings.as_toml()}\n{runs}", __version__, inputs, dataset_roots(job))


def _digest_arrays(*arrays: np.ndarray | None) -> str:
    """Return the SHA-256 of arrays; None counts too."""
    content = b"|".join(b"" if array is None else np.ascontiguousarray(array).tobytes() for array in arrays)
    return hashlib.sha256(content).hexdigest()


def _share_channels(runs: Sequence[PreparedRun]) -> tuple[list[PreparedRun], tuple[str, ...]]:
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


def _write_report(
    job: Job,
    outputs: Outputs,
    discovery: Discovery,
    splits: Sequence[Split],
    results: Results,
    explanations: tuple[Explanation, ...],
    notes: tuple[str, ...],
) -> list[Path]:
    """Write the participant's page and figures."""
    participant = results.runs[0].run.entities.subject
    predictors = build_predictors(job.settings)
    report = ParticipantReport(
        participant=participant,
        version=__version__,
        found_runs=_found_runs(job, discovery),
        runs=tuple(
            RunContent(
                aligned=run.aligned,
                clock=run.clock,
                eeg_steps=run.eeg.steps,
                eeg_quality=run.eeg.quality,
                eeg_spectrum=run.eeg.spectrum,
                eeg_locked=run.eeg.locked,
                region_steps=run.regions.steps,
                evidence=run.run.evidence,
            )
            for run in results.runs
        ),
        predictions=results.predictions,
        evaluations=results.evaluations,
        explanations=explanations,
        cv_unit=splits[0].unit,
        cv_text=describe_folds(splits),
        settings_text=job.settings.as_toml(),
        methods_text=describe_methods(
            job.settings,
            predictors,
            splits,
            regions="; ".join(results.runs[0].regions.steps),
            run=results.runs[0].run,
        ),
        model_descriptions={p.name: p.description for p in [*BASELINES, *predictors]},
        notes=(*notes, *_describe_overlap(results.overlap)),
        controls=results.controls,
    )
    pages = write_participant_report(
        report, html_path=outputs.report(participant), figures_dir=outputs.figures(participant)
    )
    return [*pages, *keep_report(outputs.report_content(participant), report)]


def _describe_overlap(overlap: Mapping[str, float]) -> tuple[str, ...]:
    """Return in words how much the voxels of a localiser agree between folds."""
    if not overlap:
        return ()
    least = min(overlap, key=lambda name: overlap[name])
    mean = float(np.mean(list(overlap.values())))
    return (
        f"Voxels that the localiser chose in two folds: {mean:.0%} in common on average over regions "
        f"(Jaccard index), least in {least} ({overlap[least]:.0%}).",
    )


def _summary(scores: Sequence[Score]) -> str:
    """Return the mean r of each model in one line."""
    overall = [s for s in scores if s.run == "all" and s.region == "mean" and is_shown(s.model)]
    return ", ".join(
        f"{s.model} r = {s.r:.2f} (p = {s.p:.3f})" if math.isfinite(s.r) else f"{s.model} r = n/a"
        for s in overall
    )


def _summary_of_classes(scores: Sequence[ClassScore]) -> str:
    """Return the balanced accuracy of each classifier in one line."""
    overall = {s.model: s for s in scores if s.run == "all"}  # the mean over regions comes last
    return ", ".join(
        f"{s.model} balanced accuracy {s.balanced_accuracy:.2f} (chance {s.chance:.2f}, p = {s.p:.3f})"
        for s in overall.values()
    )
