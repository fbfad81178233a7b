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
from bids_eeg2fmri.records import AlignedRun, Floats, Labels, SpatialFilters

#: Model name to ``module:class``.
MODELS: Mapping[str, str] = {
    "ridge": "bids_eeg2fmri.models.ridge:Ridge",
    "smr": "bids_eeg2fmri.models.smr:Smr",
    "efp": "bids_eeg2fmri.models.efp:Efp",
    "spoc": "bids_eeg2fmri.models.spoc:Spoc",
    "sgl": "bids_eeg2fmri.models.sgl:Sgl",
    "stack": "bids_eeg2fmri.models.stack:Stack",
    "hrfnet": "bids_eeg2fmri.models.hrfnet:HrfNet",
    "eegnet": "bids_eeg2fmri.models.eegnet:EegNet",
}

#: Objective to the ``module:function`` that trains and tests for it.
OBJECTIVES: Mapping[str, str] = {
    "bold": "bids_eeg2fmri.participant:train_and_test",
    "levels": "bids_eeg2fmri.training.levels:classify_levels",
    "condition": "bids_eeg2fmri.training.condition:classify_conditions",
}

#: Objective to its classifiers, each name to ``module:class``.
CLASSIFIERS: Mapping[str, Mapping[str, str]] = {
    "levels": {
        "logistic": "bids_eeg2fmri.models.logistic:Logistic",
        "eegnet": "bids_eeg2fmri.models.eegnet_classifier:EegNetClassifier",
        "hrfnet": "bids_eeg2fmri.models.hrfnet_classifier:HrfNetClassifier",
    },
    "condition": {
        "lda": "bids_eeg2fmri.models.lda:Lda",
        "eegnet": "bids_eeg2fmri.models.eegnet_classifier:EegNetClassifier",
    },
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


@runtime_checkable
class FittedClassifier(Protocol):
    """A trained classifier: it tells the class at every volume (or window) of a run from the EEG alone."""

    def predict(self, run: AlignedRun) -> Floats:
        """Return the probability of every class, (n_volumes, n_targets, n_classes); causal as predictors."""

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return all that :meth:`Classifier.restore_classes` needs, by name."""


@runtime_checkable
class Classifier(Protocol):
    """A classifier before training: a frozen dataclass whose fields are its settings.

    One for levels may name the predictor it is compared with: ``regressor``. One for conditions has a field
    ``window`` (s); where its class offers ``prepare`` (see ``models.lda``), surrogates are fitted anew.
    """

    name: ClassVar[str]
    description: ClassVar[str]
    reference: ClassVar[str]

    def fit_classes(
        self,
        runs: Sequence[AlignedRun],
        labels: Sequence[Labels],
        *,
        n_classes: int,
        balance: bool,
        rng: np.random.Generator,
        device: str = "cpu",
    ) -> FittedClassifier:
        """Learn from whole runs; the BOLD is not looked at, nor volumes of weight 0 or label -1.

        ``labels`` are (n_volumes, n_targets), one array per run; ``balance``: rare classes count as much as
        frequent ones.
        """

    def restore_classes(self, tensors: Mapping[str, NDArray[Any]]) -> FittedClassifier:
        """Return the trained classifier that :meth:`FittedClassifier.tensors` described."""


def load_objective(name: str) -> Any:
    """Import and return the function that trains and tests for an objective."""
    module, _, function = OBJECTIVES[name].partition(":")
    return getattr(import_module(module), function)


def check_classifier(objective: str, name: str) -> None:
    """Raise a UsageError for a classifier that the objective does not have; nothing is imported."""
    known = CLASSIFIERS[objective]
    if name not in known:
        raise UsageError(
            f"There is no model '{name}' for --objective {objective}; the models are {', '.join(known)}."
            f"{did_you_mean(name, known)}"
        )


def load_classifier(objective: str, name: str) -> type[Classifier]:
    """Import and return the class of a classifier.

    Raises
    ------
    UsageError
        If the objective has none of this name.
    """
    check_classifier(objective, name)
    module, _, attribute = CLASSIFIERS[objective][name].partition(":")
    classifier: type[Classifier] = getattr(import_module(module), attribute)
    return classifier


@runtime_checkable
class PreparingPredictor(Protocol):
    """A predictor that computes something of each run once, whatever is learned from it in which fold."""

    def prepare(self, run: AlignedRun) -> Any:
        """Return what ``fit`` and ``predict`` take as ``prepared``; the BOLD of the run is blanked."""

    def fit(
        self,
        runs: Sequence[AlignedRun],
        *,
        rng: np.random.Generator,
        device: str = "cpu",
        prepared: Sequence[Any] | None = None,
    ) -> PreparedPredictor:
        """Learn as :meth:`Predictor.fit`; ``prepared`` holds one item per run."""


class PreparedPredictor(FittedPredictor, Protocol):
    """What a :class:`PreparingPredictor` becomes by training."""

    def predict(self, run: AlignedRun, *, prepared: Any = None) -> NDArray[np.float64]:
        """Predict as :meth:`FittedPredictor.predict`."""


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
