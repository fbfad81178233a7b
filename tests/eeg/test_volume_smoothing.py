from __future__ import annotations

import numpy as np

from bids_eeg2fmri.eeg.volume_smoothing import find_outliers, make_smoothers, smooth_volumes

N_VOLUMES, N_BINS = 80, 50


def wave(harmonic: int) -> np.ndarray:
    return np.sin(2 * np.pi * harmonic * np.arange(N_BINS) / N_BINS)


def noise(seed: int = 0, n_channels: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, (N_VOLUMES, N_BINS, n_channels)).astype(np.float32)


def smoothers(stretches=(), excluded=None):
    excluded = np.zeros(N_VOLUMES, bool) if excluded is None else excluded
    return make_smoothers(N_VOLUMES, window=20, stretches=stretches, excluded=excluded)


def test_windows_are_full_at_the_edges_and_stay_within_their_stretch():
    by_name = {s.name: s.matrix for s in smoothers([30, 33])}
    assert set(by_name) == {"10", "20", "40", "stretch", "all"}
    for matrix in by_name.values():
        np.testing.assert_allclose(matrix.sum(axis=1), 1, rtol=1e-5)
    assert np.count_nonzero(by_name["20"][0]) == np.count_nonzero(by_name["20"][50]) == 20
    assert list(np.flatnonzero(by_name["20"][29])) == list(range(10, 30))
    assert list(np.flatnonzero(by_name["stretch"][31])) == list(range(30, 80))  # 3 volumes are no stretch
    assert np.all(by_name["all"] > 0)


def test_excluded_volumes_are_in_no_template():
    excluded = np.zeros(N_VOLUMES, bool)
    excluded[[5, 6, 40]] = True
    for smoother in smoothers(excluded=excluded):
        assert np.all(smoother.matrix[:, excluded] == 0)
        np.testing.assert_allclose(smoother.matrix.sum(axis=1), 1, rtol=1e-5)


def test_each_harmonic_has_the_window_that_suits_it():
    course = np.cumsum(np.random.default_rng(1).normal(0, 3, N_VOLUMES))
    volumes = noise()
    changing = np.multiply.outer(course, wave(7))
    steady = 30 * wave(12)
    volumes[:, :, 0] += changing + steady
    templates, shares = smooth_volumes(volumes, smoothers(), np.zeros(N_VOLUMES, bool))
    rest = np.fft.rfft(volumes[:, :, 0] - templates[:, :, 0], axis=1)
    before = np.fft.rfft(volumes[:, :, 0], axis=1)
    assert np.mean(np.abs(rest[:, 7]) ** 2) < 0.15 * np.mean(np.abs(before[:, 7]) ** 2)
    # Of what does not change, the mean over all volumes is taken: little of the noise goes with it.
    gone = np.fft.rfft(templates[:, :, 0] - steady, axis=1)
    assert np.mean(np.abs(gone[:, 12]) ** 2) < 3 / N_VOLUMES * N_BINS
    assert shares["all"] > 0.8
    np.testing.assert_allclose(templates.mean(axis=1), 0, atol=1e-4)


def test_bursts_are_found_and_a_step_is_none():
    volumes = noise()
    volumes[[20, 50]] *= 30
    assert list(np.flatnonzero(find_outliers(volumes, window=20))) == [20, 50]
    volumes = noise()
    volumes[40:] += (5 * wave(9))[:, None].astype(np.float32)
    assert not find_outliers(volumes, window=20).any()
