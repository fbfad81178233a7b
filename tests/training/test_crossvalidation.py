from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from simulated_runs import make_runs

from bids_eeg2fmri.errors import UsageError
from bids_eeg2fmri.evaluation.baselines import TaskDesign
from bids_eeg2fmri.registry import Predictor, load_model, model_names
from bids_eeg2fmri.settings import Settings
from bids_eeg2fmri.training.crossvalidation import cross_validate, fit_final
from bids_eeg2fmri.training.predictors import build_predictors, resolve_device
from bids_eeg2fmri.training.splits import choose_splits

#: What makes a model quick enough for a test.
QUICK = {"eegnet": {"max_epochs": 2, "window": 2.0}}


def predictors() -> list[Predictor]:
    return [TaskDesign(), *(load_model(name)(**QUICK.get(name, {})) for name in model_names())]


@pytest.mark.parametrize("predictor", predictors(), ids=lambda p: p.name)
@pytest.mark.parametrize("scheme", ["run", "block"])
def test_corrupting_the_test_bold_changes_no_byte_of_the_model(predictor: Predictor, scheme: str) -> None:
    runs = make_runs(3, n_volumes=80)
    splits = choose_splits(runs, scheme=scheme)
    clean = cross_validate(predictor, runs, splits[:1], seed=0)
    corrupted = [
        replace(run, bold=np.where(tested[:, None] > 0, 1e6, run.bold))
        for run, tested in zip(runs, splits[0].test, strict=True)
    ]
    again = cross_validate(predictor, corrupted, splits[:1], seed=0)
    first, second = clean.fitted[0].tensors(), again.fitted[0].tensors()
    assert first.keys() == second.keys()
    assert all(first[name].tobytes() == second[name].tobytes() for name in first)
    for one, two in zip(clean.predictions.values, again.predictions.values, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("predictor", predictors(), ids=lambda p: p.name)
def test_corrupting_the_training_bold_does_change_it(predictor: Predictor) -> None:
    runs = make_runs(2)
    split = choose_splits(runs)[:1]
    changed = [runs[0], replace(runs[1], bold=-3 * runs[1].bold)]
    first = cross_validate(predictor, runs, split, seed=0).fitted[0].tensors()
    second = cross_validate(predictor, changed, split, seed=0).fitted[0].tensors()
    assert any(first[name].tobytes() != second[name].tobytes() for name in first)


@pytest.mark.parametrize("predictor", predictors(), ids=lambda p: p.name)
def test_same_seed_same_numbers_whatever_else_is_trained(predictor: Predictor) -> None:
    runs = make_runs(2)
    splits = choose_splits(runs)
    both = cross_validate(predictor, runs, splits, seed=1).predictions.values
    last = cross_validate(predictor, runs, splits[1:], seed=1).predictions.values
    np.testing.assert_array_equal(both[1], last[1])
    final = [fit_final(predictor, runs, seed=1).tensors() for _ in range(2)]
    assert all(final[0][name].tobytes() == final[1][name].tobytes() for name in final[0])


def test_folds_and_training_means_are_those_of_the_volume() -> None:
    runs = make_runs(2)
    runs[0] = replace(runs[0], bold=runs[0].bold + 5.0)
    result = cross_validate(TaskDesign(), runs, choose_splits(runs), seed=0)
    assert result.of_every_run == ()
    assert [set(f.tolist()) for f in result.predictions.folds] == [{0}, {1}]
    np.testing.assert_allclose(result.predictions.training_means[1], 5.0, atol=1e-9)
    np.testing.assert_allclose(result.predictions.training_means[0], 0.0, atol=1e-9)


def test_models_come_from_the_settings() -> None:
    settings = Settings(model=("eegnet", "ridge", "eegnet"), models={"eegnet": {"window": 5}})
    built = build_predictors(settings)
    assert [p.name for p in built] == ["eegnet", "ridge"]
    assert built[0].window == 5.0  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match="There is no model 'x'"):
        build_predictors(Settings(models={"x": {}}))
    with pytest.raises(UsageError, match=r"There is no setting 'models\.ridge\.band'"):
        build_predictors(Settings(models={"ridge": {"band": 1}}))


def test_device() -> None:
    assert resolve_device("cpu") == "cpu"
    assert resolve_device("auto") in ("cpu", "cuda")
