from __future__ import annotations

import numpy as np
import pytest

from bids_eeg2fmri.eeg.line_noise import find_line
from bids_eeg2fmri.eeg.passband import band_limit
from bids_eeg2fmri.settings import EegSettings

SFREQ = 500.0
N_TIMES = 30_000


def make_data(mains: float = 0.0, size: float = 5.0) -> np.ndarray:
    data = np.random.default_rng(0).normal(0, 10, (6, N_TIMES))
    data += size * np.sin(2 * np.pi * mains * np.arange(N_TIMES) / SFREQ) * (mains > 0)
    return data.astype(np.float32)


@pytest.mark.parametrize("mains", [50.0, 60.0, 49.9])
def test_the_mains_are_found_where_they_are(mains: float) -> None:
    frequency, height = find_line(make_data(mains), SFREQ)
    assert frequency == pytest.approx(mains, abs=0.25)
    assert height > 10


def test_no_mains_are_found_where_none_are() -> None:
    assert find_line(make_data(), SFREQ) == (0.0, 0.0)
    assert find_line(make_data(45.0), SFREQ) == (0.0, 0.0)
    # At 100 Hz neither 50 nor 60 can be told.
    assert find_line(make_data(50.0), 100.0) == (0.0, 0.0)


@pytest.mark.parametrize("mains", [50.0, 60.0])
def test_mains_inside_the_band_are_removed_and_outside_it_the_filter_does(mains: float) -> None:
    never = np.zeros(N_TIMES, dtype=bool)
    wide = EegSettings(lowpass=80.0, sfreq=250.0)
    done = band_limit(make_data(mains, 20.0), SFREQ, never, wide)
    assert any("mains found" in step for step in done.steps)
    assert find_line(done.data[:, 2500:], 250.0)[1] == 0
    narrow = band_limit(make_data(mains, 20.0), SFREQ, never, EegSettings())
    assert not any("mains" in step for step in narrow.steps)
    assert narrow.quality["line_hz"] == mains


def test_what_could_not_be_corrected_does_not_ring() -> None:
    data = make_data()
    uncorrected = np.zeros(N_TIMES, dtype=bool)
    uncorrected[:2000] = uncorrected[12_000:14_000] = uncorrected[-1000:] = True
    dirty = data.copy()
    dirty[:, uncorrected] += 5000 * np.random.default_rng(1).normal(size=(6, uncorrected.sum()))
    dirty[:, 14_000:] += 300  # the amplifier settled elsewhere
    done = band_limit(dirty, SFREQ, uncorrected, EegSettings()).data
    clean = band_limit(data, SFREQ, ~np.ones(N_TIMES, dtype=bool), EegSettings()).data
    assert np.abs(done).max() < 2 * np.abs(clean).max()
    # A second after the gap all is as if nothing had been.
    np.testing.assert_allclose(done[:, 3100:5500], clean[:, 3100:5500], atol=0.5)
