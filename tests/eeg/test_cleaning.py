from __future__ import annotations

import mne
import numpy as np
import pytest

from bids_eeg2fmri.eeg.cleaning import clean_eeg
from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.settings import EegSettings

NAMES = ["C3", "C4", "Cz", "Fz", "Pz", "Oz"]


def make_raw(data: np.ndarray, names: list[str] = NAMES, sfreq: float = 250.0) -> mne.io.RawArray:
    """A recording from microvolts (n_channels, n_times)."""
    kinds = ["ecg" if name == "ECG" else "eeg" for name in names]
    return mne.io.RawArray(data * 1e-6, mne.create_info(names, sfreq, kinds), verbose="error")


def noise(n_channels: int, n_times: int = 10_000) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 10, (n_channels, n_times))


def test_rate_units_reference_and_channels() -> None:
    raw = make_raw(noise(7), [*NAMES, "ECG"])
    clean = clean_eeg(raw, EegSettings())
    assert clean.channel_names == tuple(NAMES)
    assert clean.data.dtype == np.float32
    assert clean.data.shape == (6, 4000)
    np.testing.assert_allclose(clean.data.mean(axis=0), 0, atol=1e-4)
    assert 3 < clean.data.std() < 10
    assert np.all(np.isfinite(clean.positions))


def test_the_passband_stays_and_the_rest_goes() -> None:
    times = np.arange(20_000) / 250
    data = np.zeros((6, times.size))
    for row, frequency in enumerate((10, 0.1, 60)):
        data[row] = 20 * np.sin(2 * np.pi * frequency * times)
    data += np.random.default_rng(0).normal(0, 0.1, data.shape)  # no channel is dead
    clean = clean_eeg(make_raw(data), EegSettings(bad_channels="flagged")).data[:, 2000:]
    amplitude = clean.std(axis=1) * np.sqrt(2)
    # The average reference spreads a sixth of each channel.
    assert amplitude[0] == pytest.approx(20 * 5 / 6, rel=0.05)
    assert amplitude[1] < 20 / 6 * 1.1
    assert amplitude[2] < 20 / 6 * 1.1


@pytest.mark.parametrize("sfreq", [100.0, 250.0, 1000.0])
def test_nothing_beyond_the_lookahead_is_used(sfreq: float) -> None:
    data = noise(6, int(40 * sfreq))
    changed = data.copy()
    moment = 20.0
    changed[:, int(moment * sfreq) :] *= -3
    first = clean_eeg(make_raw(data, sfreq=sfreq), EegSettings())
    second = clean_eeg(make_raw(changed, sfreq=sfreq), EegSettings())
    last = int((moment - first.lookahead) * first.sfreq)
    np.testing.assert_array_equal(first.data[:, :last], second.data[:, :last])
    assert first.lookahead <= 0.15
    assert not np.array_equal(first.data[:, last + 30 :], second.data[:, last + 30 :])


def test_flagged_channel_is_interpolated() -> None:
    rng = np.random.default_rng(1)
    names = [
        "Fp1",
        "Fp2",
        "F7",
        "F3",
        "Fz",
        "F4",
        "F8",
        "FC5",
        "FC1",
        "FC2",
        "FC6",
        "T7",
        "C3",
        "Cz",
        "C4",
        "T8",
        "CP5",
        "CP1",
        "CP2",
        "CP6",
        "P7",
        "P3",
        "Pz",
        "P4",
        "P8",
        "O1",
        "O2",
    ]
    common = rng.normal(0, 10, (1, 10_000))
    data = common * np.linspace(0.5, 1.5, len(names))[:, None] + rng.normal(0, 1, (len(names), 10_000))
    data[3] = rng.normal(0, 1000, 10_000)
    raw = make_raw(data, names)
    raw.info["bads"] = [names[3]]
    clean = clean_eeg(raw, EegSettings())
    assert clean.data[3].std() < 20
    assert any("interpolated" in step for step in clean.steps)
    assert len(clean.channel_names) == len(names)


def test_unknown_names_have_no_position() -> None:
    clean = clean_eeg(make_raw(noise(3), ["a1x", "b2x", "c3x"]), EegSettings())
    assert np.all(np.isnan(clean.positions))
    assert "nowhere" in clean.steps[0]


def test_unusable_recordings_are_refused() -> None:
    with pytest.raises(BadDataError, match="at least 2"):
        clean_eeg(make_raw(noise(2), ["C3", "ECG"]), EegSettings())
    with pytest.raises(BadDataError, match="flat"):
        clean_eeg(make_raw(np.zeros((6, 5000))), EegSettings())
    broken = noise(6)
    broken[1, 50] = np.nan
    with pytest.raises(BadDataError, match="C4 holds values that are not finite"):
        clean_eeg(make_raw(broken), EegSettings())


def test_the_recording_handed_in_is_not_changed() -> None:
    raw = make_raw(noise(6))
    before = raw.get_data().copy()
    clean_eeg(raw, EegSettings())
    np.testing.assert_array_equal(raw.get_data(), before)
    assert raw.info["dig"] is None
