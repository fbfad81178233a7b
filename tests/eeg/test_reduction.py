from __future__ import annotations

import logging

import mne
import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt

from bids_eeg2fmri.eeg.reduction import reduce_eeg
from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.settings import EegSettings

from .conftest import clock_of, raw_of


def error_of(reduced, eeg, begin: float, end: float) -> float:
    """Root mean square error (1 to 40 Hz) between two times, over that of the EEG itself."""
    sos = butter(2, (1, 40), "bandpass", fs=250, output="sos")
    n_times = min(reduced.data.shape[1], eeg.slow.shape[1])
    truth = eeg.slow[:-1, :n_times]
    rest = sosfiltfilt(sos, reduced.data[: len(truth), :n_times] - truth, axis=1)
    part = slice(round(250 * begin), round(250 * end))
    return float(rest[:, part].std() / sosfiltfilt(sos, truth, axis=1)[:, part].std())


@pytest.mark.parametrize("drift", [0.0, 40.0])
def test_first_middle_and_last_volumes_come_out_clean(scanned, drift):
    eeg, data = scanned(drift=drift)
    onsets = eeg.gradient.onsets
    reduced = reduce_eeg(raw_of(data, 1000.0), EegSettings(), clock=clock_of(onsets), tr=1.0)
    assert reduced.sfreq == 250
    assert reduced.data.dtype == np.float32
    assert reduced.channel_types == ("eeg",) * 4 + ("ecg",)
    assert not reduced.uncorrected.any()
    assert "uncorrected" in reduced.steps[0]
    assert reduced.quality["slice_comb_before_db"] > 20
    assert reduced.quality["slice_comb_after_db"] < 6
    # One part in 40 of the EEG's power goes with the mean of 40 volumes: 0.16 of its amplitude.
    assert error_of(reduced, eeg, onsets[0], onsets[0] + 5) < 0.35
    assert error_of(reduced, eeg, onsets[10], onsets[30]) < 0.3
    assert error_of(reduced, eeg, onsets[-5], onsets[-1] + 1) < 0.35
    assert error_of(reduced, eeg, 0.5, 5) < 0.02
    outside = reduced.residual[: int(250 * onsets[0]) - 1]
    assert np.all(outside == 0)
    assert 0 < reduced.residual[int(250 * onsets[3])] < 10


def test_a_mapped_file_at_the_full_rate_comes_out_as_through_mne(scanner_file):
    eeg, path = scanner_file
    raw = mne.io.read_raw_brainvision(path, verbose="error")
    raw.set_channel_types({"ECG": "ecg"}, verbose="error")
    clock = clock_of(eeg.gradient.onsets)
    mapped = reduce_eeg(raw, EegSettings(), clock=clock, tr=1.0)
    loaded = reduce_eeg(raw.copy().load_data(), EegSettings(), clock=clock, tr=1.0)
    np.testing.assert_allclose(mapped.data, loaded.data, atol=0.05)
    assert error_of(mapped, eeg, 6.1, 46) < 0.35
    assert any("aligned" in step for step in mapped.steps)


def test_a_clock_without_markers_is_drawn_to_the_artefact(scanned):
    # The TR of the header is 200 ppm off the EEG's clock: 8 ms at the end of the scan.
    eeg, data = scanned(drift=200.0)
    clock = clock_of(6.0 + np.arange(40.0))
    reduced = reduce_eeg(raw_of(data, 1000.0), EegSettings(), clock=clock, tr=1.0)
    assert error_of(reduced, eeg, 6, 46) < 0.35


def test_volumes_before_and_after_the_clock_are_corrected_too(scanned):
    eeg, data = scanned()
    onsets = eeg.gradient.onsets
    reduced = reduce_eeg(raw_of(data, 1000.0), EegSettings(), clock=clock_of(onsets[3:-2]), tr=1.0)
    assert any("5 volumes beyond" in step for step in reduced.steps)
    assert error_of(reduced, eeg, onsets[0], onsets[-1] + 1) < 0.3


