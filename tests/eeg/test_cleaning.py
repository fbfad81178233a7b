from __future__ import annotations

from dataclasses import replace

import mne
import numpy as np
import pytest
from pulse_eeg import PulseEeg, make_pulse_eeg

from bids_eeg2fmri.eeg.cleaning import clean_eeg, clean_reduced
from bids_eeg2fmri.eeg.provenance import ALL_STEPS, Provenance
from bids_eeg2fmri.eeg.reduction import reduce_eeg
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
    assert any("nowhere" in step for step in clean.steps)


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


def make_head(
    size: float = 40.0, *, with_ecg: bool = True, seed: int = 0
) -> tuple[PulseEeg, mne.io.RawArray]:
    """A recording with a pulse artefact, referenced to FCz, and its truth."""
    eeg = make_pulse_eeg(seed, duration=120, n_channels=20, size=size)
    data = eeg.brain + eeg.artefact
    names = list(eeg.names)
    if with_ecg:
        data, names = np.vstack([data, eeg.ecg]), [*names, "ECG"]
    return eeg, make_raw(data, names)


def locked(eeg: PulseEeg, data: np.ndarray) -> float:
    """The amplitude locked to the true beats, µV."""
    first = (eeg.beats[1:-2] * 100).astype(int)
    average = data[:, first[:, None] + np.arange(90)].mean(axis=1)
    return float(np.sqrt(np.mean((average - average.mean(axis=1, keepdims=True)) ** 2)))


@pytest.mark.parametrize("with_ecg", [True, False])
def test_the_pulse_artefact_goes_with_and_without_an_ecg(with_ecg: bool) -> None:
    eeg, raw = make_head(with_ecg=with_ecg)
    clean = clean_eeg(raw, EegSettings())
    left = clean_eeg(raw, EegSettings(pulse="off"))
    assert locked(eeg, clean.data) < (0.15 if with_ecg else 0.3) * locked(eeg, left.data)
    told = " ".join(clean.steps)
    assert ("R peaks from ECG" if with_ecg else "no ECG was recorded, beats taken from the pulse") in told
    assert clean.quality["pulse_locked_after_uv"] < 0.15 * clean.quality["pulse_locked_before_uv"]
    assert clean.locked is not None
    # What the correction of a beat knows of its end is a look ahead.
    assert clean.lookahead == pytest.approx(left.lookahead + clean.locked.shape[1] / 100)
    assert clean.nuisance is not None
    rate = clean.nuisance[:, clean.nuisance_names.index("heart_rate")]
    assert np.std(rate) > 0.5
    assert abs(rate.mean()) < 0.1


def test_an_unusable_ecg_is_told() -> None:
    _, raw = make_head(size=0.01)
    noise_only = raw.copy()
    noise_only._data[-1] = np.random.default_rng(0).normal(0, 1e-5, raw.n_times)
    clean = clean_eeg(noise_only, EegSettings())
    told = " ".join(clean.steps)
    assert "the ECG ECG is not usable (" in told
    assert "no pulse correction" in told
    assert clean.nuisance is not None
    assert not clean.nuisance[:, 0].any()


def test_eeg_already_clean_of_the_pulse_is_not_corrected_again() -> None:
    _, raw = make_head(size=0.01)
    clean = clean_eeg(raw, EegSettings())
    np.testing.assert_array_equal(clean.data, clean_eeg(raw, EegSettings(pulse="off")).data)
    assert any("no pulse artefact to correct" in step for step in clean.steps)


def test_what_another_pipeline_did_is_left_out() -> None:
    _, raw = make_head()
    raw._data[4] *= 40  # looks bad
    raw._data[:, 9000:9050] *= 30  # looks like a burst
    past = Provenance(done=ALL_STEPS, evidence="'clean' in its name")
    clean = clean_eeg(raw, EegSettings(ica=True), past)
    told = " | ".join(clean.steps)
    assert "already done by another pipeline ('clean' in its name)" in told
    for word in ("removed by", "interpolated", "clipped", "components"):
        assert word not in told.partition("left out here")[2].partition("|")[2]
    plain = EegSettings(pulse="off", bad_channels="flagged", burst_limit=0)
    np.testing.assert_array_equal(clean.data, clean_eeg(raw, plain).data)
    # Only one step done: the others are not left out.
    half = clean_eeg(raw, EegSettings(), Provenance(done=frozenset(("gradient",)), evidence="x"))
    assert "pulse artefact, largest" in " ".join(half.steps)


def test_the_reference_is_restored_and_bad_channels_interpolated() -> None:
    _, raw = make_head()
    raw._data[4] = 0
    clean = clean_eeg(raw, EegSettings(), Provenance(reference="FCz"))
    assert clean.channel_names == (*raw.ch_names[:-1], "FCz")
    assert np.all(np.isfinite(clean.positions))
    assert any("Pz (flat)" in step for step in clean.steps)
    assert clean.quality["bad_channels"] == 1
    assert clean.data[4].std() > 1
    np.testing.assert_allclose(clean.data.mean(axis=0), 0, atol=1e-3)


def test_saturated_and_flat_recordings_are_refused_by_name() -> None:
    data = noise(6)
    data[:4] = np.clip(data[:4], -5, 5)
    with pytest.raises(BadDataError, match=r"6 EEG channels are saturated \(C3, C4, Cz, Fz\)"):
        clean_eeg(make_raw(data), EegSettings())
    data[:2] = 3.0
    with pytest.raises(BadDataError, match=r"flat \(C3, C4\) or saturated \(Cz, Fz\)"):
        clean_eeg(make_raw(data), EegSettings())


def test_uncorrected_stretches_weigh_nothing() -> None:
    _, raw = make_head()
    reduced = reduce_eeg(raw, EegSettings())
    uncorrected = np.zeros(reduced.data.shape[1], dtype=bool)
    uncorrected[:2500] = True
    residual = np.linspace(0, 5, uncorrected.size).astype(np.float32)
    reduced = replace(reduced, uncorrected=uncorrected, residual=residual)
    clean = clean_reduced(reduced, EegSettings(), Provenance())
    assert clean.weights is not None
    assert not clean.weights[:1000].any()
    assert clean.weights[1001:].min() > 0
    assert clean.quality["uncorrected_percent"] == pytest.approx(100 * 2500 / uncorrected.size, abs=0.1)
    assert clean.nuisance is not None
    np.testing.assert_allclose(clean.nuisance[:, 1], np.linspace(0, 5, clean.data.shape[1]), atol=0.01)


def test_ica_takes_blinks_out() -> None:
    eeg = make_pulse_eeg(0, duration=120, n_channels=20, size=0.01)
    lids = np.zeros(eeg.brain.shape[1])
    for onset in np.random.default_rng(0).uniform(1, 118, 30):
        lids[int(onset * 250) : int(onset * 250) + 90] += 120 * np.hanning(90)
    eyes = np.array([[0.0, 0.1, 0.0]])
    pattern = np.exp(-(np.linalg.norm(eeg.positions - eyes, axis=1) ** 2) / 0.003)
    raw = make_raw(eeg.brain + np.outer(pattern, lids), list(eeg.names))
    clean = clean_eeg(raw, EegSettings(ica=True, burst_limit=0))
    without = clean_eeg(raw, EegSettings(burst_limit=0))
    k = eeg.names.index("Fp1")
    blink = np.interp(np.arange(clean.data.shape[1]) / 100, np.arange(len(lids)) / 250, lids) > 60
    assert clean.data[k, blink].std() < 0.5 * without.data[k, blink].std()
    assert any("independent components removed" in step for step in clean.steps)
