import numpy as np
import pytest

from bids_eeg2fmri.simulate.couplings import choose_dynamics
from bids_eeg2fmri.simulate.options import COUPLINGS
from bids_eeg2fmri.simulate.person import draw_person
from bids_eeg2fmri.simulate.sources import TEMPLATE

MOTOR = {source.name for source in TEMPLATE if source.motor}


@pytest.mark.parametrize("coupling", COUPLINGS)
def test_every_motor_source_has_dynamics_and_no_other(coupling):
    dynamics = choose_dynamics(TEMPLATE, coupling)
    assert set(dynamics) == MOTOR
    expected = 4 if coupling == "mixed" else 1
    assert len(set(dynamics.values())) == expected
    if coupling in ("log-power", "spectral-shift", "bursts"):
        assert set(dynamics.values()) == {coupling}


def test_mixed_spreads_the_responses_and_changes_nothing_else(brain):
    alike, mixed = (draw_person(2, brain=brain, seed=5, coupling=c) for c in ("power", "mixed"))
    assert np.array_equal(alike.mixtures, mixed.mixtures)
    assert alike.sources == mixed.sources
    spread = [np.std([r.peak for r in person.responses]) for person in (alike, mixed)]
    assert spread[1] > 1.5 * spread[0]
