from __future__ import annotations

import numpy as np
import pytest
from pulse_eeg import make_pulse_eeg

from bids_eeg2fmri.eeg.reference import average_reference, restore_reference
from bids_eeg2fmri.simulate.head import make_cap

NAMES = ("C3", "C4", "Cz", "Pz")
PLACES = make_cap(8).positions[:4]


@pytest.mark.parametrize("text", ["FCz", "placed on FCz", "FCZ electrode", "single electrode (fcz)"])
def test_the_reference_becomes_a_channel_of_zeros_before_averaging(text: str) -> None:
    data = np.random.default_rng(0).normal(size=(4, 50)).astype(np.float32)
    restored, names, positions, steps = restore_reference(data, NAMES, PLACES, text)
    assert names == (*NAMES, "FCz")
    np.testing.assert_array_equal(restored[-1], 0)
    np.testing.assert_allclose(positions[-1], make_cap(8).reference, atol=1e-6)
    assert "FCz" in steps[0]
    # Against the average the reference electrode has its own potential again.
    np.testing.assert_allclose(average_reference(restored)[-1], -data.sum(axis=0) / 5, atol=1e-6)


@pytest.mark.parametrize(
    "text", ["", "n/a", "average", "Cz", "linked mastoids", "TP9 and TP10", "M1", "nose"]
)
def test_nothing_is_added_where_the_reference_is_no_other_electrode(text: str) -> None:
    data = np.ones((4, 5), dtype=np.float32)
    restored, names, _, steps = restore_reference(data, NAMES, PLACES, text)
    assert names == NAMES
    assert steps == ()
    assert restored is data


def test_nothing_is_added_to_a_cap_without_places() -> None:
    data = np.ones((4, 5), dtype=np.float32)
    assert restore_reference(data, NAMES, np.full((4, 3), np.nan), "FCz")[1] == NAMES


def test_potentials_no_longer_depend_on_the_reference() -> None:
    eeg = make_pulse_eeg(0, duration=10, n_channels=8)
    names, places = eeg.names[:8], eeg.positions[:8]
    scalp = eeg.brain[:8]
    k = names.index("Fz")
    others = [i for i in range(8) if i != k]
    recorded = (scalp - scalp[k])[others].astype(np.float32)
    restored = restore_reference(recorded, tuple(names[i] for i in others), places[others], "Fz")
    expected = average_reference(scalp.astype(np.float32))
    np.testing.assert_allclose(average_reference(restored[0]), expected[[*others, k]], atol=1e-3)
