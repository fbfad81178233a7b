"""Every model of the registry: saved, and restored in another process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from simulated_runs import make_run, make_runs

from bids_eeg2fmri.errors import BadDataError, Eeg2FmriError, MissingInputError
from bids_eeg2fmri.formats.model_file import write_model
from bids_eeg2fmri.records import SavedModel
from bids_eeg2fmri.registry import FittedPredictor, load_model, model_names
from bids_eeg2fmri.training.saved_models import load_predictor, restore_predictor, save_predictor

#: Options that are quick, and not the defaults.
OPTIONS = {
    "ridge": {"bands": {"mu": (8.0, 13.0), "beta": (13.0, 30.0)}, "basis": ("canonical", "derivative")},
    "smr": {"band": (9.0, 13.0)},
    "spoc": {"n_components": 2, "shrinkages": (0.1, 0.5)},
    "eegnet": {"max_epochs": 2, "window": 3.0, "flip_sign": False},
}

each_model = pytest.mark.parametrize("name", model_names())


@cache
def trained(name: str) -> tuple[SavedModel, FittedPredictor]:
    runs = make_runs(2)
    model = load_model(name)(**OPTIONS.get(name, {}))
    fitted = model.fit(runs, rng=np.random.default_rng(0))
    preprocessing = {"highpass": 1.0, "lowpass": 40.0, "sfreq": 100.0}
    saved = save_predictor(model, fitted, runs, preprocessing=preprocessing, start_time=1.0, lookahead=0.1)
    return saved, fitted


def test_in_a_fresh_process_every_model_predicts_the_same(tmp_path: Path) -> None:
    for name in model_names():
        write_model(tmp_path / f"{name}_model.safetensors", trained(name)[0])
    code = (
        "import sys, numpy as np; from pathlib import Path; from simulated_runs import make_run\n"
        "from bids_eeg2fmri.training.saved_models import load_predictor\n"
        "run = make_run(np.random.default_rng(9), run=3)\n"
        "for path in Path(sys.argv[1]).glob('*_model.safetensors'):\n"
        "    np.save(path.with_suffix('.npy'), load_predictor(path)[1].predict(run))\n"
    )
    roots = os.pathsep.join([str(Path(__file__).parents[1]), str(Path(__file__).parents[2])])
    environment = {**os.environ, "PYTHONPATH": roots, "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=environment, check=True)
    run = make_run(np.random.default_rng(9), run=3)
    for name in model_names():
        here, there = trained(name)[1].predict(run), np.load(tmp_path / f"{name}_model.npy")
        assert np.std(here) > 1e-3, name
        np.testing.assert_allclose(there, here, rtol=0, atol=1e-5, err_msg=name)


@each_model
def test_options_come_back_as_they_were(name: str, tmp_path: Path) -> None:
    path = tmp_path / "x_model.safetensors"
    write_model(path, trained(name)[0])
    saved, fitted = load_predictor(path)
    assert fitted.options == load_model(name)(**OPTIONS.get(name, {}))  # type: ignore[attr-defined]
    assert (saved.tr, saved.start_time, saved.lookahead, saved.subject) == (2.0, 1.0, 0.1, "01")


#: Tensors that are told of a model but not used in a prediction.
TOLD = ("penalties", "shrinkages", "stacking")


@each_model
def test_tensors_that_do_not_fit_are_refused(name: str) -> None:
    saved, _ = trained(name)
    for key, tensor in saved.tensors.items():
        without = {k: v for k, v in saved.tensors.items() if k != key}
        with pytest.raises(BadDataError, match="train it again"):
            restore_predictor(replace(saved, tensors=without))
        if tensor.dtype.kind == "f" and tensor.size and key not in TOLD:
            with pytest.raises(BadDataError, match="tensors that do not fit"):
                restore_predictor(replace(saved, tensors=saved.tensors | {key: np.full((3, 5, 7), np.nan)}))


@pytest.mark.parametrize(
    ("change", "kind", "complaint"),
    [
        (lambda s: replace(s, model="foreign"), MissingInputError, "'foreign', which is not installed"),
        (lambda s: replace(s, options={"lambda": 1}), BadDataError, "no setting 'models.ridge.lambda'"),
        (lambda s: replace(s, options={"smoothing": -1.0}), BadDataError, "smoothing"),
        (lambda s: replace(s, region_names=("one",)), BadDataError, "2 regions, but names 1"),
        (
            lambda s: replace(s, channel_names=s.channel_names[:3], positions=s.positions[:3]),
            BadDataError,
            "has 3 EEG channels",
        ),
    ],
)
def test_a_model_that_contradicts_itself_is_refused(
    change: Callable[[SavedModel], SavedModel], kind: type[Eeg2FmriError], complaint: str
) -> None:
    with pytest.raises(kind, match=complaint):
        restore_predictor(change(trained("ridge")[0]), source="x_model.safetensors")


def test_a_model_of_classes_is_not_applied_as_one_of_bold() -> None:
    runs = make_runs(2)
    predictor = load_model("ridge")()
    fitted = predictor.fit(runs, rng=np.random.default_rng(0))
    saved = save_predictor(predictor, fitted, runs, preprocessing={}, start_time=0.0, lookahead=0.0)
    with pytest.raises(BadDataError, match="only models that predict BOLD can be applied"):
        restore_predictor(replace(saved, objective="levels"))
