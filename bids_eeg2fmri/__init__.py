"""Learn, for each person, what the EEG says about the BOLD of the motor cortex.

The public names are imported when they are first used, so that ``import bids_eeg2fmri`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "AlignedRun": "records",
    "Predictions": "records",
    "SavedModel": "records",
    "Score": "records",
    "Settings": "settings",
    "apply_to_participant": "application",
    "apply_to_run": "application",
    "EvaluationSettings": "settings",
    "cross_validate": "training.crossvalidation",
    "choose_splits": "training.splits",
    "discover_eeg": "sync.eeg_discovery",
    "discover_runs": "sync.discovery",
    "find_model_files": "bids.model_files",
    "find_volume_clock": "sync.clock",
    "label_regions": "bold.region_set",
    "load_model": "registry",
    "load_model_file": "application",
    "model_names": "registry",
    "prepare_run": "preparation",
    "read_model": "formats.model_file",
    "run_group": "group",
    "run_participant": "participant",
    "simulate_dataset": "simulate.dataset",
    "try_model": "training.testing",
}

__all__ = ["__version__", *sorted(_PUBLIC)]  # noqa: PLE0604  (all are strings)


def __getattr__(name: str) -> Any:
    """Import a public name from the module that defines it."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)


def __dir__() -> list[str]:
    """Return the public names."""
    return list(__all__)
