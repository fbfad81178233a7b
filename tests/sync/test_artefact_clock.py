import numpy as np
import pytest

from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.records import Marker
from bids_eeg2fmri.sync.artefact_clock import check_clock, find_artefact_clock
from bids_eeg2fmri.sync.clock import find_volume_clock


@pytest.mark.parametrize(("sfreq", "n_dummies"), [(1000.0, 0), (1000.0, 4), (5000.0, 2)])
def test_onsets_without_any_marker(scanner_eeg, sfreq, n_dummies):
    scan = scanner_eeg(sfreq=sfreq, ppm=20.0)
    data = scan.data(np.random.default_rng(0))

    clock = find_artefact_clock(data, sfreq, n_volumes=45 - n_dummies, tr=1.5)

    # Asked for are 20 ms; the simulated artefact begins sharply.
    assert np.abs(clock.onsets - scan.volume_onsets[n_dummies:]).max() < 0.005
    assert clock.n_dummies == n_dummies
    assert clock.drift == pytest.approx(20, abs=15)
    assert 0 < clock.uncertainty < 0.02
    assert "gradient artefact" in clock.source
    assert clock.residuals is None


def test_an_eeg_that_stopped_during_the_scan(scanner_eeg):
    scan = scanner_eeg(sfreq=1000.0)
    data = scan.data(np.random.default_rng(0))[:, :50_000]

    clock = find_artefact_clock(data, 1000.0, n_volumes=45, tr=1.5)

    assert np.abs(clock.onsets - scan.volume_onsets).max() < 0.005
    assert "stopped during the scan" in clock.source


@pytest.mark.parametrize("n_volumes", [30, 60])
def test_another_number_of_volumes_is_refused(scanner_eeg, n_volumes):
    scan = scanner_eeg(sfreq=1000.0, tail=30.0)

    with pytest.raises(BadDataError, match=f"holds 45 volumes.*BOLD has {n_volumes}"):
        find_artefact_clock(scan.data(np.random.default_rng(0)), 1000.0, n_volumes=n_volumes, tr=1.5)


@pytest.mark.parametrize(("late", "n_dummies"), [(0.0, 0), (0.120, 0), (-0.050, 4)])
def test_markers_are_checked_against_the_artefact(scanner_eeg, late, n_dummies):
    scan = scanner_eeg(sfreq=1000.0, ppm=40.0)
    markers = [Marker(onset=t + late, description="R128") for t in scan.volume_onsets]
    clock = find_volume_clock(markers, n_volumes=45 - n_dummies, tr=1.5, duration=90.0)

    check = check_clock(scan.data(np.random.default_rng(0)), 1000.0, clock, tr=1.5)

    assert check.lag == pytest.approx(-late, abs=0.004)
    assert check.last_lag == pytest.approx(-late, abs=0.004)
    assert check.n_before == n_dummies


def test_a_clock_that_drifts_from_the_artefact_is_seen(scanner_eeg):
    scan = scanner_eeg(sfreq=1000.0, ppm=0.0)
    markers = [Marker(onset=scan.onset + 1.503 * k, description="R128") for k in range(45)]
    clock = find_volume_clock(markers, n_volumes=45, tr=1.5, duration=90.0)

    check = check_clock(scan.data(np.random.default_rng(0)), 1000.0, clock, tr=1.5)

    assert check.last_lag - check.lag == pytest.approx(-0.003 * 44, abs=0.002)
