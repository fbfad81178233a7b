from collections.abc import Iterator

import numpy as np
import pytest
from simulated_runs import make_runs
from sklearn.linear_model import Lasso

from bids_eeg2fmri.errors import UsageError
from bids_eeg2fmri.models import sparse_group_lasso
from bids_eeg2fmri.models.sgl import Sgl, _choose
from bids_eeg2fmri.models.sparse_group_lasso import largest_penalty
from bids_eeg2fmri.models.sparse_group_lasso import solve_path as iterate_path

SHARES = np.array([1.0001, 0.5, 0.1])


@pytest.fixture
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sparse_group_lasso, "TOLERANCE", 1e-9)
    monkeypatch.setattr(sparse_group_lasso, "PRECISION", np.float64)
    monkeypatch.setattr(sparse_group_lasso, "SLACK", 0.0)
    monkeypatch.setattr(sparse_group_lasso, "MAX_ITERATIONS", 5000)


def solve_path(x: np.ndarray, y: np.ndarray, **options: object) -> np.ndarray:
    return np.stack(list(iterate_path(x, y, **options)))  # type: ignore[arg-type]


def data(n_rows: int = 60, n_groups: int = 8, size: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Return features and two targets that rest on the second and third group."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n_rows, n_groups * size))
    y = np.stack([x[:, 5:10] @ np.ones(5), 3 * x[:, 10:15] @ np.ones(5)], axis=1)
    y += 0.5 * rng.standard_normal(y.shape)
    return x - x.mean(axis=0), y - y.mean(axis=0)


@pytest.mark.usefixtures("exact")
@pytest.mark.parametrize("n_rows", [60, 30])
def test_without_groups_it_is_the_lasso_of_scikit_learn(n_rows: int) -> None:
    x, y = data(n_rows)
    path = solve_path(x, y, n_groups=8, sparsity=1.0, shares=SHARES)
    for region in range(2):
        largest = np.abs(x.T @ y[:, region]).max() / n_rows
        for k, share in enumerate(SHARES):
            lasso = Lasso(alpha=share * largest, fit_intercept=False, tol=1e-10, max_iter=100_000)
            np.testing.assert_allclose(path[k, :, region], lasso.fit(x, y[:, region]).coef_, atol=1e-5)


@pytest.mark.usefixtures("exact")
@pytest.mark.parametrize("sparsity", [0.0, 0.3])
def test_solutions_meet_the_conditions_of_the_optimum(sparsity: float) -> None:
    """The gradient balances the penalty in groups that are used and does not exceed it in the others."""
    x, y = data()
    largest = largest_penalty(x.T @ y / len(x), n_groups=8, sparsity=sparsity)
    path = solve_path(x, y, n_groups=8, sparsity=sparsity, shares=SHARES)
    assert not path[0].any()
    for k, share in enumerate(SHARES):
        pull = (x.T @ (y - x @ path[k]) / len(x)).reshape(8, 5, 2)
        w = path[k].reshape(8, 5, 2)
        norms = np.linalg.norm(w, axis=1)
        for g, r in np.ndindex(8, 2):
            single, group = sparsity * share * largest[r], (1 - sparsity) * np.sqrt(5) * share * largest[r]
            rest = np.sign(pull[g, :, r]) * np.maximum(np.abs(pull[g, :, r]) - single, 0)
            if norms[g, r] == 0:
                assert np.linalg.norm(rest) <= group * (1 + 1e-4)
            else:
                used = w[g, :, r] != 0
                np.testing.assert_allclose(
                    rest[used], group * w[g, used, r] / norms[g, r], atol=1e-4 * largest[r]
                )
    used = np.linalg.norm(path[1].reshape(8, 5, 2), axis=1) > 0
    np.testing.assert_array_equal(np.flatnonzero(used[:, 0]), [1])
    np.testing.assert_array_equal(np.flatnonzero(used[:, 1]), [2])


def test_the_default_tolerance_is_enough() -> None:
    x, y = data()
    options = {"n_groups": 8, "sparsity": 0.2, "shares": np.array([0.5, 0.2, 0.05])}
    quick = solve_path(x, y, **options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sparse_group_lasso, "TOLERANCE", 1e-10)
        patch.setattr(sparse_group_lasso, "MAX_ITERATIONS", 5000)
        slow = solve_path(x, y, **options)
    np.testing.assert_allclose(quick, slow, atol=0.01 * np.abs(slow).max())


def test_the_source_alone_is_found() -> None:
    runs = make_runs(3, n_volumes=120, coupling=2.0)
    model = Sgl(penalties=(0.5,)).fit(runs, rng=np.random.default_rng(0))
    filters = model.spatial_filters()
    weights = filters.weights.reshape(2, 5, 4)
    assert np.all(weights[:, 1, 0] < 0)  # the first channel at 8-12 Hz: more power, less BOLD
    assert np.count_nonzero(weights) <= 4
    np.testing.assert_array_equal(np.abs(weights).reshape(2, -1).argmax(axis=1), 4)


def test_the_end_of_a_useless_path_is_not_walked() -> None:
    x, y = np.eye(2), np.eye(2)

    def path(goodness: list[float]) -> Iterator[np.ndarray]:
        for value in goodness:
            walked.append(value)
            yield value * np.eye(2)

    walked: list[float] = []
    np.testing.assert_array_equal(_choose([path([0.1, 0.9, 0.2, 0.1, 1.0])], [(x, y)], n_shares=5), 1)
    assert walked == [0.1, 0.9, 0.2, 0.1]
    np.testing.assert_array_equal(_choose([path([0.1, 0.5, 0.4, 0.9, 0.8])], [(x, y)], n_shares=5), 3)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"bands": {"x": (0.0, 8.0)}}, "sgl: band 'x'"),
        ({"spacing": 20.0}, "must not be longer"),
        ({"penalties": (1.5,)}, "shares below 1"),
        ({"sparsity": 1.1}, "from 0 to 1"),
    ],
)
def test_settings_are_checked(options: dict, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Sgl(**options)
