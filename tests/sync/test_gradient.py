import numpy as np
import pytest

from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.sync.gradient import find_gradient_artefact


@pytest.mark.parametrize(
    ("sfreq", "changes"),
    [
        (1000.0, {}),
        (1000.0, {"ppm": 60.0}),
        (1000.0, {"ppm": -150.0, "tr": 2.16, "n_slices": 30}),
        (1000.0, {"pause": 0.6}),
        (1000.0, {"amplitude": 200.0}),
        (1000.0, {"onset": 40.02, "tail": 30.0}),
        (500.0, {}),
        (5000.0, {"ppm": 20.0}),
    ],
)
def test_beginning_period_and_number_of_volumes(scanner_eeg, sfreq, changes):
    scan = scanner_eeg(sfreq=sfreq, **changes)

    artefact = find_gradient_artefact(
        scan.data(np.random.default_rng(0)), sfreq, tr=scan.tr, n_volumes=scan.n_volumes
    )

    assert abs(artefact.onset - scan.onset) < 0.005
    assert abs(artefact.onset - scan.onset) < artefact.uncertainty + 0.003
    assert artefact.n_volumes == scan.n_volumes
    assert artefact.period == pytest.approx(scan.tr * (1 - 1e-6 * scan.ppm), rel=15e-6)
    assert artefact.rise > 15


def test_a_movement_in_the_scan_does_not_matter(scanner_eeg):
    scan = scanner_eeg(sfreq=1000.0)
    data = scan.data(np.random.default_rng(0))
    data[:, 30_000:31_000] += 5000 * np.sin(np.arange(1000) / 20)

    artefact = find_gradient_artefact(data, 1000.0, tr=scan.tr, n_volumes=scan.n_volumes)

    assert abs(artefact.onset - scan.onset) < 0.005
    assert artefact.n_volumes == scan.n_volumes


@pytest.mark.parametrize(
    ("amplitude", "first", "words"),
    [
        (0.0, 0, "does not repeat at the TR.*corrected already.*eeg_offset"),
        (2000.0, 20_000, "does not begin within the EEG"),
    ],
)
def test_what_has_no_beginning_is_refused(scanner_eeg, amplitude, first, words):
    scan = scanner_eeg(sfreq=1000.0, amplitude=amplitude)

    with pytest.raises(BadDataError, match=words):
        find_gradient_artefact(scan.data(np.random.default_rng(1))[:, first:], 1000.0, tr=1.5, n_volumes=45)


def test_a_short_recording_is_refused():
    with pytest.raises(BadDataError, match="shorter than four volumes"):
        find_gradient_artefact(np.zeros((2, 5000)), 1000.0, tr=1.5, n_volumes=45)


def test_another_tr_is_refused(scanner_eeg):
    scan = scanner_eeg(sfreq=1000.0)

    with pytest.raises(BadDataError, match=r"does not repeat at the TR of 1\.77 s"):
        find_gradient_artefact(scan.data(np.random.default_rng(0)), 1000.0, tr=1.77, n_volumes=45)


def test_line_noise_is_no_scan():
    times = np.arange(60_000) / 1000
    noise = np.random.default_rng(0).standard_normal((8, len(times)))

    with pytest.raises(BadDataError, match="line noise"):
        find_gradient_artefact(50 * np.sin(2 * np.pi * 50 * times) + noise, 1000.0, tr=2.0, n_volumes=25)


def test_two_scans_are_not_told_apart(scanner_eeg):
    scan = scanner_eeg(sfreq=1000.0)
    data = scan.data(np.random.default_rng(0))

    with pytest.raises(BadDataError, match="holds 2 scans"):
        find_gradient_artefact(np.concatenate([data, data], axis=1), 1000.0, tr=1.5, n_volumes=45)
