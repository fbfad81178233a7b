from __future__ import annotations

import numpy as np
import pytest
from simulated_runs import smooth_noise
from simulated_voxels import make_regions, prepare

from bids_eeg2fmri.bold.background import place_background
from bids_eeg2fmri.bold.differences import difference_weights, split_difference
from bids_eeg2fmri.bold.grid import Grid
from bids_eeg2fmri.errors import BadDataError, UsageError
from bids_eeg2fmri.settings import BoldSettings


def made(settings: BoldSettings, *, n_background: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return targets of a run in which half of r0's voxels carry a signal, the signal, and the voxels."""
    rng = np.random.default_rng(0)
    signal = smooth_noise(rng, 80, 1)[:, 0]
    signal -= signal.mean()
    voxels = 1000 + 4 * rng.normal(size=(80, 40 + n_background))
    voxels[:, :10] += 20 * signal[:, None]
    labels = make_regions(2, 20, background=n_background)
    _, targets = prepare([voxels], labels, settings)
    (series,) = targets.series()
    assert series.region_names == ("r0", "r1", *settings.contrasts)
    assert series.differences == tuple(settings.contrasts)
    return series.data, signal, voxels


def test_component_is_nearer_to_what_voxels_share_than_their_mean() -> None:
    mean, signal, _ = made(BoldSettings())
    component, _, _ = made(BoldSettings(summary="pc1"))
    r_mean, r_component = (np.corrcoef(data[:, 0], signal)[0, 1] for data in (mean, component))
    assert r_component > r_mean > 0.9  # the sign is that of the mean
    # In percent: the ten voxels that carry the signal vary by 2 % of it.
    slope = np.polyfit(signal, component[:, 0], 1)[0]
    assert 1.5 < slope < 2.0


def test_weights_of_a_component_are_those_of_all_runs_learned_from() -> None:
    rng = np.random.default_rng(1)
    voxels = [1000 + 5 * rng.normal(size=(60, 20)) for _ in range(2)]
    voxels[0][:, :10] += 40 * smooth_noise(rng, 60, 1)
    voxels[1][:, 10:] += 40 * smooth_noise(rng, 60, 1)
    _, targets = prepare(voxels, make_regions(1, 20), BoldSettings(summary="pc1"))
    for learned, own in ((0, slice(0, 10)), (1, slice(10, 20))):
        learn = [np.full(60, float(k == learned)) for k in range(2)]
        for series, one in zip(targets.series(learn), voxels, strict=True):
            change = 100 * (one[:, own] / one[:, own].mean(axis=0) - 1)
            assert np.corrcoef(series.data[:, 0], change.mean(axis=1))[0, 1] > 0.9


def test_differences_of_regions_and_from_the_background() -> None:
    settings = BoldSettings(contrasts={"diff": "r0 - r1", "above": "r0-background"})
    data, _, voxels = made(settings, n_background=30)
    slab = voxels[:, 40:].mean(axis=1)
    slab = 100 * (slab / slab.mean() - 1)
    assert data.shape == (80, 4)
    np.testing.assert_allclose(data[:, 2], data[:, 0] - data[:, 1])
    np.testing.assert_allclose(data[:, 3], data[:, 0] - slab, atol=1e-4)


@pytest.mark.parametrize(
    ("contrasts", "words"),
    [
        ({"d": "M1_L - M1_X"}, "'M1_X' is none of M1_L, M1_R.*Did you mean"),
        ({"M1_L": "M1_L - M1_R"}, "is a region already"),
        ({"d": "M1_L"}, "a region minus another"),
        ({"d": "background - M1_L"}, "minus another|none of"),
    ],
)
def test_differences_that_mean_nothing_are_refused(contrasts: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        difference_weights(contrasts, ("M1_L", "M1_R"), has_background=False)


def test_names_with_hyphens_are_told_from_differences() -> None:
    known = ("pre-SMA", "SMA", "left-hand")
    assert split_difference("pre-SMA-SMA", known, kind="regions") == ("pre-SMA", "SMA")
    assert split_difference("left-hand - pre-SMA", known, kind="regions") == ("left-hand", "pre-SMA")
    assert split_difference("pre-SMA", known, kind="regions") == ("pre-SMA", "")


def test_background_lies_in_its_slab_away_from_the_regions() -> None:
    shape = (20, 20, 20)
    grid = Grid(shape=shape, affine=np.diag([5.0, 5, 5, 1]), mask=np.ones(shape, dtype=bool))
    is_region = np.zeros(shape, dtype=bool)
    is_region[2, 2, 4] = True
    background, words = place_background(is_region, grid, (10.0, 20.0))
    assert set(np.unique(np.nonzero(background)[2])) == {2, 3, 4}
    assert not background[5, 2, 4]
    assert background[6, 2, 4]
    assert f"{background.sum()} brain voxels" in words
    with pytest.raises(BadDataError, match=r"bold\.background"):
        place_background(is_region, grid, (200.0, 210.0))
