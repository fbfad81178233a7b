from __future__ import annotations

import numpy as np

from bids_eeg2fmri.eeg.bursts import clip_bursts
from bids_eeg2fmri.eeg.spread import robust_spread


def test_a_burst_is_clipped_and_its_samples_weigh_less() -> None:
    data = np.random.default_rng(0).normal(0, 10, (4, 20_000)).astype(np.float32)
    data[2, 5000:5100] = 800
    clipped, weights, share = clip_bursts(data, 8.0)
    assert abs(clipped[2, 5050] - 80) < 4
    np.testing.assert_allclose(weights[5000:5100], (3 + 0.1) / 4, atol=0.005)
    assert np.all(np.delete(weights, np.arange(5000, 5100)) == 1)
    assert share == 100 / data.size
    others = np.ones(20_000, dtype=bool)
    others[5000:5100] = False
    np.testing.assert_array_equal(clipped[:, others], data[:, others])


def test_zero_switches_it_off() -> None:
    data = np.array([[0.0, 1e6, 0, 0]], dtype=np.float32)
    clipped, weights, share = clip_bursts(data, 0)
    assert clipped is data
    assert weights.tolist() == [1, 1, 1, 1]
    assert share == 0


def test_the_spread_is_not_fooled_by_a_rhythm_in_step_with_the_sampling() -> None:
    times = np.arange(40_000) / 100
    for frequency in (2, 5, 10):
        data = np.sin(2 * np.pi * frequency * times + 0.3)[None].astype(np.float32)
        # The quartiles of a sine lie at +-0.707.
        np.testing.assert_allclose(robust_spread(data), 2 * 0.7071 / 1.349, rtol=0.16)
