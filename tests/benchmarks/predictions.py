"""What each model predicts of a simulated participant, kept on disk with what it cost.

What is kept is known by the code that made it: the file of the model and all it imports from the package's
``models``, the oracle and the simulated participants. Scores are not kept, so that they are always those of
today's evaluation.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from oracle import predict_by_oracle
from participants import Participant, draw

from bids_eeg2fmri.evaluation.baselines import TaskDesign
from bids_eeg2fmri.records import Floats, Predictions
from bids_eeg2fmri.registry import MODELS, load_model
from bids_eeg2fmri.simulate.brain import Brain
from bids_eeg2fmri.simulate.options import SimulationOptions
from bids_eeg2fmri.training.crossvalidation import cross_validate
from bids_eeg2fmri.training.splits import choose_splits

#: What is printed beside the models: noiseless BOLD, the best that EEG allows, the task design alone.
LIMITS = ("ceiling", "oracle", "task")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tried:
    """The held-out predictions of one model for one participant, and what they cost.

    Attributes
    ----------
    predictions : Predictions
    seconds : float
        CPU seconds per fit, inner selection and prediction included.
    n_parameters : int
        Numbers in the trained model of the first fold.
    """

    predictions: Predictions
    seconds: float
    n_parameters: int


def load_tried(
    participant: Participant, name: str, options: SimulationOptions, *, brain: Brain, cache: Path
) -> Tried:
    """Return what a model or a limit predicts, leave one run out, from the cache if it is there."""
    key = (_code(name), name, options, participant.number, len(participant.gain))
    digest = hashlib.sha256(repr(key).encode()).hexdigest()[:16]
    path = cache / "predictions" / f"{name}_{participant.coupling}_{participant.number}_{digest}.npz"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part.npz")
        _write(part, _try(participant, name, options, brain))
        part.replace(path)
    return _read(path, name)


def _try(participant: Participant, name: str, options: SimulationOptions, brain: Brain) -> Tried:
    """Train and predict, leave one run out."""
    runs, n_parameters = participant.runs, 0
    start = time.process_time()
    if name == "ceiling":
        predictions = _as_predictions(name, participant.noiseless)
    elif name == "oracle":
        person = draw(participant.number, options, brain)
        predictions = _as_predictions(name, predict_by_oracle(participant, person))
    else:
        predictor = TaskDesign() if name == "task" else load_model(name)()
        trained = cross_validate(predictor, runs, choose_splits(runs), seed=0)
        predictions = trained.predictions
        n_parameters = sum(np.asarray(t).size for t in trained.fitted[0].tensors().values())
    seconds = (time.process_time() - start) / len(runs)
    return Tried(predictions=predictions, seconds=seconds, n_parameters=n_parameters)


def _as_predictions(name: str, values: Sequence[Floats]) -> Predictions:
    return Predictions(
        model=name,
        values=tuple(values),
        training_means=tuple(np.zeros_like(v) for v in values),
        folds=tuple(np.full(len(v), k) for k, v in enumerate(values)),
    )


def _code(name: str) -> str:
    """Return the digest of the code that a prediction is made by."""
    here = Path(__file__).parent
    files = {here / "oracle.py", here / "participants.py"}
    if name in MODELS:
        _follow_imports(MODELS[name].partition(":")[0], files)
    return hashlib.sha256(b"".join(f.read_bytes() for f in sorted(files))).hexdigest()


def _follow_imports(module: str, files: set[Path]) -> None:
    """Add the file of a module, and those of all models' modules behind it."""
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    file = Path(spec.origin)
    if file in files:
        return
    files.add(file)
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("bids_eeg2fmri.models."):
            _follow_imports(str(node.module), files)


def _write(path: Path, tried: Tried) -> None:
    arrays = {"cost": np.array([tried.seconds, tried.n_parameters])}
    predictions = tried.predictions
    for k, (values, means, folds) in enumerate(
        zip(predictions.values, predictions.training_means, predictions.folds, strict=True)
    ):
        arrays |= {f"values_{k}": values, f"means_{k}": means, f"folds_{k}": folds}
    np.savez(path, **arrays)


def _read(path: Path, name: str) -> Tried:
    with np.load(path) as arrays:
        seconds, n_parameters = arrays["cost"]
        n_runs = sum(key.startswith("values_") for key in arrays.files)
        values, means, folds = (
            tuple(arrays[f"{what}_{k}"] for k in range(n_runs)) for what in ("values", "means", "folds")
        )
    return Tried(
        predictions=Predictions(model=name, values=values, training_means=means, folds=folds),
        seconds=float(seconds),
        n_parameters=int(n_parameters),
    )
