"""The participant level, from files to files: whoever opens this reads the pipeline in order."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Literal

import numpy as np

from bids_eeg2fmri import __version__
from bids_eeg2fmri.bids.names import relative_to
from bids_eeg2fmri.bids.outputs import Outputs
from bids_eeg2fmri.bold.region_set import label_regions, region_files
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
from bids_eeg2fmri.formats.results import Results, write_results
from bids_eeg2fmri.formats.run_table import write_runs
from bids_eeg2fmri.planning import dataset_roots, discover_participant
from bids_eeg2fmri.preparation import MINIMAL_NOTE, choose_targets, place_bold, prepare_next, share_channels
from bids_eeg2fmri.records import (
    ClassificationResults,
    ClassScore,
    ControlScore,
    Explanation,
    FoundRun,
    PreparedRun,
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
from bids_eeg2fmri.sync.discovery import Discovery, refuse_unusable
from bids_eeg2fmri.sync.localizer_runs import LocalizerRun, find_localizer_runs
from bids_eeg2fmri.training.classifiers import build_models
from bids_eeg2fmri.training.controls import control_targets, run_controls
from bids_eeg2fmri.training.crossvalidation import fit_final
from bids_eeg2fmri.training.fold_targets import FoldTargets
from bids_eeg2fmri.training.predictors import build_predictors, resolve_device
from bids_eeg2fmri.training.saved_models import save_predictor, with_scores
from bids_eeg2fmri.training.splits import choose_splits
from bids_eeg2fmri.training.testing import try_baselines, try_model

_logger = logging.getLogger(__name__)

Status = Literal["done", "up to date", "nothing to do"]


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

    placed = place_bold(job, outputs, discovery.timed, localizer)
    written += placed.written
    labels = label_regions([one.run for one in placed.timed], job.settings.bold, placed.grid)
    runs, notes = share_channels([prepare_next(job, one, labels, placed) for one in placed.timed])
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
            saved = with_scores(saved, trial.evaluation.scores)
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
