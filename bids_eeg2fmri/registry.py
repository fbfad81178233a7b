"""Names of the models and region sets, where each lives, and what a model must offer.

Adding a model is one new file that meets :class:`Predictor` and one line in ``MODELS``; another package adds
one through an entry point of the group ``bids_eeg2fmri.models``. Nothing is imported before it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.errors import UsageError, did_you_mean
from bids_eeg2fmri.records import AlignedRun, SpatialFilters

#: Model name to ``module:class``.
MODELS: Mapping[str, str] = {
    "ridge": "bids_eeg2fmri.models.ridge:Ridge",
    "smr": "bids_eeg2fmri.models.smr:Smr",
    "efp": "bids_eeg2fmri.models.efp:Efp",
    "spoc": "bids_eeg2fmri.models.spoc:Spoc",
    "sgl": "bids_eeg2fmri.models.sgl:Sgl",
    "eegnet": "bids_eeg2fmri.models.eegnet:EegNet",
}

#: Region set name to the ``module:function`` that returns its spheres or image. Where the name ends in ``:N``
#: a number takes the place of N and is given to the function.
REGION_SETS: Mapping[str, str] = {
    "motor": "bids_eeg2fmri.bold.published_sets:motor",
    "seitzman300": "bids_eeg2fmri.bold.published_sets:seitzman300",
    "power264": "bids_eeg2fmri.bold.published_sets:power264",
    "dosenbach160": "bids_eeg2fmri.bold.published_sets:dosenbach160",
    "schaefer:N": "bids_eeg2fmri.bold.schaefer:schaefer",
}

#: The numbers that a region set with ``:N`` takes.
REGION_NUMBERS: Mapping[str, range] = {"schaefer:N": range(100, 1001, 100)}


@runtime_checkable
class FittedPredictor(Protocol):
    """A trained model: it estimates the BOLD of every region of a run from the EEG alone."""

    def predict(self, run: AlignedRun) -> NDArray[np.float64]:
        """Return (n_volumes, n_regions) percent signal change, finite everywhere.

        Only ``eeg``, ``sfreq``, ``volume_samples`` and ``tr`` of the run are used, and of the EEG only what
        lies before each volume's sample.
        """

    def spatial_filters(self) -> SpatialFilters:
        """Return the weights over channels that the model has learned."""

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return all that :meth:`Predictor.restore` needs, by name: arrays of numbers, nothing else."""


class Trainable(Protocol):
    """What can be cross-validated: a model, a baseline, or a combination of them."""

    @property
    def name(self) -> str:
        """Name in tables."""

    def fit(
        self, runs: Sequence[AlignedRun], *, rng: np.random.Generator, device: str = "cpu"
    ) -> FittedPredictor:
        """Learn from whole runs; volumes of weight 0 are not looked at."""


@runtime_checkable
class Predictor(Protocol):
    """A model before training: a frozen dataclass whose fields are its settings.

    The fields are saved as JSON with the trained model and read back by ``settings.build``: numbers, texts,
    truth values, tuples, mappings and dataclasses of these.

    Where each region is fitted by itself, the class may say ``regions_are_independent = True``: surrogates of
    the BOLD are then fitted many at a time. One that is cheap all the same may say ``is_cheap = True``.
    """

    #: Name in the registry and in file names (letters and digits only).
    name: ClassVar[str]
    #: One sentence for reports and ``descriptions.tsv``.
    description: ClassVar[str]
    #: Where the method comes from (paper, DOI).
    reference: ClassVar[str]

    def fit(
        self, runs: Sequence[AlignedRun], *, rng: np.random.Generator, device: str = "cpu"
    ) -> FittedPredictor:
        """Learn from whole runs; volumes of weight 0 are not looked at."""

    def restore(self, tensors: Mapping[str, NDArray[Any]]) -> FittedPredictor:
        """Return the trained model that :meth:`FittedPredictor.tensors` described, perhaps elsewhere.

        Nothing but the settings and the tensors is there. Tensors of other names or shapes lead to any of
        KeyError, ValueError and RuntimeError, or to a BadDataError.
        """


def model_names() -> tuple[str, ...]:
    """Return the names of all models, those of other packages last."""
    plugged = sorted(entry.name for entry in entry_points(group="bids_eeg2fmri.models"))
    return (*MODELS, *(name for name in plugged if name not in MODELS))


def load_model(name: str) -> type[Predictor]:
    """Import and return the class of a model.

    Raises
    ------
    UsageError
        If no model has this name.
    """
    if name in MODELS:
        module, _, attribute = MODELS[name].partition(":")
        model: type[Predictor] = getattr(import_module(module), attribute)
        return model
    for entry in entry_points(group="bids_eeg2fmri.models", name=name):
        plugged: type[Predictor] = entry.load()
        return plugged
    known = model_names()
    raise UsageError(
        f"There is no model '{name}'; the models are {', '.join(known)}.{did_you_mean(name, known)}"
    )


def check_region_set(regions: str) -> None:
    """Refuse what is neither the name of a region set nor a file; nothing is read.

    Raises
    ------
    UsageError
        With the nearest name.
    """
    family, number = _split_region_set(regions)
    if family in REGION_NUMBERS:
        allowed = REGION_NUMBERS[family]
        if number.isdecimal() and int(number) in allowed:
            return
        raise UsageError(
            f"There are no regions '{regions}': {family} takes for N {allowed[0]} to {allowed[-1]} in steps "
            f"of {allowed.step}, for example {family.replace('N', str(allowed[3]))}."
        )
    if regions in REGION_SETS or Path(regions).is_file():
        return
    raise UsageError(
        f"There are no regions '{regions}': neither a set ({', '.join(REGION_SETS)}) nor a file."
        f"{did_you_mean(regions, REGION_SETS)} A file is a TSV with the columns name, x, y, z (mm), or a "
        "NIfTI image of labels (3D), a mask, or one map per region (4D)."
    )


def load_region_set(regions: str) -> Any:
    """Return the spheres or the image of a region set by its name, or None if no set has this name."""
    family, number = _split_region_set(regions)
    if family not in REGION_SETS:
        return None
    module, _, function = REGION_SETS[family].partition(":")
    load = getattr(import_module(module), function)
    return load(int(number)) if family in REGION_NUMBERS else load()


def _split_region_set(regions: str) -> tuple[str, str]:
    """Return the name of a set as the registry has it and its number: ``schaefer:N`` and ``400``."""
    name, _, number = regions.partition(":")
    family = f"{name}:N"
    return (family, number) if family in REGION_NUMBERS else (regions, "")
