from dataclasses import replace

import numpy as np
import pytest
from simulated_runs import make_runs
from sklearn.linear_model import Ridge as SklearnRidge

from bids_eeg2fmri.errors import UsageError
from bids_eeg2fmri.models.ridge import Ridge
from bids_eeg2fmri.models.ridge_solver import solve_ridge


@pytest.mark.parametrize("n_features", [20, 200])
def test_solution_is_that_of_scikit_learn(n_features: int) -> None:
    rng = np.random.default_rng(0)
    x = [rng.standard_normal((40, n_features)) + k for k in range(3)]
    y = [v[:, :2] @ [[1.0, 0.0], [0.0, 0.02]] + rng.standard_normal((40, 2)) + 9 * k for k, v in enumerate(x)]
    masks = [rng.random(40) > 0.1 for _ in range(3)]
    nothing = np.zeros(40, dtype=bool)
    folds = [
        (
            [nothing if j == i else m for j, m in enumerate(masks)],
            [m if j == i else nothing for j, m in enumerate(masks)],
        )
        for i in range(3)
    ]
    penalties = np.array([0.01, 1.0, 100.0])
    weights, chosen = solve_ridge(x, y, masks, folds=folds, penalties=penalties)

    def centred(arrays: list[np.ndarray], kept: list[np.ndarray]) -> np.ndarray:
        return np.concatenate(
            [a[m] - a[m].mean(axis=0) for a, m in zip(arrays, kept, strict=True) if m.any()]
        )

    def model(features: np.ndarray, penalty: float) -> SklearnRidge:
        unit = np.trace(features @ features.T) / len(features)
        return SklearnRidge(alpha=penalty * unit, fit_intercept=False)

    errors = np.zeros((3, 2))
    for train, validation in folds:
        a, b = centred(x, train), centred(y, train)
        for k, penalty in enumerate(penalties):
            estimate = model(a, penalty).fit(a, b).predict(centred(x, validation))
            errors[k] += np.square(estimate - centred(y, validation)).sum(axis=0)
    np.testing.assert_array_equal(chosen, penalties[errors.argmin(axis=0)])
    assert chosen[0] < chosen[1]  # the coupled region wants less shrinkage than the other
    a, b = centred(x, masks), centred(y, masks)
    for region in range(2):
        expected = model(a, chosen[region]).fit(a, b[:, region]).coef_
        np.testing.assert_allclose(weights[:, region], expected, rtol=1e-6, atol=1e-9)


def test_features_that_are_all_0_get_no_weight() -> None:
    zeros, y = [np.zeros((9, 3))] * 2, [np.arange(9.0)[:, None]] * 2
    full, none = np.ones(9, dtype=bool), np.zeros(9, dtype=bool)
    folds = [([full, none], [none, full]), ([none, full], [full, none])]
    weights, _ = solve_ridge(zeros, y, [full, full], folds=folds, penalties=np.array([1.0, 10.0]))
    np.testing.assert_array_equal(weights, 0.0)


def test_filters_name_region_and_band_and_show_the_source() -> None:
    runs = make_runs(3, n_volumes=120, coupling=2.0)
    filters = Ridge().fit(runs, rng=np.random.default_rng(0)).spatial_filters()
    assert filters.domain == "power"
    assert filters.names[:2] == ("r0 theta", "r0 alpha")
    assert len(filters.names) == 2 * 5
    for region in range(2):
        weights = filters.weights[5 * region : 5 * region + 5]
        assert np.abs(weights).sum(axis=0).argmax() == 0  # the first channel
        assert weights[1, 0] < 0  # more power, less BOLD
    np.testing.assert_array_equal(filters.bands[6], [8, 12])


def test_filters_are_the_response_to_a_lasting_change() -> None:
    runs = make_runs(2, n_volumes=120)
    model = Ridge(frame_rate=5.0).fit(runs, rng=np.random.default_rng(0))
    louder = runs[0].eeg.copy()
    louder[2] *= np.float32(np.exp(0.5))  # power of channel 2 a factor e higher throughout
    change = model.predict(replace(runs[0], eeg=louder)) - model.predict(runs[0])
    filters = model.spatial_filters().weights.reshape(2, 5, 4)
    np.testing.assert_allclose(change[-1], filters[:, :, 2].sum(axis=1), rtol=0.05, atol=2e-3)


def test_a_run_of_another_level_has_no_transient() -> None:
    runs = make_runs(2, n_volumes=120)
    model = Ridge().fit(runs, rng=np.random.default_rng(0))
    louder = model.predict(replace(runs[0], eeg=3 * runs[0].eeg)) - model.predict(runs[0])
    later = louder[40:].mean(axis=0)
    assert np.abs(louder[15:] - later).max() < 0.25 * np.abs(later).max()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"bands": {"x": (12.0, 8.0)}}, "band 'x'"),
        ({"bands": {}}, "bands is empty"),
        ({"basis": ("fir",)}, "canonical, derivative, dispersion"),
        ({"smoothing": 0.0}, "above 0"),
        ({"penalties": (1.0, -1.0)}, "penalties"),
    ],
)
def test_settings_are_checked(options: dict, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Ridge(**options)
