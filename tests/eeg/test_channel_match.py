from __future__ import annotations

from dataclasses import replace

import mne
import numpy as np
import pytest

from bids_eeg2fmri.eeg.channel_match import match_channels
from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.records import CleanEeg

NAMES = (
    *("Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "FC5", "FC1", "FC2", "FC6", "T7", "C3", "Cz", "C4", "T8"),
    *("CP5", "CP1", "CP2", "CP6", "P7", "P3", "Pz", "P4", "P8", "O1", "Oz", "O2"),
)


def positions_of(names: tuple[str, ...]) -> np.ndarray:
    known = mne.channels.get_builtin_montages()
    montage = mne.channels.make_standard_montage(
        "colin27_1005" if "colin27_1005" in known else "standard_1005"
    )
    places = montage.get_positions()["ch_pos"]
    return np.array([places[name] for name in names])


@pytest.fixture
def eeg() -> CleanEeg:
    """Two sources seen smoothly over the scalp, referenced to the average, in µV."""
    rng = np.random.default_rng(0)
    places = positions_of(NAMES)
    gain = np.stack([np.exp(-np.sum((places - places[k]) ** 2, axis=1) / 0.08**2) for k in (12, 22)], axis=1)
    data = 20 * gain @ rng.standard_normal((2, 400)) + 0.5 * rng.standard_normal((len(NAMES), 400))
    data -= data.mean(axis=0)
    return CleanEeg(
        data=data.astype(np.float32), sfreq=100.0, channel_names=NAMES, positions=places, steps=("before",)
    )


def without(eeg: CleanEeg, *names: str) -> CleanEeg:
    """Return the EEG as it would be had these channels not been recorded."""
    kept = [k for k, name in enumerate(eeg.channel_names) if name not in names]
    data = eeg.data[kept] - eeg.data[kept].mean(axis=0)
    labels = tuple(eeg.channel_names[k] for k in kept)
    return replace(eeg, data=data, channel_names=labels, positions=eeg.positions[kept])


def test_the_same_channels_in_any_order_and_case_are_not_changed(eeg: CleanEeg) -> None:
    order = np.random.default_rng(1).permutation(len(NAMES))
    mixed = replace(
        eeg,
        data=eeg.data[order],
        channel_names=tuple(NAMES[k].upper() for k in order),
        positions=eeg.positions[order],
    )
    matched, words = match_channels(mixed, NAMES, eeg.positions)
    np.testing.assert_array_equal(matched.data, eeg.data)
    assert matched.channel_names == NAMES
    assert words == ""
    assert matched.steps == eeg.steps


@pytest.mark.parametrize("lost", [("C3",), ("Pz", "F4")])
def test_missing_channels_are_interpolated_and_the_reference_restored(
    eeg: CleanEeg, lost: tuple[str, ...]
) -> None:
    matched, words = match_channels(without(eeg, *lost), NAMES, eeg.positions)
    assert "interpolated by spherical splines: " in words
    assert all(name in words for name in lost)
    assert matched.steps[0] == "before"
    assert words in "; ".join(matched.steps)
    np.testing.assert_allclose(matched.data.mean(axis=0), 0, atol=1e-4)
    for name in NAMES:
        k = NAMES.index(name)
        error = np.std(matched.data[k] - eeg.data[k]) / np.std(eeg.data[k])
        assert error < (0.6 if name in lost else 0.2), name


def test_surplus_channels_are_left_out_of_signal_and_reference(eeg: CleanEeg) -> None:
    names = tuple(name for name in NAMES if name not in ("O1", "T8"))
    matched, words = match_channels(eeg, names, positions_of(names))
    np.testing.assert_allclose(matched.data, without(eeg, "O1", "T8").data, atol=1e-4)
    assert "left out: T8, O1" in words


def test_too_many_missing_channels_are_refused(eeg: CleanEeg) -> None:
    with pytest.raises(BadDataError, match=r"3 of the 28 channels .*: F7, Cz, O2\. At most 10 % \(2 of 28\)"):
        match_channels(without(eeg, "F7", "Cz", "O2"), NAMES, eeg.positions)


def test_two_neighbours_are_refused_and_two_far_apart_are_not(eeg: CleanEeg) -> None:
    with pytest.raises(BadDataError, match="its neighbour Fp2 is missing too"):
        match_channels(without(eeg, "Fp1", "Fp2"), NAMES, eeg.positions)
    match_channels(without(eeg, "Fp1", "O2"), NAMES, eeg.positions)


def test_without_positions_nothing_is_interpolated(eeg: CleanEeg) -> None:
    places = eeg.positions.copy()
    places[3] = np.nan
    match_channels(eeg, NAMES, places)
    with pytest.raises(BadDataError, match="those of F3 are not in the model"):
        match_channels(without(eeg, "Cz"), NAMES, places)