def test_a_pause_is_left_alone_and_a_broken_volume_is_marked(scanned):
    eeg, data = scanned()
    without = eeg.slow.repeat(4, axis=1)
    onsets = eeg.gradient.onsets
    pause = slice(round(1000 * onsets[20]), round(1000 * onsets[23]))
    broken = slice(round(1000 * (onsets[-1] + 0.5)), round(1000 * (onsets[-1] + 1)))
    for part in (pause, broken):
        data[:, part] = without[:, part]
    reduced = reduce_eeg(raw_of(data, 1000.0), EegSettings(), clock=clock_of(onsets), tr=1.0)
    assert error_of(reduced, eeg, onsets[20] + 0.2, onsets[23] - 0.2) < 0.25
    assert any("3 volumes of the clock hold no artefact" in step for step in reduced.steps)
    marked = np.flatnonzero(reduced.uncorrected) / 250
    assert marked.min() == pytest.approx(onsets[-1], abs=0.06)
    assert marked.max() == pytest.approx(onsets[-1] + 1, abs=0.06)
    assert error_of(reduced, eeg, onsets[0], onsets[-1] - 0.1) < 0.35


def test_a_recording_that_begins_within_the_scan_is_marked_at_its_first_volume(scanned):
    eeg, data = scanned()
    onsets = eeg.gradient.onsets - 7.4
    reduced = reduce_eeg(raw_of(data[:, 7400:], 1000.0), EegSettings(), clock=clock_of(onsets), tr=1.0)
    assert reduced.uncorrected[: int(0.6 * 250)].all()
    assert not reduced.uncorrected[int(0.7 * 250) :].any()


def test_windows_break_where_the_head_moves(scanned):
    motion = np.zeros((60, 6))
    motion[30:, 0] = 8.0
    eeg, data = scanned(n_volumes=60, motion=motion)
    clock = clock_of(eeg.gradient.onsets)
    errors = {}
    for name, known in (("heeded", motion), ("ignored", None)):
        reduced = reduce_eeg(raw_of(data, 1000.0), EegSettings(), clock=clock, tr=1.0, motion=known)
        errors[name] = error_of(reduced, eeg, 31, 41)
        assert any("1 head movements" in step for step in reduced.steps) == (known is not None)
    assert errors["heeded"] < 0.75 * errors["ignored"]


def test_mne_is_selectable_and_what_it_leaves_is_marked(scanned):
    eeg, data = scanned()
    onsets = eeg.gradient.onsets
    settings = EegSettings(gradient="mne", gradient_window=10)
    reduced = reduce_eeg(raw_of(data, 1000.0), settings, clock=clock_of(onsets), tr=1.0)
    assert any("by MNE" in step for step in reduced.steps)
    assert reduced.uncorrected[round(250 * onsets[0]) + 2]
    assert reduced.uncorrected[round(250 * onsets[-1]) + 2]
    assert not reduced.uncorrected[round(250 * onsets[20])]
    assert error_of(reduced, eeg, onsets[10], onsets[30]) < 0.8


def test_corrected_eeg_is_not_corrected_again(scanned):
    eeg, _ = scanned()
    corrected = eeg.slow.repeat(1, axis=1)
    clock = clock_of(eeg.gradient.onsets)
    reduced = reduce_eeg(raw_of(corrected, 250.0), EegSettings(), clock=clock, tr=1.0)
    assert reduced.steps[0].startswith("gradient artefact: corrected (")
    assert reduced.lookahead == 0
    np.testing.assert_allclose(reduced.data, corrected - corrected[:, :1], atol=1e-2)
    asked = reduce_eeg(raw_of(corrected, 250.0), EegSettings(state="corrected"), clock=clock, tr=1.0)
    np.testing.assert_array_equal(asked.data, reduced.data)
    assert "as asked" in asked.steps[0]


def test_uncorrected_eeg_that_is_said_to_be_corrected_is_left_as_it_is(scanned):
    eeg, data = scanned()
    clock = clock_of(eeg.gradient.onsets)
    settings = EegSettings(state="corrected")
    reduced = reduce_eeg(raw_of(data, 1000.0), settings, clock=clock, tr=1.0)
    assert error_of(reduced, eeg, 6, 46) > 2
    assert reduced.quality["gradient_repeating_share"] > 0.9


