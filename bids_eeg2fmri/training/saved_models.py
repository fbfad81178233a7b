"""From a trained model to what is saved of it, and back."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from bids_eeg2fmri import __version__
from bids_eeg2fmri.errors import BadDataError, Eeg2FmriError, MissingInputError
from bids_eeg2fmri.formats.model_file import read_model
from bids_eeg2fmri.records import AlignedRun, CleanEeg, Entities, SavedModel, Score
from bids_eeg2fmri.registry import FittedPredictor, Predictor, load_model, model_names
from bids_eeg2fmri.settings import build
from bids_eeg2fmri.sync.align import align_without_bold

#: Length of the noise that a restored model is tried out on, s.
_TRIAL_SECONDS = 15.0


def save_predictor(
    predictor: Predictor,
    fitted: FittedPredictor,
    runs: Sequence[AlignedRun],
    *,
    preprocessing: Mapping[str, Any],
    start_time: float,
    lookahead: float,
) -> SavedModel:
    """Return a trained model with all that is needed to apply it to another recording.

    Parameters
    ----------
    fitted : FittedPredictor
        What ``predictor`` learned from ``runs``.
    preprocessing : mapping
        The settings of the EEG stage.
    start_time, lookahead : float
        As in SavedModel, s.
    """
    first = runs[0]
    return SavedModel(
        model=predictor.name,
        version=__version__,
        # As JSON gives them back: a model that is restored at once meets what one from a file meets.
        options=json.loads(json.dumps(asdict(cast("Any", predictor)))),
        tensors=fitted.tensors(),
        channel_names=first.channel_names,
        positions=first.positions,
        sfreq=first.sfreq,
        tr=first.tr,
        start_time=start_time,
        lookahead=lookahead,
        region_names=first.region_names,
        trained_on=tuple(str(run.entities) for run in runs),
        preprocessing=preprocessing,
    )


def with_scores(saved: SavedModel, scores: Sequence[Score]) -> SavedModel:
    """Return the saved model with what is known of such models on data they had not seen.

    Parameters
    ----------
    scores : sequence of Score
        Of the same model on the same runs; those over all runs are used.
    """
    overall = {s.region: s for s in scores if s.run == "all" and s.model == saved.model}
    found = [overall[name] for name in saved.region_names]
    return replace(
        saved,
        held_out_r=tuple(score.r for score in found),
        held_out_error=tuple(math.sqrt(score.mse) for score in found),
    )


def load_predictor(path: Path) -> tuple[SavedModel, FittedPredictor]:
    """Read a ``*_model.safetensors`` file; return what was saved and the trained model.

    Raises
    ------
    MissingInputError
        If a file is not there, or the model is of a package that is not installed.
    BadDataError
        If the file is damaged, of another format version, or does not fit its model.
    """
    saved = read_model(path)
    return saved, restore_predictor(saved, source=str(path))


def restore_predictor(saved: SavedModel, *, source: str = "the saved model") -> FittedPredictor:
    """Return the trained model; ``source`` names it in messages.

    Raises
    ------
    MissingInputError
        If the model is of a package that is not installed.
    BadDataError
        If its settings or tensors do not fit it.
    """
    if saved.objective != "bold":
        raise BadDataError(
            f"{source} tells classes (--objective {saved.objective}), and only models that predict BOLD can "
            "be applied. Train one with --objective bold."
        )
    known = model_names()
    if saved.model not in known:
        raise MissingInputError(
            f"{source} is of the model '{saved.model}', which is not installed here; the models are "
            f"{', '.join(known)}. Install the package that adds it (entry point bids_eeg2fmri.models)."
        )
    advice = f"It was made by version {saved.version}, this is {__version__}: train it again with this one."
    try:
        predictor: Predictor = build(load_model(saved.model), saved.options, where=f"models.{saved.model}")
    except Eeg2FmriError as error:
        raise BadDataError(f"The settings in {source} do not fit its model: {error} {advice}") from None
    try:
        fitted = predictor.restore(saved.tensors)
        _try_out(fitted, saved)
        return fitted
    except (KeyError, ValueError, RuntimeError, TypeError, IndexError) as error:
        what = (
            f"has no tensor {error}" if type(error) is KeyError else f"has tensors that do not fit ({error})"
        )
        raise BadDataError(f"{source} {what}, as model {saved.model} needs them. {advice}") from None


def _try_out(fitted: FittedPredictor, saved: SavedModel) -> None:
    """Raise ValueError unless a restored model makes numbers of the EEG it says it expects.

    Tensors of a wrong shape or without finite values show nowhere else before data come.
    """
    n_channels, n_volumes = len(saved.channel_names), 3
    n_times = round(_TRIAL_SECONDS * saved.sfreq)
    noise = np.random.default_rng(0).normal(0.0, 10.0, (n_channels, n_times))
    eeg = CleanEeg(
        data=noise.astype(np.float32),
        sfreq=saved.sfreq,
        channel_names=saved.channel_names,
        positions=saved.positions,
        steps=(),
    )
    onsets = np.linspace(0.0, _TRIAL_SECONDS, n_volumes + 1)[1:]
    run = align_without_bold(
        Entities(subject=saved.subject), eeg, onsets, saved.region_names, tr=saved.tr, start_time=0.0
    )
    predicted = fitted.predict(run)
    if predicted.shape != (n_volumes, len(saved.region_names)):
        raise ValueError(
            f"it predicts {predicted.shape[-1]} regions, but names {len(saved.region_names)} of them"
        )
    if not np.all(np.isfinite(predicted)):
        raise ValueError("it predicts values that are not finite")
