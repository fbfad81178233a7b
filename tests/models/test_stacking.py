import numpy as np

from bids_eeg2fmri.models.stacking import stacking_weights


def views(rng: np.random.Generator, n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Return three views of three regions: view 0 knows region 0, view 1 region 1; nobody region 2."""
    y = rng.normal(size=(n, 3))
    x = 0.3 * rng.normal(size=(n, 3, 3))
    for k in range(2):
        x[:, k, k] = 2.0 * (y[:, k] + 0.2 * rng.normal(size=n))
    return x, y


def test_each_region_takes_the_view_that_knows_it_at_its_size() -> None:
    x, y = views(np.random.default_rng(0))
    weights = stacking_weights(x, y, sharing=0.0)
    assert weights.shape == (3, 3)
    assert np.all(weights >= 0)
    np.testing.assert_allclose(np.diag(weights)[:2], 0.5, atol=0.05)
    assert weights[:, 2].max() < 0.3
    assert weights[1, 0] < 0.2


def test_sharing_draws_regions_together() -> None:
    x, y = views(np.random.default_rng(0))
    spread = [stacking_weights(x, y, sharing=s).std(axis=1).sum() for s in (0.0, 1.0, 1e6)]
    assert spread[0] > spread[1] > spread[2]
    assert spread[2] < 1e-4


def test_what_contradicts_counts_nothing_and_silence_is_no_error() -> None:
    x, y = views(np.random.default_rng(0))
    assert not stacking_weights(-2 * y[:, None].repeat(2, axis=1), y, sharing=0.1).any()
    assert not stacking_weights(np.zeros_like(x), y, sharing=0.1).any()
