"""Where the trained models are that an earlier call has written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bids_eeg2fmri.bids.names import split_entities
from bids_eeg2fmri.errors import BadDataError, MissingInputError, did_you_mean

_SUFFIX = "_model.safetensors"


def check_models_path(path: Path) -> None:
    """Raise unless a path is a model file or a folder with models of participants; nothing is read.

    Raises
    ------
    MissingInputError
        With what ``--apply`` takes.
    """
    advice = (
        f"Give --apply the output folder of an earlier participant level (with sub-*/*{_SUFFIX}), or one "
        "such file."
    )
    if not path.exists():
        raise MissingInputError(f"There is no file or folder {path}. {advice}")
    if path.is_file() and not path.name.endswith(_SUFFIX):
        raise MissingInputError(f"{path} is no model file. {advice}")
    if path.is_dir() and not any(path.glob(f"sub-*/*{_SUFFIX}")):
        raise MissingInputError(f"{path} holds no trained models. {advice}")


def find_model_files(path: Path, participant: str, names: Sequence[str] = ()) -> tuple[Path, ...]:
    """Return the model files to apply to a participant.

    Parameters
    ----------
    path : Path
        A model file, which is for everybody, or the output folder of an earlier call, of which the
        participant's own are taken.
    names : sequence of str
        Models to take; empty: all.

    Raises
    ------
    MissingInputError
        If there is none for the participant, or none of a name asked for.
    BadDataError
        If there are two of one name.
    """
    files = [path] if path.is_file() else sorted((path / f"sub-{participant}").glob(f"*{_SUFFIX}"))
    if not files:
        others = sorted({file.parent.name for file in path.glob(f"sub-*/*{_SUFFIX}")})
        raise MissingInputError(
            f"{path} holds no model of sub-{participant}; it has models of {', '.join(others)}. Train one "
            "first, or give --apply one model file, which is then used for everybody."
        )
    found: dict[str, Path] = {}
    for file in files:
        name = split_entities(file)[0].get("desc", "")
        if name in found:
            raise BadDataError(
                f"Two model files of sub-{participant} are of the model '{name}': {found[name].name} and "
                f"{file.name}. Remove one, or give --apply the file itself."
            )
        found[name] = file
    for name in names:
        if name not in found:
            raise MissingInputError(
                f"There is no model '{name}' of sub-{participant} in {path}; there are {', '.join(found)}."
                f"{did_you_mean(name, found)}"
            )
    return tuple(file for name, file in found.items() if not names or name in names)


def list_model_names(path: Path) -> tuple[str, ...]:
    """Return the names of the models in a model file or folder, whoever they are of."""
    files = [path] if path.is_file() else path.glob(f"sub-*/*{_SUFFIX}")
    return tuple(sorted({split_entities(file)[0].get("desc", "") for file in files}))
