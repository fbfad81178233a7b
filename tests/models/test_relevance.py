import numpy as np
from scipy.signal import lfilter

from bids_eeg2fmri.models.relevance import TrainingSet, fit_relevance, follows_previous


def make_data(rng: np.random.Generator, n: int = 500, n_noise: int = 36) -> tuple[TrainingSet, np.ndarray]:
    """Return 10 + n_noise components x 2 bands, of which two components matter, in autocorrelated noise."""
    n_features = 2 * (4 + n_noise)
    x = rng.normal(size=(n, n_features))
    weights = np.zeros((n_features, 3))
    weights[:4] = rng.choice([-1.0, 1.0], size=(4, 3))
    noise = lfilter([1], [1, -0.7], rng.normal(size=(n, 3)), axis=0) * 2
    follows = np.arange(n) % 100 > 0
    return TrainingSet(x=x, y=x @ weights + noise, follows=follows), weights


def test_finds_the_few_features_that_matter() -> None:
    data, weights = make_data(np.random.default_rng(0))
    found = fit_relevance(data, n_bands=2, structure=0.5)
    plain = np.linalg.lstsq(data.x, data.y, rcond=None)[0]
    assert np.square(found - weights).sum() < 0.25 * np.square(plain - weights).sum()
    assert np.abs(found[4:]).max() < 0.5 * np.abs(found[:4]).min()


def test_structure_helps_where_components_matter_as_a_whole() -> None:
    errors = {0.0: 0.0, 0.9: 0.0}
    for seed in range(4):
        data, weights = make_data(np.random.default_rng(seed), n=150)
        for structure in errors:
            errors[structure] += np.square(
                fit_relevance(data, n_bands=2, structure=structure) - weights
            ).sum()
    assert errors[0.9] < errors[0.0]


def test_nothing_to_learn_gives_little_and_no_features_nothing() -> None:
    rng = np.random.default_rng(1)
    data, _ = make_data(rng)
    noise = TrainingSet(x=data.x, y=rng.normal(size=(500, 3)), follows=data.follows)
    fitted = data.x @ fit_relevance(noise, n_bands=2, structure=0.9)
    assert fitted.var() < 0.15
    dead = TrainingSet(x=np.zeros((500, 4)), y=data.y, follows=data.follows)
    assert not fit_relevance(dead, n_bands=2, structure=0.9).any()


def test_a_region_without_signal_harms_nobody() -> None:
    data, weights = make_data(np.random.default_rng(2))
    y = data.y.copy()
    y[:, 1] = 0.0
    found = fit_relevance(TrainingSet(x=data.x, y=y, follows=data.follows), n_bands=2, structure=0.9)
    assert np.isfinite(found).all()
    assert not found[:, 1].any()
    assert np.corrcoef(found[:4, 0], weights[:4, 0])[0, 1] > 0.9


def test_rows_follow_each_other_within_runs_only() -> None:
    masks = [np.array([True, True, False, True]), np.array([True, True])]
    assert follows_previous(masks).tolist() == [False, True, False, False, True]
