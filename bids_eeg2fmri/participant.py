"""The participant level, from files to files: whoever opens this reads the pipeline in order."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

from bids_eeg2fmri import __version__
from bids_eeg2fmri.bids.names import relative_to
from bids_eeg2fmri.bids.outputs import Outputs
from bids_eeg2fmri.bold.extraction import extract_regions
from bids_eeg2fmri.bold.minimal import MinimalBold, MinimalRun, preprocess_minimally
from bids_eeg2fmri.bold.minimal_outputs import write_minimal
from bids_eeg2fmri.bold.region_set import RegionLabels, label_regions, region_files
from bids_eeg2fmri.eeg.cleaning import clean_eeg
from bids_eeg2fmri.errors import BadDataError, Eeg2FmriError, MissingInputError
from bids_eeg2fmri.evaluation.baselines import TaskDesign
from bids_eeg2fmri.evaluation.scores import score_predictions
from bids_eeg2fmri.explain.patterns import explain_model
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
    AlignedRun,
    CleanEeg,
    Explanation,
    PreparedRun,
    RegionSeries,
    SavedModel,
    Score,
    Split,
)
from bids_eeg2fmri.report.methods import describe_folds, describe_methods
from bids_eeg2fmri.report.participant import ParticipantReport, RunContent, write_participant_report
from bids_eeg2fmri.settings import Job, Settings
from bids_eeg2fmri.sync.align import align_run
from bids_eeg2fmri.sync.discovery import Discovery, TimedRun
from bids_eeg2fmri.sync.run_clock import check_against_artefact
from bids_eeg2fmri.training.crossvalidation import cross_validate, fit_final
from bids_eeg2fmri.training.predictors import build_predictors, resolve_device
from bids_eeg2fmri.training.splits import choose_splits

_logger = logging.getLogger(__name__)

Status = Literal["done", "up to date", "nothing to do"]
#: Stands in the log and on the participant's page.
MINIMAL_NOTE = (
    "The BOLD was preprocessed minimally by this app (realigned, registered to MNI152 by an affine map), not "
    "by fMRIPrep: distortion and slice timing are not corrected, and regions lie some millimetres off. Run "
    "fMRIPrep for results to rely on, and give its output with --derivatives."
)


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
    _refuse_unusable(discovery)
    digest = _digest(job, discovery)
    if is_complete(outputs.completion(participant), digest, job.output_dir):
        return "up to date", ""

    timed, minimal, more = _preprocess_raw(job, outputs, discovery.timed)
    written += more
    labels = label_regions(
        [one.run for one in timed], job.settings.bold, minimal.grid if minimal is not None else None
    )
    moved = minimal.runs if minimal is not None else [None] * len(timed)
    runs, notes = _share_channels(
        [
            prepare_run(one, labels, job.settings, job.running.work_dir, minimal=run)
            for one, run in zip(timed, moved, strict=True)
        ]
    )
    notes = (*notes, *((MINIMAL_NOTE,) if minimal is not None else ()))
    splits = choose_splits([run.aligned for run in runs], scheme=job.settings.evaluation.cv)
    results, explanations = train_and_test(runs, splits, job.settings, device=job.running.device)
    reopen(outputs.completion(participant))
    written += write_results(outputs, results, raw_root=job.bids_dir)
    written += _write_report(job, outputs, discovery, splits, results, explanations, notes)
    write_mark(
        outputs.completion(participant), digest, written, job.output_dir, settings=job.settings.as_toml()
    )
    return "done", _summary(results.scores)


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
    _logger.info("%s: cleaning the EEG, reading the BOLD", run.entities)
    # A table of confounds that this app made is newer with every call; its content is in the other digests.
    table = run.confounds_path if minimal is None else None
    bold_files = [p for p in (run.bold_path, run.mask_path, table) if p is not None]
    made = minimal.digest if minimal is not None else ""
    regions = keep_record(
        work_dir,
        RegionSeries,
        f"{run.entities}_regions",
        digest_inputs(f"{settings.bold} {run.tr} {labels.digest} {made}", __version__, bold_files, ()),
        lambda: extract_regions(run, labels, settings.bold, minimal),
    )
    eeg = keep_record(
        work_dir,
        CleanEeg,
        f"{run.entities}_eeg",
        digest_inputs(repr(settings.eeg), __version__, applicable_files(run.eeg_path), ()),
        lambda: clean_eeg(read_eeg(run.eeg_path), settings.eeg),
    )
    aligned = align_run(
        run.entities, eeg, timed.clock, regions, timed.events, tr=run.tr, start_time=run.start_time
    )
    checked = check_against_artefact(run.eeg_path, timed.clock, tr=run.tr)
    run = replace(run, evidence=(*run.evidence, *checked))
    return PreparedRun(run=run, clock=timed.clock, eeg=eeg, regions=regions, aligned=aligned)


def _preprocess_raw(
    job: Job, outputs: Outputs, timed: Sequence[TimedRun]
) -> tuple[Sequence[TimedRun], MinimalBold | None, list[Path]]:
    """Return the runs with all that belongs to them, what minimal preprocessing made of raw BOLD, files."""
    runs = [one.run for one in timed]
    if all(run.preprocessing == "derivatives" for run in runs):
        return timed, None, []
    _logger.warning("sub-%s: %s", runs[0].entities.subject, MINIMAL_NOTE)
    minimal = preprocess_minimally(runs, work_dir=job.running.work_dir)
    completed, written = write_minimal(outputs, runs, minimal)
    timed = [replace(one, run=run) for one, run in zip(timed, completed, strict=True)]
    return timed, minimal, written


def train_and_test(
    runs: Sequence[PreparedRun], splits: Sequence[Split], settings: Settings, *, device: str = "cpu"
) -> tuple[Results, tuple[Explanation, ...]]:
    """Train every model on every fold, test it and the task design beside it, and train one on all runs."""
    aligned = [run.aligned for run in runs]
    device = resolve_device(device)
    predictions, models, explanations = [], [], []
    baseline = TaskDesign()
    for predictor in (baseline, *build_predictors(settings)):
        start = time.monotonic()
        tested = cross_validate(predictor, aligned, splits, seed=settings.random_seed, device=device)
        predictions.append(tested.predictions)
        if predictor is not baseline:
            fitted = fit_final(predictor, aligned, seed=settings.random_seed, device=device)
            models.append(
                _saved(
                    predictor.name,
                    asdict(cast("Any", predictor)),
                    fitted.tensors(),
                    runs[0],
                    aligned,
                    settings,
                )
            )
            explanations.append(explain_model(predictor.name, fitted.spatial_filters(), aligned))
        seconds = time.monotonic() - start
        _logger.info("%s: %s in %.1f s", aligned[0].entities, predictor.name, seconds)
    scores: list[Score] = []
    for prediction in predictions:
        scores += score_predictions(
            aligned,
            prediction,
            n_nulls=settings.evaluation.n_nulls,
            min_shift=settings.evaluation.min_shift,
            rng=np.random.default_rng([settings.random_seed, 1]),  # every model meets the same shifts
        )
    results = Results(
        runs=tuple(runs), predictions=tuple(predictions), scores=tuple(scores), models=tuple(models)
    )
    return results, tuple(explanations)


def _why_nothing(discovery: Discovery) -> str:
    """Return why a participant has no run to work on."""
    if not discovery.found:
        return "no EEG or BOLD recording passes the filters"
    n_eeg = sum(run.modality == "eeg" for run in discovery.found)
    return f"{n_eeg} EEG and {len(discovery.found) - n_eeg} BOLD recordings, none of them paired"


def _refuse_unusable(discovery: Discovery) -> None:
    """Raise if a pair cannot be used: a result from fewer runs than are there must be asked for."""
    if not discovery.unusable:
        return
    reasons = list(dict.fromkeys(run.reason for run in discovery.unusable))
    statuses = {run.exit_status for run in discovery.unusable}
    kind: type[Eeg2FmriError] = (
        MissingInputError if statuses == {MissingInputError.exit_status} else BadDataError
    )
    raise kind(" ".join(reasons))


def _digest(job: Job, discovery: Discovery) -> str:
    """Return the digest of settings and inputs that a finished participant is recognised by."""
    inputs: list[Path] = []
    for timed in discovery.timed:
        run = timed.run
        paths = (run.eeg_path, run.raw_bold_path, run.bold_path, run.mask_path, run.confounds_path)
        for path in (p for p in (*paths, run.events_path, run.anatomy_path) if p is not None):
            inputs += applicable_files(path)
    inputs += region_files(job.settings.bold.regions)
    runs = [str(timed.run.entities) for timed in discovery.timed]
    return digest_inputs(f"{job.settings.as_toml()}\n{runs}", __version__, inputs, dataset_roots(job))


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
        aligned = replace(
            run.aligned,
            eeg=run.aligned.eeg[order],
            channel_names=tuple(names),
            positions=run.aligned.positions[order],
        )
        shared.append(replace(run, aligned=aligned))
    notes = (f"Channels that not every run has were left out: {', '.join(dropped)}.",) if dropped else ()
    return shared, notes


def _saved(
    name: str,
    options: dict[str, object],
    tensors: dict[str, np.ndarray],
    first: PreparedRun,
    runs: Sequence[AlignedRun],
    settings: Settings,
) -> SavedModel:
    """Return a trained model with all that is needed to apply it."""
    aligned = runs[0]
    return SavedModel(
        model=name,
        version=__version__,
        options=options,
        tensors=tensors,
        channel_names=aligned.channel_names,
        positions=aligned.positions,
        sfreq=aligned.sfreq,
        tr=aligned.tr,
        region_names=aligned.region_names,
        trained_on=tuple(str(run.entities) for run in runs),
        preprocessing=asdict(settings.eeg)
        | {
            "start_time": first.run.start_time,
            "lookahead": first.eeg.lookahead,
            "bold": first.run.preprocessing,
        },
    )


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
    roots = dataset_roots(job)
    report = ParticipantReport(
        participant=participant,
        version=__version__,
        found_runs=tuple(replace(r, path=Path(relative_to(r.path, roots))) for r in discovery.found),
        runs=tuple(
            RunContent(
                aligned=run.aligned,
                clock=run.clock,
                eeg_steps=run.eeg.steps,
                eeg_quality=run.eeg.quality,
                region_steps=run.regions.steps,
                evidence=run.run.evidence,
            )
            for run in results.runs
        ),
        predictions=results.predictions,
        scores=results.scores,
        explanations=explanations,
        cv_unit=splits[0].unit,
        cv_text=describe_folds(splits),
        settings_text=job.settings.as_toml(),
        methods_text=describe_methods(
            job.settings,
            predictors,
            splits,
            regions=results.runs[0].regions.steps[0],
            run=results.runs[0].run,
        ),
        model_descriptions={p.name: p.description for p in (TaskDesign(), *predictors)},
        notes=notes,
    )
    return list(
        write_participant_report(
            report, html_path=outputs.report(participant), figures_dir=outputs.figures(participant)
        )
    )


def _summary(scores: Sequence[Score]) -> str:
    """Return the mean r of each model in one line."""
    overall = [s for s in scores if s.run == "all" and s.region == "mean"]
    return ", ".join(
        f"{s.model} r = {s.r:.2f} (p = {s.p_shift:.3f})" if math.isfinite(s.r) else f"{s.model} r = n/a"
        for s in overall
    )
