import numpy as np

from bids_eeg2fmri.models.packed_covariance import pack_covariances, pack_products, unpack_covariances

RNG = np.random.default_rng(0)
X = RNG.standard_normal((3, 2, 5, 20))
COVARIANCES = (X @ X.swapaxes(2, 3)).astype(np.float32)


def test_unpacking_gives_back_what_was_packed() -> None:
    packed = pack_covariances(COVARIANCES)
    assert packed.shape == (3, 2, 15)
    assert packed.dtype == np.float32
    np.testing.assert_array_equal(unpack_covariances(packed, 5), COVARIANCES)


def test_power_is_the_scalar_product_of_what_is_packed() -> None:
    weights = RNG.standard_normal((4, 5))
    power = pack_covariances(COVARIANCES) @ pack_products(weights).T
    np.testing.assert_allclose(
        power, np.einsum("kc,...cd,kd->...k", weights, COVARIANCES, weights), rtol=1e-5
    )
