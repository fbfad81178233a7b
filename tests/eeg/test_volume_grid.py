from __future__ import annotations

import numpy as np
import pytest

from bids_eeg2fmri.eeg.volume_grid import VolumeGrid


def periodic(times: np.ndarray, period: float) -> np.ndarray:
    """A sum of harmonics of the period up to 60 Hz, two channels."""
    rng = np.random.default_rng(0)
    harmonics = np.arange(1, int(60 * period))
    phases = rng.uniform(0, 6, (2, len(harmonics), 1))
    waves = np.sin(2 * np.pi * harmonics[:, None] / period * times + phases)
    return waves.sum(axis=1).T.astype(np.float32)


@pytest.mark.parametrize("period", [1.0, 1.26, 0.735, 1.2345678])
@pytest.mark.parametrize("begin", [2.0, 2.0013])
def test_what_repeats_is_the_same_in_all_volumes_and_is_subtracted_whole(period, begin):
    n_times = int(250 * (4 + 20 * period))
    onsets = begin + period * np.arange(20)
    data = periodic(np.arange(n_times) / 250, period)
    grid = VolumeGrid(onsets=onsets, period=period, sfreq=250.0)
    volumes = grid.cut(data)
    assert volumes.shape == (20, round(250 * period), 2)
    assert np.abs(volumes - volumes.mean(axis=0)).max() < 0.02 * data.std()
    rest = data.copy()
    grid.subtract(rest, np.broadcast_to(volumes.mean(axis=0), volumes.shape).copy())
    moments = np.arange(n_times) / 250
    inside = (moments > begin + 0.01) & (moments < begin + 20 * period - 0.01)
    assert np.abs(rest[inside]).max() < 0.03 * data.std()
    outside = (moments < begin - 0.01) | (moments > begin + 20 * period + 0.01)
    np.testing.assert_array_equal(rest[outside], data[outside])


def test_a_gap_belongs_to_no_volume():
    grid = VolumeGrid(onsets=np.array([1.0, 2.0, 5.0]), period=1.0, sfreq=100.0)
    moments, volume = grid.members(1000)
    assert set(moments) == {*range(100, 300), *range(500, 600)}
    assert list(np.bincount(volume)) == [100, 100, 100]


@pytest.mark.parametrize("first", [12.0, 12.0004, 12.0038])
@pytest.mark.parametrize("error", [-1e-7, 0.0, 1e-7])
def test_a_volume_is_the_same_whichever_volume_the_grid_begins_at(first, error):
    period = 2.0 + error
    data = np.random.default_rng(1).normal(size=(250 * 60, 2)).astype(np.float32)
    grid = VolumeGrid(onsets=first + period * np.arange(20), period=period, sfreq=250.0)
    longer = VolumeGrid(onsets=first + period * np.arange(-5, 20), period=period, sfreq=250.0)
    np.testing.assert_array_equal(grid.cut(data), longer.cut(data)[5:])
