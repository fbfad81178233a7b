import numpy as np

from bids_eeg2fmri.simulate.head import (
    CAP,
    GROUND,
    REFERENCE,
    compute_gain,
    draw_background,
    draw_orientations,
    make_cap,
    place_cap,
)


def test_caps_are_nested_and_leave_out_reference_and_ground():
    names = CAP.split()
    assert len(set(names)) == len(names) == 128
    assert not {REFERENCE, GROUND} & set(names)
    assert make_cap(8).names == make_cap(128).names[:8]
    assert {"C3", "Cz", "C4", "O1", "O2", "Fz"} <= set(make_cap(8).names)


def test_electrodes_sit_where_their_names_say():
    cap = make_cap(32)
    places = dict(zip(cap.names, cap.positions, strict=True))
    assert places["C3"][0] < -0.05 < 0.05 < places["C4"][0]
    assert places["Fz"][1] > places["Cz"][1] > places["Oz"][1]
    assert 0.07 < np.linalg.norm(places["Cz"]) < 0.16  # m


def test_a_radial_dipole_is_seen_best_above_it():
    cap = make_cap(32)
    places = np.array([[-38.0, -25, 58], [22, -90, 10]])
    outward = places / np.linalg.norm(places, axis=1, keepdims=True)
    gain = compute_gain(places, outward, cap=cap)
    best = [cap.names[k] for k in np.argmax(gain, axis=0)]
    assert best[0] in {"C3", "CP1", "CP5"}
    assert best[1] in {"O2", "Oz"}
    assert np.all((gain.max(axis=0) > 0.02) & (gain.max(axis=0) < 1))  # microvolts per nA m


def test_gain_does_not_depend_on_which_other_electrodes_are_worn(rng):
    places = draw_background(5, rng)
    orientations = draw_orientations(places, rng)
    few, many = (compute_gain(places, orientations, cap=make_cap(n)) for n in (8, 40))
    assert np.allclose(few, many[:8])


def test_the_cap_slips_by_millimetres(rng):
    cap = make_cap(64)
    slip = np.linalg.norm(place_cap(cap, rng).positions - cap.positions, axis=1)
    assert 0.001 < slip.mean() < 0.008
