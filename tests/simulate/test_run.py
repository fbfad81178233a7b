"""Is the coupling there when it should be, and only then?"""

import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt

from bids_eeg2fmri.simulate.design import SFREQ, TICK
from bids_eeg2fmri.simulate.haemodynamics import Response
from bids_eeg2fmri.simulate.head import make_cap
from bids_eeg2fmri.simulate.options import SimulationOptions
from bids_eeg2fmri.simulate.person import draw_person
from bids_eeg2fmri.simulate.run import simulate_run

N_RUNS = 2
CENTRAL = ("C3", "C4", "Cz", "P3", "P4")


@pytest.fixture(scope="module")
def runs(brain):
    """Return the runs of one participant for each coupling."""
    cap, person = make_cap(16), draw_person(1, brain=brain, seed=3)
    return {
        coupling: [
            simulate_run(
                person,
                cap,
                brain,
                SimulationOptions(channels=16, coupling=coupling, seed=3),
                label=(1, 1, run),
            )
            for run in range(1, N_RUNS + 1)
        ]
        for coupling in ("power", "log-power", "task-only", "none")
    }


def _convolve(signal, times, at):
    response = Response(peak=5.5, undershoot=15.5, dispersion=1.0, ratio=0.15).sample()
    return np.interp(at, times, np.convolve(signal, response)[: len(signal)])


def _prediction(run):
    """Return minus the log mu power of central channels, as BOLD would follow it, shape (n_volumes,)."""
    names = make_cap(16).names
    eeg = run.eeg[[names.index(name) for name in CENTRAL]] - run.eeg[:16].mean(axis=0)
    band = sosfiltfilt(butter(4, (8.5, 13), "bandpass", fs=SFREQ, output="sos"), eeg)
    n_ticks = band.shape[1] // 25
    power = (band[:, : n_ticks * 25] ** 2).reshape(len(CENTRAL), n_ticks, 25).mean(axis=2)
    smooth = np.apply_along_axis(np.convolve, 1, power, np.ones(10) / 10, "same")
    times = (np.arange(n_ticks) + 0.5) * TICK - run.clock.lead
    return -_convolve(np.log(smooth).mean(axis=0) - np.log(smooth).mean(), times, _middles(run))


def _middles(run):
    return run.clock.volume_onsets + run.clock.tr / 2


def _task(run):
    """Return the task as BOLD would follow it and its derivative, shape (n_volumes, 2)."""
    times = np.arange(0, run.clock.scan_duration, TICK)
    on = np.zeros(len(times))
    for event in run.clock.events():
        on[(times >= event.onset) & (times < event.onset + event.duration)] = event.condition == "imagery"
    late, early = (_convolve(on, times, _middles(run) - shift) for shift in (0.5, -0.5))
    return np.column_stack([late + early, early - late])


def _correlate(runs, predict, *, given=None):
    """Return the mean correlation of a prediction with the mean noiseless signal over runs."""
    values = []
    for run in runs:
        pair = np.column_stack([predict(run), run.bold.noiseless.mean(axis=1)])[10:]
        nuisance = [np.ones(len(pair))] + ([given(run)[10:]] if given else [])
        basis = np.linalg.qr(np.column_stack(nuisance))[0]
        pair = pair - basis @ (basis.T @ pair)
        values.append(np.corrcoef(pair.T)[0, 1])
    return np.mean(values)


def test_eeg_is_the_same_whatever_bold_follows(runs):
    for coupling in ("log-power", "none"):
        for power, other in zip(runs["power"], runs[coupling], strict=True):
            assert np.array_equal(power.eeg, other.eeg)


def test_log_power_is_not_power(runs):
    for power, other in zip(runs["power"], runs["log-power"], strict=True):
        r = [
            np.corrcoef(a, b)[0, 1]
            for a, b in zip(power.bold.noiseless.T, other.bold.noiseless.T, strict=True)
        ]
        assert 0.7 < np.mean(r) < 0.99


def test_power_coupling_goes_beyond_the_task(runs):
    assert _correlate(runs["power"], _prediction) > 0.6
    assert _correlate(runs["power"], _prediction, given=_task) > 0.5


def test_task_only_shares_the_task_and_no_more(runs):
    assert _correlate(runs["task-only"], lambda run: _task(run)[:, 0]) > 0.3
    assert abs(_correlate(runs["task-only"], _prediction, given=_task)) < 0.3


def test_none_shares_nothing(runs):
    assert abs(_correlate(runs["none"], _prediction)) < 0.3
    assert abs(_correlate(runs["none"], lambda run: _task(run)[:, 0])) < 0.3


def test_spontaneous_bold_is_as_large_without_coupling(runs):
    sizes = {
        coupling: np.mean([run.bold.noiseless.std(axis=0) for run in runs[coupling]])
        for coupling in ("power", "task-only", "none")
    }
    assert sizes["task-only"] == pytest.approx(sizes["power"], rel=0.25)
    assert 0.5 * sizes["power"] < sizes["none"] < 1.1 * sizes["power"]
