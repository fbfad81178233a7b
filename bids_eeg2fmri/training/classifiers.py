"""From the settings to classifiers, and their training on every fold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any, Protocol, cast

from bids_eeg2fmri import __version__
from bids_eeg2fmri.errors import UsageError
from bids_eeg2fmri.records import AlignedRun, PreparedRun, SavedModel
from bids_eeg2fmri.registry import (
    Classifier,
    FittedClassifier,
    check_classifier,
    load_classifier,
    model_names,
)
from bids_eeg2fmri.settings import Settings, build
from bids_eeg2fmri.training.predictors import build_predictors, check_model_names


class Described(Protocol):
    """What reports and citations say of a model."""

    @property
    def name(self) -> str:
        """Name in tables."""

    @property
    def description(self) -> str:
        """One sentence."""

    @property
    def reference(self) -> str:
        """Where the method comes from."""


def build_models(settings: Settings) -> tuple[Described, ...]:
    """Return the models of the objective that is asked for, each with its settings."""
    if settings.objective == "bold":
        return cast("tuple[Described, ...]", build_predictors(settings))
    return cast("tuple[Described, ...]", build_classifiers(settings))


def check_models(settings: Settings) -> None:
    """Raise a UsageError for a model that the objective does not have; nothing is imported for it."""
    if settings.objective == "bold":
        check_model_names(settings)
        return
    for name in (*settings.model, *settings.models):
        if name in settings.model or name not in model_names():
            check_classifier(settings.objective, name)


def build_classifiers(settings: Settings) -> tuple[Classifier, ...]:
    """Return the classifiers asked for, each with its settings, in the order asked for.

    Raises
    ------
    UsageError
        If there is no such classifier, it has no such setting, or a setting has a value that is not allowed.
    """
    check_models(settings)
    return tuple(_build(settings, name) for name in dict.fromkeys(settings.model))


def _build(settings: Settings, name: str) -> Classifier:
    """Return one classifier; where conditions are told apart, with windows as long as the trials' windows."""
    kind = load_classifier(settings.objective, name)
    options: dict[str, Any] = dict(settings.models.get(name, {}))
    known = {f.name for f in fields(cast("Any", kind))}
    if settings.objective == "condition":
        window = settings.condition.window
        if options.get("window", window) != window:
            raise UsageError(
                f"models.{name}.window={options['window']}: --objective condition has the windows of "
                f"condition.window ({window:g} s). Set that one."
            )
        # Conditions have no order, and between two windows there may lie another trial.
        fixed = {"window": window, "ordinal": False, "steps_between": 1}
        options |= {key: value for key, value in fixed.items() if key in known}
    classifier: Classifier = build(kind, options, where=f"models.{name}")
    return classifier


def save_classifier(
    classifier: Classifier,
    fitted: FittedClassifier,
    first: PreparedRun,
    runs: Sequence[AlignedRun],
    settings: Settings,
) -> SavedModel:
    """Return a trained classifier with all that is needed to apply it."""
    return SavedModel(
        model=classifier.name,
        version=__version__,
        options=asdict(cast("Any", classifier)),
        tensors=fitted.tensors(),
        channel_names=runs[0].channel_names,
        positions=runs[0].positions,
        sfreq=runs[0].sfreq,
        tr=first.run.tr,
        region_names=runs[0].region_names,
        trained_on=tuple(str(run.entities) for run in runs),
        preprocessing=asdict(settings.eeg),
        start_time=first.run.start_time,
        lookahead=first.eeg.lookahead,
        objective=settings.objective,
    )
