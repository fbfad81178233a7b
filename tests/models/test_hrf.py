import numpy as np
import pytest
from scipy.stats import gamma

from bids_eeg2fmri.models.hrf import BASIS_NAMES, convolve_at, double_gamma, hrf_basis


def test_double_gamma_is_spms() -> None:
    times = np.arange(0, 32, 0.1)
    np.testing.assert_allclose(
        double_gamma(times), gamma.pdf(times, 6) - gamma.pdf(times, 16) / 6, atol=1e-12
    )
    assert times[np.argmax(double_gamma(times))] == pytest.approx(5.0)
    assert not np.any(double_gamma(np.array([-3.0, -0.1, 0.0])))


def test_basis_says_later_and_wider() -> None:
    basis = hrf_basis(0.1)
    assert basis.shape == (len(BASIS_NAMES), 320)
    assert basis[0].sum() == pytest.approx(1)
    np.testing.assert_allclose(np.linalg.norm(basis, axis=1), np.linalg.norm(basis[0]))
    # The canonical response less a part of its derivative peaks later.
    assert np.argmax(basis[0] - 0.4 * basis[1]) > np.argmax(basis[0]) > np.argmax(basis[0] + 0.4 * basis[1])
    np.testing.assert_array_equal(hrf_basis(0.1, names=("derivative",))[0], basis[1])


def test_convolution_is_the_causal_one_where_the_past_is_known() -> None:
    rng = np.random.default_rng(0)
    features, basis = rng.standard_normal((200, 3)), rng.standard_normal((2, 30))
    frames = np.array([29, 60, 199])
    found = convolve_at(features, frames, basis, prior_frames=5)
    for b in range(2):
        for f in range(3):
            np.testing.assert_allclose(
                found[:, b, f], np.convolve(features[:, f], basis[b])[frames], atol=1e-12
            )


def test_a_constant_has_no_transient_and_the_unseen_is_0() -> None:
    basis = np.array([[0.5, 0.3, 0.2, 0.1]])
    found = convolve_at(np.full((50, 1), 3.0), np.array([-1, 0, 1, 2, 49]), basis, prior_frames=0)
    np.testing.assert_allclose(found[:, 0, 0], [0, 3.3, 3.3, 3.3, 3.3])
    # With imagined frames of 0 the past is drawn to 0: after one frame half of it.
    found = convolve_at(np.full((50, 1), 3.0), np.array([0, 49]), basis, prior_frames=1)
    np.testing.assert_allclose(found[:, 0, 0], [0.5 * 3 + 0.6 * 1.5, 3.3])


def test_no_frames_at_all() -> None:
    assert not np.any(convolve_at(np.zeros((0, 4)), np.array([-1, -1]), np.ones((2, 5)), prior_frames=3))
