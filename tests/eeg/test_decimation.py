from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import upfirdn

from bids_eeg2fmri.eeg.decimation import decimate, make_decimator


def reader(data: np.ndarray):
    return lambda start, stop: data[start:stop].copy()


@pytest.mark.parametrize(
    ("sfreq", "factor"), [(5000, 20), (2048, 8), (1024, 4), (500, 2), (300, 1), (100, 1)]
)
def test_the_rate_is_250_hz_or_the_next_above_that_divides(sfreq, factor):
    assert make_decimator(sfreq, 250.0).factor == factor


@pytest.mark.parametrize("n_times", [50, 4001, 90_011])
def test_it_is_the_filter_at_every_sample_that_is_kept(n_times):
    data = np.random.default_rng(0).normal(3, 20, (n_times, 3)).astype(np.float32)
    decimator = make_decimator(2500.0, 250.0)
    kept = decimate(reader(data), n_times, decimator)
    whole = upfirdn(decimator.taps.astype(float), (data - data[0]).astype(float), axis=0)
    wanted = whole[decimator.reach :: 10][: len(kept)]
    assert kept.shape == (-(-n_times // 10), 3)
    np.testing.assert_allclose(kept, wanted, atol=1e-3)


def test_the_passband_stays_and_nothing_folds_back():
    times = np.arange(50_000) / 5000
    for frequency, gain in ((10, 1), (40, 1), (70, 1), (130, 0), (240, 0), (1000, 0)):
        data = np.sin(2 * np.pi * frequency * times)[:, None].astype(np.float32)
        kept = decimate(reader(data), len(data), make_decimator(5000.0, 250.0))[50:-50]
        assert kept.std() * np.sqrt(2) == pytest.approx(gain, abs=0.01)


def test_every_sample_is_shown_once_at_the_full_rate():
    data = np.random.default_rng(0).normal(0, 1, (90_011, 2)).astype(np.float32)
    seen = []

    def watch(first, block):
        assert first == sum(map(len, seen))
        seen.append(block.copy())

    decimate(reader(data), len(data), make_decimator(2500.0, 250.0), watch)
    np.testing.assert_array_equal(np.concatenate(seen), data - data[0])