def test_uncorrected_eeg_without_a_usable_clock_is_refused(scanned):
    eeg, data = scanned()
    raw = raw_of(data, 1000.0)
    with pytest.raises(BadDataError, match=r"onsets of the volumes are not known.*--eeg-offset"):
        reduce_eeg(raw, EegSettings())
    wrong = clock_of(6.0 + 1.0137 * np.arange(35))
    with pytest.raises(BadDataError, match="does not repeat with the clock's volumes"):
        reduce_eeg(raw, EegSettings(), clock=wrong, tr=1.0137)
    with pytest.raises(BadDataError, match=r"--eeg-state raw.*not known"):
        reduce_eeg(raw_of(eeg.slow, 250.0), EegSettings(state="raw"))


def test_too_low_a_rate_and_too_few_volumes_are_refused(scanned):
    eeg, data = scanned(sfreq=500.0)
    clock = clock_of(eeg.gradient.onsets)
    with pytest.raises(BadDataError, match=r"sampled at 500 Hz; .* needs more than 500 Hz"):
        reduce_eeg(raw_of(data, 500.0), EegSettings(), clock=clock, tr=1.0)
    eeg, data = scanned(n_volumes=8)
    clock = clock_of(eeg.gradient.onsets)
    with pytest.raises(BadDataError, match=r"is in 8 whole volumes .* at least 10"):
        reduce_eeg(raw_of(data, 1000.0), EegSettings(), clock=clock, tr=1.0)


def test_a_sidecar_that_the_signal_contradicts_is_named(scanner_file, caplog):
    eeg, path = scanner_file
    sidecar = path.with_suffix(".json")
    sidecar.write_text('{"SoftwareFilters": {"Gradient artifact correction": {"Method": "AAS"}}}')
    try:
        raw = mne.io.read_raw_brainvision(path, verbose="error")
        with caplog.at_level(logging.WARNING):
            reduced = reduce_eeg(raw, EegSettings(), clock=clock_of(eeg.gradient.onsets), tr=1.0)
    finally:
        sidecar.unlink()
    assert "SoftwareFilters of the sidecar says that it is corrected, the signal not" in reduced.steps[0]
    assert "says that the EEG is corrected" in caplog.text
    assert any("subtracted" in step for step in reduced.steps)


def test_saturation_is_counted_and_lost_samples_marked(tmp_path, scanner_file):
    eeg, path = scanner_file
    for source in path.parent.glob("sub-1*"):
        (tmp_path / source.name).write_bytes(source.read_bytes())
    samples = np.memmap(tmp_path / "sub-1_task-a_eeg.eeg", dtype="<i2", mode="r+").reshape(-1, 5)
    samples[5000:6000, :3] = 32767
    samples[5000:5100, 3] = -32768
    samples.flush()
    raw = mne.io.read_raw_brainvision(tmp_path / path.name, verbose="error")
    raw.set_channel_types({"ECG": "ecg"}, verbose="error")
    settings = EegSettings(state="corrected")
    reduced = reduce_eeg(raw, settings, clock=clock_of(eeg.gradient.onsets), tr=1.0)
    n_times = len(samples)
    np.testing.assert_allclose(reduced.clipped[:4], np.array([1000, 1000, 1000, 100]) / n_times, atol=2e-3)
    assert reduced.uncorrected[255:299].all()
    assert not reduced.uncorrected[:245].any()


def test_a_basis_set_takes_what_changes_alike(scanned):
    eeg, data = scanned()
    clock = clock_of(eeg.gradient.onsets)
    raw = raw_of(data, 1000.0)
    plain = reduce_eeg(raw, EegSettings(), clock=clock, tr=1.0)
    more = reduce_eeg(raw, EegSettings(residual_components=3), clock=clock, tr=1.0)
    assert any("3.0 components" in step for step in more.steps)
    inside = slice(250 * 7, 250 * 45)
    assert more.data[:4, inside].std() < plain.data[:4, inside].std()


def test_nothing_of_the_recording_is_changed(scanned):
    eeg, data = scanned()
    raw = raw_of(data, 1000.0)
    before = raw.get_data().copy()
    reduce_eeg(raw, EegSettings(), clock=clock_of(eeg.gradient.onsets), tr=1.0)
    np.testing.assert_array_equal(raw.get_data(), before)
    assert raw.info["dig"] is None
