import numpy as np
import pytest

from bids_eeg2fmri.models.joint_diagonalisation import diagonalise_jointly, whitening_filters


@pytest.mark.parametrize("n", [2, 5, 12])
def test_finds_the_mixing_of_sources_whose_power_changes(n: int) -> None:
    rng = np.random.default_rng(n)
    mixing = rng.normal(size=(n, n)) + 2 * np.eye(n)
    powers = np.exp(rng.normal(size=(200, n)))
    matrices = np.einsum("ij,kj,lj->kil", mixing, powers, mixing)
    whitening = whitening_filters(matrices.mean(axis=0), n_components=n)
    filters = diagonalise_jointly(whitening @ matrices @ whitening.T) @ whitening
    product = np.abs(filters @ mixing)
    product /= product.max(axis=1, keepdims=True)
    # Every filter passes one source and (almost) nothing of the others.
    assert sorted(product.argmax(axis=1)) == list(range(n))
    assert np.sort(product, axis=1)[:, -2].max() < 0.02


def test_filters_have_unit_power_and_a_sign() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 4, 30))
    matrices = x @ x.swapaxes(1, 2)
    filters = diagonalise_jointly(matrices)
    powers = np.einsum("in,knm,im->ki", filters, matrices, filters)
    np.testing.assert_allclose(powers.mean(axis=0), 1.0)
    assert np.all(filters[np.arange(4), np.abs(filters).argmax(axis=1)] > 0)


def test_powers_that_change_alike_are_left_alone() -> None:
    matrices = np.exp(np.random.default_rng(0).normal(size=20))[:, None, None] * np.eye(3)
    assert np.isfinite(diagonalise_jointly(matrices)).all()


def test_dead_directions_are_dropped() -> None:
    covariance = np.diag([4.0, 0.0, 1.0, 1e-9])
    filters = whitening_filters(covariance, n_components=3)
    np.testing.assert_allclose(np.abs(filters), [[0.5, 0, 0, 0], [0, 0, 1.0, 0]], atol=1e-12)
    assert np.isfinite(whitening_filters(np.zeros((3, 3)), n_components=2)).all()
