from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from simulated_runs import smooth_noise
from simulated_voxels import make_regions, prepare

from bids_eeg2fmri.evaluation.baselines import TaskDesign
from bids_eeg2fmri.records import AlignedRun
from bids_eeg2fmri.registry import load_model
from bids_eeg2fmri.settings import BoldSettings
from bids_eeg2fmri.training.crossvalidation import cross_validate
from bids_eeg2fmri.training.fold_targets import build_fold_targets
from bids_eeg2fmri.training.splits import choose_splits

LOCALIZER = BoldSettings(localizer="contrast=task", localizer_voxels=5)


def null_voxels(seed: int, n_runs: int = 4, n_voxels: int = 240, n_volumes: int = 60) -> list[np.ndarray]:
    """Return voxels that know nothing of the task, around a mean of 1000."""
    rng = np.random.default_rng(seed)
    return [1000 + 10 * smooth_noise(rng, n_volumes, n_voxels, memory=0.3) for _ in range(n_runs)]


def held_out_r(runs: object, measured: list[AlignedRun], splits: object) -> np.ndarray:
    """Return r of the task design with the target, (n_runs, n_regions), on runs held out."""
    values = cross_validate(TaskDesign(), runs, splits, seed=0).predictions.values  # type: ignore[arg-type]
    return np.array(
        [
            [np.corrcoef(p, m)[0, 1] for p, m in zip(predicted.T, run.bold.T, strict=True)]
            for predicted, run in zip(values, measured, strict=True)
        ]
    )


def test_voxels_chosen_on_all_runs_bias_null_data_and_those_of_the_folds_do_not() -> None:
    labels = make_regions(n_regions=6, n_voxels=40)
    biased, honest = [], []
    for seed in range(3):
        runs, targets = prepare(null_voxels(seed), labels, LOCALIZER)
        splits = choose_splits([run.aligned for run in runs])
        built = build_fold_targets(runs, splits, targets)
        biased.append(held_out_r(list(built.final), list(built.final), splits))
        measured = [run.aligned for run in built.measured]
        honest.append(held_out_r(built.data.runs_for, measured, splits))
        assert set(built.overlap) == set(labels.names)
        # Voxels chosen from noise have little in common: 5 of 40, but two folds share two of three runs.
        assert 0.05 < np.mean(list(built.overlap.values())) < 0.8
    assert np.mean(biased) > 0.15
    assert abs(np.mean(honest)) < 0.05


def test_the_localiser_finds_the_voxels_that_respond() -> None:
    labels = make_regions(n_regions=2, n_voxels=40)
    voxels = null_voxels(0, n_voxels=80)
    blocks = (np.arange(60) // 10 % 2).astype(float)
    for run in voxels:
        run[:, [3, 4, 5, 6, 7, 50, 51, 52, 53, 54]] += 40 * blocks[:, None]
    runs, targets = prepare(voxels, labels, LOCALIZER)
    built = build_fold_targets(runs, choose_splits([run.aligned for run in runs]), targets)
    assert built.overlap == {"r0": 1.0, "r1": 1.0}
    painted = built.measured[0].regions.labels.ravel()
    assert np.flatnonzero(painted == 1).tolist() == [3, 4, 5, 6, 7]
    assert np.flatnonzero(painted == 2).tolist() == [50, 51, 52, 53, 54]


@pytest.mark.parametrize(
    "settings",
    [LOCALIZER, BoldSettings(summary="pc1"), BoldSettings(summary="pc1", localizer="contrast=task")],
    ids=["localiser", "component", "both"],
)
@pytest.mark.parametrize("scheme", ["run", "block"])
def test_bold_of_the_test_changes_neither_targets_nor_model(settings: BoldSettings, scheme: str) -> None:
    labels = make_regions(n_regions=2, n_voxels=20)
    voxels = null_voxels(1, n_runs=2, n_voxels=40, n_volumes=100)
    runs, targets = prepare(voxels, labels, settings, n_regressors=3)
    splits = choose_splits([run.aligned for run in runs], scheme=scheme)
    split = splits[-1]
    corrupted = [
        one + 300 * np.random.default_rng(5).normal(size=one.shape) * test[:, None]
        for one, test in zip(voxels, split.test, strict=True)
    ]
    other_runs, other_targets = prepare(corrupted, labels, settings, n_regressors=3)
    first = build_fold_targets(runs, splits, targets)
    second = build_fold_targets(other_runs, splits, other_targets)
    for one, two, learn, test in zip(
        first.data.runs_for(split), second.data.runs_for(split), split.train, split.test, strict=True
    ):
        np.testing.assert_array_equal(one.bold[learn > 0], two.bold[learn > 0])
        if test.any():
            assert np.abs(one.bold - two.bold)[test > 0].max() > 1
    ridge = load_model("ridge")()
    models = [
        cross_validate(ridge, f.data.runs_for, [split], seed=0).fitted[0].tensors() for f in (first, second)
    ]
    for name, tensor in models[0].items():
        np.testing.assert_array_equal(tensor, models[1][name])


def test_confounds_of_blocks_are_fitted_on_training_volumes_alone() -> None:
    labels, settings = make_regions(n_regions=2, n_voxels=10), BoldSettings()
    runs, targets = prepare(null_voxels(2, 1, 20, 100), labels, settings, n_regressors=4)
    splits = choose_splits([run.aligned for run in runs], scheme="block")
    built = build_fold_targets(runs, splits, targets)
    for split in splits:
        (run,) = built.data.runs_for(split)
        learned = split.train[0] > 0
        regressors = targets.runs[0].signals.regressors[learned]
        regressors = regressors - regressors.mean(axis=0)
        assert run.bold[learned].mean(axis=0) == pytest.approx(0, abs=1e-9)
        assert np.abs(regressors.T @ run.bold[learned]).max() < 1e-6
        # What is tested is the run as it is cleaned as a whole.
        tested = split.test[0] > 0
        np.testing.assert_allclose(run.bold[tested], runs[0].regions.data[tested])
        np.testing.assert_array_equal(built.measured[0].aligned.bold[tested], run.bold[tested])


def test_targets_that_are_not_learned_are_the_same_in_all_folds() -> None:
    labels, settings = make_regions(n_regions=2, n_voxels=10), BoldSettings()
    runs, targets = prepare(null_voxels(3, 2, 20), labels, settings, n_regressors=2)
    splits = choose_splits([run.aligned for run in runs])
    built = build_fold_targets(runs, splits, targets)
    assert built.overlap == {}
    for split in splits:
        for run, whole, before in zip(built.data.runs_for(split), built.final, runs, strict=True):
            assert run is whole
            np.testing.assert_array_equal(run.bold, before.aligned.bold)


def test_a_separate_localiser_fixes_the_voxels_of_all_folds() -> None:
    labels = make_regions(n_regions=2, n_voxels=20)
    settings = replace(LOCALIZER, localizer="task=motorloc,contrast=task")
    voxels = null_voxels(4, n_runs=3, n_voxels=40)
    voxels[2][:, [1, 2, 3, 4, 5]] += 60 * (np.arange(60) // 10 % 2)[:, None]
    runs, targets = prepare(voxels, labels, settings)
    apart = replace(targets, runs=targets.runs[:2], separate=targets.runs[2:])
    splits = choose_splits([run.aligned for run in runs[:2]])
    built = build_fold_targets(runs[:2], splits, apart)
    assert np.flatnonzero(built.measured[0].regions.labels.ravel() == 1).tolist() == [1, 2, 3, 4, 5]
    assert not apart.are_learned
