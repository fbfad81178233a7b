"""What every model of the registry must keep."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields, replace
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from simulated_runs import make_run, make_runs
from threadpoolctl import threadpool_limits

from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.records import AlignedRun
from bids_eeg2fmri.registry import FittedPredictor, Predictor, PreparingPredictor, load_model, model_names
from bids_eeg2fmri.training.crossvalidation import cross_validate
from bids_eeg2fmri.training.splits import choose_splits

#: What makes a model quick enough for a test; the input is resampled, so that this is tested too.
QUICK = {"eegnet": {"max_epochs": 3, "window": 3.0, "sfreq": 50.0}}

each_model = pytest.mark.parametrize("name", model_names())
#: The input of the others depends on what they have learned.
each_preparing_model = pytest.mark.parametrize("name", [name for name in model_names() if name != "eegnet"])


def build(name: str) -> Predictor:
    return load_model(name)(**QUICK.get(name, {}))


def fit(name: str, runs: list[AlignedRun], seed: int = 0) -> FittedPredictor:
    return build(name).fit(runs, rng=np.random.default_rng(seed))


@cache
def fitted(name: str) -> FittedPredictor:
    """Return a model fitted on two runs (do not change it)."""
    return fit(name, make_runs(2))


def same_tensors(one: FittedPredictor, two: FittedPredictor) -> bool:
    a, b = one.tensors(), two.tensors()
    return a.keys() == b.keys() and all(np.asarray(a[k]).tobytes() == np.asarray(b[k]).tobytes() for k in a)


def unseen(**changes: object) -> AlignedRun:
    return replace(make_run(np.random.default_rng(9), run=3), **changes)  # type: ignore[arg-type]


@each_model
def test_names_itself_and_is_frozen(name: str) -> None:
    model = build(name)
    assert isinstance(model, Predictor)
    assert model.name == name
    assert name.isalnum()
    assert model.description
    assert "doi" in model.reference
    with pytest.raises(FrozenInstanceError):
        setattr(model, fields(model)[0].name, 1)  # type: ignore[arg-type]


@each_model
def test_learns_what_there_is(name: str) -> None:
    runs = make_runs(3, n_volumes=100, coupling=2.0)
    options = {"eegnet": {"max_epochs": 15, "window": 6.0}}.get(name, {})
    model = load_model(name)(**options).fit(runs[:2], rng=np.random.default_rng(0))
    predicted = model.predict(runs[2])
    r = [np.corrcoef(predicted[:, k], runs[2].bold[:, k])[0, 1] for k in range(2)]
    assert np.mean(r) > 0.4


@each_model
def test_predicts_every_volume_of_any_run(name: str) -> None:
    model = fitted(name)
    for n_volumes, tr in ((60, 2.0), (37, 1.5)):
        run = make_run(np.random.default_rng(5), n_volumes=n_volumes, tr=tr)
        predicted = model.predict(run)
        assert predicted.shape == (n_volumes, 2)
        assert predicted.dtype == np.float64
        assert np.isfinite(predicted).all()


@each_model
def test_looks_at_nothing_but_the_eeg_of_a_run(name: str) -> None:
    run = unseen()
    other = replace(
        run,
        bold=run.bold + 5,
        weights=np.zeros(60),
        design=run.design[:, :0],
        design_names=(),
        events=(),
    )
    np.testing.assert_array_equal(fitted(name).predict(run), fitted(name).predict(other))


@each_model
def test_no_volume_depends_on_eeg_after_it(name: str) -> None:
    run = unseen()
    model = fitted(name)
    before = model.predict(run)
    for volume in (0, 1, 20, 58):
        eeg = run.eeg.copy()
        end = run.volume_samples[volume] + 1
        eeg[:, end:] = 1000 * np.random.default_rng(1).standard_normal(eeg[:, end:].shape)
        changed = model.predict(replace(run, eeg=eeg))
        # Other sums in another order: equal but for rounding (float32 networks).
        np.testing.assert_allclose(changed[: volume + 1], before[: volume + 1], rtol=1e-4, atol=1e-5)
        assert np.abs(changed[volume + 1 :] - before[volume + 1 :]).max() > 1e-3


@each_model
def test_eeg_before_a_volume_matters(name: str) -> None:
    run = unseen()
    eeg = run.eeg.copy()
    eeg[:, run.volume_samples[30] - 100 : run.volume_samples[30] + 1] *= 10
    changed = fitted(name).predict(replace(run, eeg=eeg)) - fitted(name).predict(run)
    assert np.abs(changed[:30]).max() < 1e-5
    assert np.abs(changed[30:]).max() > 1e-3


@each_model
def test_volumes_outside_the_eeg_get_a_number(name: str) -> None:
    run = unseen()
    samples = run.volume_samples - 1000  # the first five volumes lie before the recording
    samples[-3:] = run.eeg.shape[1] + np.array([10, 20, 30])
    weights = ((samples >= 0) & (samples < run.eeg.shape[1])).astype(float)
    shifted = replace(run, volume_samples=samples, weights=weights)
    assert np.isfinite(fitted(name).predict(shifted)).all()
    assert np.isfinite(fit(name, [shifted, make_runs(1)[0]]).predict(shifted)).all()


@each_model
def test_volumes_of_weight_0_are_not_looked_at(name: str) -> None:
    runs = make_runs(2)
    weights = np.ones(60)
    weights[[0, 7, 8, 30, 59]] = 0
    runs = [replace(run, weights=weights) for run in runs]
    absurd = [replace(run, bold=np.where(weights[:, None] > 0, run.bold, 1e9)) for run in runs]
    assert same_tensors(fit(name, runs), fit(name, absurd))


@each_model
def test_same_seed_same_bytes(name: str) -> None:
    assert same_tensors(fit(name, make_runs(2)), fitted(name))


def test_same_seed_same_bytes_in_another_process() -> None:
    here = Path(__file__)
    code = "import test_contract; print(test_contract.digest())"  # this very module
    paths = os.pathsep.join([str(here.parent), str(here.parents[1])])
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    there = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    ).stdout.strip()
    with threadpool_limits(1):
        assert digest() == there


def digest() -> str:
    """Return what tells the trained models apart."""
    total = sha256()
    for name in model_names():
        tensors = fit(name, make_runs(2)).tensors()
        total.update(b"".join(np.asarray(tensors[key]).tobytes() for key in sorted(tensors)))
    return total.hexdigest()


@each_model
def test_restored_model_predicts_the_same(name: str) -> None:
    model = fitted(name)
    tensors = model.tensors()
    assert all(np.asarray(value).dtype.kind in "fiu" for value in tensors.values())
    restored = build(name).restore({key: np.array(value) for key, value in tensors.items()})
    run = unseen()
    np.testing.assert_allclose(restored.predict(run), model.predict(run), rtol=0, atol=1e-6)
    np.testing.assert_array_equal(restored.spatial_filters().weights, model.spatial_filters().weights)
    assert restored.spatial_filters().names == model.spatial_filters().names
    assert same_tensors(restored, model)


@each_model
def test_spatial_filters_weight_every_channel(name: str) -> None:
    filters = fitted(name).spatial_filters()
    assert filters.weights.shape[1] == 4
    assert np.isfinite(filters.weights).all()
    assert np.abs(filters.weights).max() > 0
    assert np.all(filters.bands[:, 0] <= filters.bands[:, 1])


@each_model
@pytest.mark.parametrize("dead", ["eeg", "bold"])
def test_dead_channels_and_regions_do_no_harm(name: str, dead: str) -> None:
    runs = make_runs(2)
    for k, run in enumerate(runs):
        eeg, bold = run.eeg.copy(), run.bold.copy()
        if dead == "eeg":
            eeg[1] = 0.0
        else:
            bold[:, 1] = 0.0
        runs[k] = replace(run, eeg=eeg, bold=bold)
    model = fit(name, runs)
    assert np.isfinite(model.predict(unseen())).all()
    assert np.isfinite(model.spatial_filters().weights).all()


@each_model
def test_one_run_is_enough_and_none_is_not(name: str) -> None:
    (run,) = make_runs(1, n_volumes=80)
    assert np.isfinite(fit(name, [run]).predict(unseen())).all()
    with pytest.raises(BadDataError, match="no volume with weight"):
        fit(name, [replace(run, weights=np.zeros(80))])
    short = replace(run, weights=(np.arange(80) < 8).astype(float))
    with pytest.raises(BadDataError, match="too few"):
        fit(name, [short])


@each_model
def test_runs_that_do_not_belong_together_are_refused(name: str) -> None:
    runs = make_runs(2)
    with pytest.raises(BadDataError, match="other channels or regions"):
        fit(name, [runs[0], make_run(np.random.default_rng(0), run=2, n_channels=5)])
    with pytest.raises(BadDataError, match="5 EEG channels"):
        fitted(name).predict(make_run(np.random.default_rng(0), n_channels=5))


@each_model
def test_an_offset_between_runs_is_not_learned(name: str) -> None:
    runs = make_runs(2)
    raised = [runs[0], replace(runs[1], bold=runs[1].bold + 50.0)]
    one, two = fit(name, runs).predict(unseen()), fit(name, raised).predict(unseen())
    one, two = one - one.mean(axis=0), two - two.mean(axis=0)
    assert np.abs(one - two).max() < 1e-3 * np.abs(one).max()


@each_preparing_model
def test_prepared_runs_change_nothing(name: str) -> None:
    runs = make_runs(3)
    model = build(name)
    assert isinstance(model, PreparingPredictor)
    prepared = [model.prepare(run) for run in runs]
    shared = model.fit(runs[:2], rng=np.random.default_rng(0), prepared=prepared[:2])
    alone = fit(name, runs[:2])
    assert same_tensors(alone, shared)
    np.testing.assert_array_equal(alone.predict(runs[2]), shared.predict(runs[2], prepared=prepared[2]))


@each_preparing_model
def test_features_are_computed_once_per_run(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = []

    def count(model: Predictor, run: AlignedRun) -> object:
        prepared.append(run)
        return prepare(model, run)

    prepare = load_model(name).prepare  # type: ignore[attr-defined]
    monkeypatch.setattr(load_model(name), "prepare", count)
    runs = make_runs(3)
    cross_validate(build(name), runs, choose_splits(runs), seed=0)
    assert len(prepared) == 3
    assert not any(run.bold.any() for run in prepared), "what is prepared must not know the BOLD"


@pytest.mark.parametrize("name", ["ridge", "smr", "efp"])
def test_regions_that_are_called_independent_are(name: str) -> None:
    """Refitted nulls fit many surrogates at once, as further regions: these must not touch each other."""
    predictor = load_model(name)()
    assert predictor.regions_are_independent  # type: ignore[attr-defined]
    runs = make_runs(2, n_volumes=80)
    noise = np.random.default_rng(5)
    more = [
        replace(
            run,
            bold=np.hstack([run.bold, noise.normal(size=(run.n_volumes, 3))]),
            region_names=(*run.region_names, "x", "y", "z"),
        )
        for run in runs
    ]
    alone, together = (predictor.fit(r, rng=np.random.default_rng(0)) for r in (runs, more))
    np.testing.assert_allclose(together.predict(runs[0])[:, :2], alone.predict(runs[0]), rtol=1e-6)
