"""Rhythms that no region follows are seen by the electrodes alone."""

import numpy as np
import pytest

from bids_eeg2fmri.simulate.head import make_cap
from bids_eeg2fmri.simulate.options import SimulationOptions
from bids_eeg2fmri.simulate.person import draw_person
from bids_eeg2fmri.simulate.run import simulate_run
from bids_eeg2fmri.simulate.sources import draw_distractors

N_OWN = 15


@pytest.fixture(scope="module")
def alone_and_crowded(brain):
    return [draw_person(1, brain=brain, seed=3, n_distractors=n) for n in (0, 40)]


def test_a_person_stays_the_same_but_for_them(alone_and_crowded):
    alone, crowded = alone_and_crowded
    assert len(crowded.sources) == N_OWN + 40
    assert crowded.sources[:N_OWN] == alone.sources
    assert crowded.responses == alone.responses
    np.testing.assert_array_equal(crowded.orientations[:N_OWN], alone.orientations)
    np.testing.assert_array_equal(crowded.background, alone.background)
    n_rhythms = alone.mixtures.shape[1]
    np.testing.assert_array_equal(crowded.mixtures[:, :n_rhythms], alone.mixtures)
    assert not np.any(crowded.mixtures[:, n_rhythms:])
    assert not any(source.motor for source in crowded.sources[N_OWN:])


@pytest.mark.parametrize("coupling", ["power", "mixed", "task-only"])
def test_bold_is_the_same_and_the_eeg_is_not(brain, alone_and_crowded, coupling):
    cap = make_cap(32)
    runs = [
        simulate_run(
            person,
            cap,
            brain,
            SimulationOptions(volumes=60, coupling=coupling, seed=3),
            label=(1, 1, 1),
        )
        for person in alone_and_crowded
    ]
    np.testing.assert_array_equal(runs[0].bold.preprocessed, runs[1].bold.preprocessed)
    alone, crowded = (run.eeg[:32] - run.eeg[:32].mean(axis=0) for run in runs)
    added = crowded - alone
    assert 3 < added.std() < 12  # µV; the background has some 8
    # As many directions as distractors, or as electrodes: no cap of 32 can tell 40 of them apart.
    values = np.linalg.eigvalsh(np.cov(added))
    assert (values[1:] > 1e-6 * values[-1]).all()  # the average reference takes one


def test_they_are_of_many_frequencies_and_weaker_than_the_strongest(rng):
    sources = draw_distractors(rng.standard_normal((200, 3)) * 50, rng)
    rhythms = [source.rhythms[0] for source in sources]
    frequencies = np.array([rhythm.frequency for rhythm in rhythms])
    assert 5 <= frequencies.min() < 7
    assert 20 < frequencies.max() <= 28
    assert max(rhythm.moment for rhythm in rhythms) <= 45
    assert np.abs([rhythm.desynchronisation for rhythm in rhythms]).max() <= 0.3
