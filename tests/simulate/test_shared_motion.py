"""Movements reach EEG and BOLD at the same time, and by no linear combination of the motion parameters."""

import numpy as np
import pytest

from bids_eeg2fmri.simulate.design import SFREQ, RunClock
from bids_eeg2fmri.simulate.head import make_cap
from bids_eeg2fmri.simulate.motion import draw_motion, framewise_displacement
from bids_eeg2fmri.simulate.options import SimulationOptions
from bids_eeg2fmri.simulate.person import draw_person
from bids_eeg2fmri.simulate.run import simulate_run
from bids_eeg2fmri.simulate.shared_motion import RESTLESS_INTERVAL, disturb_bold, draw_bursts

CLOCK = RunClock(lead=6.0, tail=3.0, tr=2.0, n_volumes=150)


def jump(at, size):
    """Return motion with one jump of ``size`` mm before volume ``at``."""
    motion = np.zeros((CLOCK.n_volumes, 6))
    motion[at:, 1] = size
    return motion


@pytest.mark.parametrize("size", [0.3, 0.6])
def test_a_burst_begins_with_the_jerk_and_is_as_large_as_the_displacement(rng, size):
    jerk = 99.0  # volume 50 is the first after it
    bursts = draw_bursts(jump(50, size), np.array([jerk]), clock=CLOCK, n_channels=3, rng=rng)
    assert bursts.shape == (3, CLOCK.n_eeg)
    active = np.flatnonzero(np.abs(bursts).max(axis=0)) / SFREQ - CLOCK.lead
    assert active[0] == pytest.approx(jerk, abs=0.05)
    assert 0.5 < active[-1] - active[0] < 2.05
    inside = bursts[:, np.abs(bursts).max(axis=0) > 0]
    assert inside.std() / size == pytest.approx(60 * np.sqrt(3 / 8), rel=0.25)


def test_a_jerk_after_the_last_volume_or_at_the_end_of_the_eeg_is_no_error(rng):
    late = np.array([CLOCK.scan_duration + CLOCK.tail - 0.1])
    bursts = draw_bursts(jump(149, 0.5), late, clock=CLOCK, n_channels=2, rng=rng)
    assert np.isfinite(bursts).all()


def test_bold_falls_at_once_and_rises_seconds_later():
    change = disturb_bold(jump(50, 1.0), clock=CLOCK)
    times = CLOCK.tick_times - 100  # volume 50 begins at 0
    assert not change[times < 0].any()
    assert change[(times > 0) & (times < 1)].max() < -0.3
    assert 5 < times[change.argmax()] < 8.5
    assert change.max() > 0.4
    assert abs(change[times > 40]).max() < 0.02


def test_motion_parameters_and_derivatives_leave_most_of_it(rng):
    motion, jerks = draw_motion(150, tr=2.0, rng=rng, interval=RESTLESS_INTERVAL)
    assert 5 < len(jerks) < 25
    change = np.interp(CLOCK.volume_onsets + 1, CLOCK.tick_times, disturb_bold(motion, clock=CLOCK))
    derivatives = np.diff(motion, axis=0, prepend=motion[:1])
    design = np.column_stack([np.ones(150), motion, derivatives])
    left = change - design @ np.linalg.lstsq(design, change, rcond=None)[0]
    assert left.var() > 0.4 * change.var()
    assert np.nanmax(framewise_displacement(motion)) > 0.3


def test_the_coupling_adds_movements_to_both_and_nothing_else(brain):
    cap, person = make_cap(16), draw_person(1, brain=brain, seed=3)
    run, quiet = (
        simulate_run(
            person,
            cap,
            brain,
            SimulationOptions(channels=16, volumes=60, coupling=coupling, seed=3),
            label=(1, 1, 1),
        )
        for coupling in ("motion", "none")
    )
    added = run.bold.noiseless.mean(axis=1) - quiet.bold.noiseless.mean(axis=1)
    middles = run.clock.volume_onsets + run.clock.tr / 2
    expected = np.interp(middles, run.clock.tick_times, disturb_bold(run.motion, clock=run.clock))
    assert np.corrcoef(added, expected)[0, 1] > 0.99
    assert np.abs(run.eeg - quiet.eeg)[:16].max() > 20
