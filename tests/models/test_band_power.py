import numpy as np
import pytest

from bids_eeg2fmri.errors import UsageError
from bids_eeg2fmri.models.band_power import POWER_FLOOR, measure_band_power

BANDS = {"alpha": (8.0, 12.0), "beta": (18.0, 30.0)}


def measure(eeg: np.ndarray, sfreq: float = 100.0, **options: object) -> object:
    values = {"bands": BANDS, "frame_rate": 10.0, "smoothing": 1.0, **options}
    return measure_band_power(eeg.astype(np.float32), sfreq, **values)


def test_power_of_a_sine_in_its_band() -> None:
    times = np.arange(3000) / 100
    power = measure(np.stack([8 * np.sin(2 * np.pi * 10 * times), np.zeros_like(times)]))
    late = power.log_power[100:]
    np.testing.assert_allclose(late[:, 0, 0], np.log(32), atol=0.05)  # amplitude 8: 64 / 2 µV²
    assert np.all(late[:, 0, 1] < np.log(0.1))
    np.testing.assert_allclose(late[:, 1], np.log(POWER_FLOOR))


@pytest.mark.parametrize("sfreq", [100.0, 250.0, 128.0])
def test_frames_tell_which_samples_they_used(sfreq: float) -> None:
    rng = np.random.default_rng(0)
    eeg = rng.standard_normal((1, int(10 * sfreq)))
    power = measure(eeg, sfreq)
    sample = int(5.03 * sfreq)
    frame = int(power.frames_at(np.array([sample]))[0])
    assert sample - power.last_samples[frame] < power.step * sfreq
    changed = eeg.copy()
    changed[:, power.last_samples[frame] + 1 :] = 100.0
    after = measure(changed, sfreq)
    np.testing.assert_array_equal(after.log_power[: frame + 1], power.log_power[: frame + 1])
    assert np.abs(after.log_power[frame + 1] - power.log_power[frame + 1]).max() > 0.01
    assert power.frames_at(np.array([-5, 0])).tolist() == [-1, -1]


def test_smoothing_is_a_mean_of_the_past() -> None:
    eeg = np.random.default_rng(0).standard_normal((2, 1000))
    short, long = measure(eeg, smoothing=0.1), measure(eeg, smoothing=0.5)
    expected = np.exp(short.log_power[46:51]).mean(axis=0)
    np.testing.assert_allclose(np.exp(long.log_power[50]), expected)


def test_band_beyond_nyquist_is_refused() -> None:
    with pytest.raises(UsageError, match=r"'beta' \(18-30 Hz\).*must end below 25 Hz"):
        measure(np.zeros((1, 500)), 50.0)
