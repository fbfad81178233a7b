"""From the settings to the models that are trained, and the device they are trained on."""

from __future__ import annotations

from bids_eeg2fmri.errors import UsageError, did_you_mean
from bids_eeg2fmri.registry import Predictor, load_model, model_names
from bids_eeg2fmri.settings import Settings, build


def build_predictors(settings: Settings) -> tuple[Predictor, ...]:
    """Return the models asked for, each with its settings, in the order asked for.

    Raises
    ------
    UsageError
        If there is no such model, it has no such setting, or a setting has a value that is not allowed.
    """
    check_model_names(settings)
    names = tuple(dict.fromkeys(settings.model))
    predictors: list[Predictor] = [
        build(load_model(name), settings.models.get(name, {}), where=f"models.{name}") for name in names
    ]
    return tuple(predictors)


def check_model_names(settings: Settings) -> None:
    """Raise a UsageError for a model that does not exist; nothing is imported for it."""
    known = model_names()
    for name in (*settings.model, *settings.models):
        if name not in known:
            raise UsageError(
                f"There is no model '{name}'; the models are {', '.join(known)}.{did_you_mean(name, known)}"
            )


def resolve_device(device: str) -> str:
    """Return "cpu" or "cuda" for "auto", "cpu" or "cuda".

    Raises
    ------
    UsageError
        If a GPU is asked for that is not there.
    """
    if device == "cpu":
        return device
    import torch  # noqa: PLC0415  (seconds, and not every model needs it)

    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise UsageError("--device cuda: torch finds no CUDA device here. Use --device auto or cpu.")
    return "cuda" if available else "cpu"
