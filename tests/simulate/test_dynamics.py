import numpy as np
import pytest
from scipy.signal import welch

from bids_eeg2fmri.simulate.design import BLOCK, SFREQ
from bids_eeg2fmri.simulate.dynamics import DYNAMICS, Fluctuations
from bids_eeg2fmri.simulate.rhythms import wander
from bids_eeg2fmri.simulate.sources import TEMPLATE

N_TIMES = 150_000  # ten minutes
HAND = TEMPLATE[0].rhythms


def _fluctuations(rng, response=0.0):
    shape = (1, N_TIMES // BLOCK)
    return Fluctuations(
        arousal=wander(rng, shape), own=wander(rng, shape), response=np.full(shape[1], response)
    )


def _simulate(dynamics, rng, response=0.0):
    return DYNAMICS[dynamics](HAND, _fluctuations(rng, response), N_TIMES, rng)


def _slowly(series):
    """Return means over 5 s."""
    return series.reshape(-1, 50).mean(axis=1)


@pytest.mark.parametrize("dynamics", list(DYNAMICS))
def test_power_at_rest_is_near_1_and_drive_near_0_and_imagery_raises_it(dynamics, rng):
    rest, imagery = _simulate(dynamics, rng), _simulate(dynamics, rng, response=1.0)
    assert rest.power.mean() == pytest.approx(1, abs=0.3)
    assert abs(rest.drive.mean()) < 0.3
    assert imagery.drive.mean() > rest.drive.mean() + 0.15


@pytest.mark.parametrize("dynamics", list(DYNAMICS))
def test_drives_vary_alike(dynamics, rng):
    drive = _simulate(dynamics, rng).drive
    assert 0.3 < np.std([_slowly(row) for row in drive]) < 1.0


def test_log_power_follows_the_logarithm(rng):
    course = _simulate("log-power", rng)
    power = np.concatenate([_slowly(row) for row in course.power])
    drive = np.concatenate([_slowly(row) for row in course.drive])
    r = [np.corrcoef(a, b)[0, 1] for a, b in ((-np.log(power), drive), (-power, drive))]
    assert r[0] > max(r[1], 0.8)


def test_a_faster_spectrum_of_the_same_power_drives_bold(rng):
    course = _simulate("spectral-shift", rng)
    total = (course.power * [[r.moment**2] for r in HAND]).sum(axis=0)
    assert abs(np.corrcoef(_slowly(total), _slowly(course.drive[0]))[0, 1]) < 0.35
    assert np.array_equal(course.drive[0], course.drive[1])
    # The root mean square frequency of the wave itself, where the drive is high and where it is low.
    stretches = course.moment.reshape(-1, 50 * BLOCK)
    frequencies, spectra = welch(stretches, SFREQ, nperseg=256)
    inside = (frequencies > 4) & (frequencies < 40)
    square = (spectra[:, inside] * frequencies[inside] ** 2).sum(axis=1) / spectra[:, inside].sum(axis=1)
    assert np.corrcoef(np.sqrt(square), _slowly(course.drive[0]))[0, 1] > 0.8


def test_bursts_are_counted_whatever_their_size(rng):
    course = _simulate("bursts", rng)
    for power, drive in zip(course.power, course.drive, strict=True):
        present = drive < 0.9
        assert 0.1 < present.mean() < 0.5
        assert power[present].mean() > 4 * power[~present].mean()
        # Size has a heavy tail, so that mean power tells less than presence.
        assert 0.3 < np.corrcoef(_slowly(power), _slowly(drive))[0, 1] * -1 < 0.9
