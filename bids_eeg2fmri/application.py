"""Applying trained models to EEG, with or without BOLD: whoever opens this reads the way in order."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from bids_eeg2fmri import __version__
from bids_eeg2fmri.bids.model_files import find_model_files
from bids_eeg2fmri.bids.names import relative_to
from bids_eeg2fmri.bids.outputs import Outputs
from bids_eeg2fmri.eeg.channel_match import match_channels
from bids_eeg2fmri.eeg.cleaning import clean_eeg
from bids_eeg2fmri.eeg.provenance import read_provenance
from bids_eeg2fmri.errors import BadDataError, UsageError
from bids_eeg2fmri.formats.applied_series import write_applied_series
from bids_eeg2fmri.formats.completion import (
    applicable_files,
    digest_inputs,
    is_complete,
    reopen,
    write_mark,
)
from bids_eeg2fmri.formats.eeg_signal import read_eeg
from bids_eeg2fmri.formats.model_file import model_digest
from bids_eeg2fmri.formats.run_table import write_runs
from bids_eeg2fmri.planning import dataset_roots, discover_participant_eeg
from bids_eeg2fmri.records import AppliedModel, CleanEeg, SavedModel, VolumeClock
from bids_eeg2fmri.registry import FittedPredictor
from bids_eeg2fmri.report.application import ApplicationReport, write_application_report
from bids_eeg2fmri.report.keeping import keep_report
from bids_eeg2fmri.resources.stages import log_stage
from bids_eeg2fmri.settings import EegSettings, Job, Settings, build
from bids_eeg2fmri.sync.align import align_without_bold
from bids_eeg2fmri.sync.discovery import refuse_unusable
from bids_eeg2fmri.sync.eeg_discovery import EegDiscovery, EegRun
from bids_eeg2fmri.sync.prediction_times import find_prediction_clock
from bids_eeg2fmri.training.saved_models import load_predictor

_logger = logging.getLogger(__name__)

Status = Literal["done", "up to date", "nothing to do"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LoadedModel:
    """A trained model from its file, ready to be applied."""

    path: Path
    digest: str
    saved: SavedModel
    fitted: FittedPredictor
    eeg_settings: EegSettings


def apply_to_participant(job: Job, participant: str) -> tuple[Status, str]:
    """Predict the BOLD of one participant's EEG recordings; return how it ended and a message.

    Raises
    ------
    Eeg2FmriError
        If a recording or a model cannot be used; nothing half-done is left under a final name.
    """
    assert job.application is not None
    outputs = Outputs(root=job.output_dir)
    discovery = discover_participant_eeg(job, participant)
    if not discovery.found:
        return "nothing to do", "no EEG recording passes the filters"
    written = write_runs(outputs.runs(participant), discovery.found, dataset_roots(job))
    refuse_unusable(discovery.found)
    files = find_model_files(job.application.path, participant, job.application.models)
    digest = _digest(job, discovery, files)
    if is_complete(outputs.completion(participant), digest, job.output_dir):
        return "up to date", ""

    models = [load_model_file(path, job.settings) for path in files]
    notes = warn_of_others(models, participant)
    applied: list[AppliedModel] = []
    for run in discovery.runs:
        names = ", ".join(model.saved.model for model in models)
        with log_stage(_logger, f"{run.entities}: EEG cleaned, {names} applied"):
            applied += apply_to_run(run, models, job.settings)
    reopen(outputs.completion(participant), outputs.folder(participant))
    for item in applied:
        path = outputs.of_run(item.entities, "eeg", suffix="timeseries", extension=".tsv", desc=item.model)
        written += write_applied_series(path, item, roots=_named_roots(job))
    report = ApplicationReport(
        participant=participant,
        version=__version__,
        applied=tuple(applied),
        models=tuple(model.saved for model in models),
        model_paths=tuple(relative_to(model.path, (job.application.folder,)) for model in models),
        recordings=tuple(relative_to(run.eeg.path, dataset_roots(job)) for run in discovery.runs),
        notes=notes,
    )
    written += write_application_report(
        report, html_path=outputs.report(participant), figures_dir=outputs.figures(participant)
    )
    written += keep_report(outputs.report_content(participant), report)
    mark = outputs.completion(participant)
    write_mark(mark, digest, written, job.output_dir, settings=job.settings.as_toml())
    names = ", ".join(dict.fromkeys(item.model for item in applied))
    said = f"{names} applied to {len(discovery.runs)} EEG recordings, not scored"
    return "done", ". ".join([said, *notes])


def load_model_file(path: Path, settings: Settings | None = None) -> LoadedModel:
    """Read a model file and restore the trained model with the EEG settings it was trained behind.

    Raises
    ------
    UsageError
        If ``settings`` ask for another cleaning of the EEG than the model's.
    MissingInputError, BadDataError
        As :func:`bids_eeg2fmri.training.saved_models.load_predictor`; also if this version cannot clean the
        EEG as the model's did.
    """
    saved, fitted = load_predictor(path)
    try:
        own: EegSettings = build(EegSettings, saved.preprocessing, where="eeg")
    except UsageError as error:
        raise BadDataError(
            f"{path} asks for a cleaning of the EEG that this version ({__version__}) does not know: {error} "
            f"Use version {saved.version}, which made it, or train the model again."
        ) from None
    if own.sfreq != saved.sfreq:
        raise BadDataError(
            f"{path} contradicts itself: the EEG is cleaned to {own.sfreq:g} Hz but the model takes "
            f"{saved.sfreq:g} Hz. Copy the model again, or train it again."
        )
    if settings is not None and settings.eeg not in (EegSettings(), own):
        wrong = [key for key, value in asdict(settings.eeg).items() if value != asdict(own)[key]]
        raise UsageError(
            f"The settings ask for other EEG than {path.name} was trained on: "
            f"{', '.join(f'eeg.{key}' for key in wrong)}. A model brings its own; leave them "
            "out with --apply."
        )
    return LoadedModel(path=path, digest=model_digest(path), saved=saved, fitted=fitted, eeg_settings=own)


def apply_to_run(run: EegRun, models: Sequence[LoadedModel], settings: Settings) -> list[AppliedModel]:
    """Clean one recording as each model asks and predict the BOLD of every region.

    Raises
    ------
    BadDataError
        If channels are missing beyond interpolation or the sampling rate is too low.
    """
    past = read_provenance(run.eeg.path)
    cleaned: dict[tuple[EegSettings, float], CleanEeg] = {}
    applied = []
    for model in models:
        saved = model.saved
        clock = find_prediction_clock(
            run.eeg, settings.sync, tr=saved.tr, start_time=saved.start_time, duration=_duration(run)
        )
        kind = (model.eeg_settings, saved.tr)
        if kind not in cleaned:
            _check_sampling(run, model)
            # A grid that was made up says nothing of the scanner.
            is_scan = bool(clock.marker) or settings.sync.eeg_offset is not None
            cleaned[kind] = clean_eeg(
                read_eeg(run.eeg.path),
                model.eeg_settings,
                past,
                clock=clock if is_scan else None,
                tr=saved.tr if is_scan else None,
            )
        applied.append(apply_model(run, model, cleaned[kind], clock))
    return applied


def apply_model(run: EegRun, model: LoadedModel, eeg: CleanEeg, clock: VolumeClock) -> AppliedModel:
    """Predict the BOLD of every region at the moments of a clock from the cleaned EEG of one recording.

    Raises
    ------
    BadDataError
        If channels are missing beyond interpolation.
    """
    saved = model.saved
    try:
        matched, words = match_channels(eeg, saved.channel_names, saved.positions)
    except BadDataError as error:
        raise BadDataError(f"{run.eeg.path.name} does not fit {model.path.name}: {error}") from None
    aligned = align_without_bold(
        run.entities, matched, clock.onsets, saved.region_names, tr=saved.tr, start_time=saved.start_time
    )
    predicted = model.fitted.predict(aligned)
    is_inside = (aligned.volume_samples >= 0) & (aligned.volume_samples < matched.data.shape[1])
    return AppliedModel(
        entities=run.entities,
        recording=run.eeg.path,
        model=saved.model,
        model_path=model.path,
        digest=model.digest,
        trained_on=saved.trained_on,
        values=predicted,
        region_names=saved.region_names,
        times=clock.onsets + saved.start_time,
        weights=is_inside.astype(np.float64),
        clock=clock,
        tr=saved.tr,
        eeg_steps=matched.steps,
        eeg_quality=matched.quality,
        channels=words,
        held_out_r=saved.held_out_r,
        held_out_error=saved.held_out_error,
    )


def warn_of_others(models: Sequence[LoadedModel], participant: str) -> tuple[str, ...]:
    """Return a warning for models that are of another participant."""
    others = [m for m in models if m.saved.subject != participant]
    return tuple(
        f"Model {m.saved.model} was trained on sub-{m.saved.subject}, not on sub-{participant}: another "
        "person's model, whose predictions may mean nothing here."
        for m in others
    )


def _check_sampling(run: EegRun, model: LoadedModel) -> None:
    """Raise if the recording cannot hold the frequencies that the model was trained on."""
    header = run.eeg.header
    needed = 2 * model.eeg_settings.lowpass
    if header is not None and header.sfreq < needed:
        raise BadDataError(
            f"{run.eeg.path.name} is sampled at {header.sfreq:g} Hz; {model.path.name} uses EEG up to "
            f"{model.eeg_settings.lowpass:g} Hz and needs {needed:g} Hz or more. Use the recording as it was "
            "before it was downsampled, or train a model with a lower eeg.lowpass."
        )


def _named_roots(job: Job) -> dict[str, Path]:
    """Return the datasets by the names that the output's DatasetLinks give them."""
    assert job.application is not None
    return {"raw": job.bids_dir, **job.derivatives, "models": job.application.folder}


def _digest(job: Job, discovery: EegDiscovery, files: Sequence[Path]) -> str:
    """Return the digest of settings and inputs that a finished participant is recognised by."""
    inputs = [path for run in discovery.runs for path in applicable_files(run.eeg.path)]
    models = {path.name: model_digest(path) for path in files if path.with_suffix(".json").exists()}
    runs = [str(run.entities) for run in discovery.runs]
    # What is trained with does not matter here: only the clock and the models do.
    return digest_inputs(
        f"apply {job.settings.sync} {models} {runs}", __version__, inputs, dataset_roots(job)
    )


def _duration(run: EegRun) -> float:
    """Return how long the signal of a recording lasts, s; what a sidecar says may be wrong."""
    return run.eeg.header.duration if run.eeg.header is not None else run.eeg.duration
