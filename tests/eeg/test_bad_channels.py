from __future__ import annotations

import numpy as np
import pytest
from pulse_eeg import make_pulse_eeg

from bids_eeg2fmri.eeg.bad_channels import find_bad_channels
from bids_eeg2fmri.eeg.interpolation import repair_channels
from bids_eeg2fmri.errors import BadDataError

N = 24


@pytest.fixture(scope="module")
def head() -> tuple[np.ndarray, tuple[str, ...], np.ndarray]:
    eeg = make_pulse_eeg(4, duration=60, n_channels=N, size=10)
    data = (eeg.brain + eeg.artefact)[:, ::2].astype(np.float32)
    return data, eeg.names, eeg.positions


def find(data: np.ndarray, names: tuple[str, ...], **changed: object) -> dict[str, str]:
    options = {"flagged": (), "clipped": np.zeros(len(data), np.float32), "detect": True} | changed
    return dict(find_bad_channels(data, 125.0, names=names, **options))


def test_good_channels_stay(head: tuple) -> None:
    data, names, _ = head
    assert find(data, names) == {}
    # Different sizes at all electrodes are not bad channels, nor are independent ones in a test.
    assert find(np.random.default_rng(0).normal(0, 10, data.shape).astype(np.float32), names) == {}


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        ("flat", "flat"),
        ("dead with a step", "flat"),
        ("loud", "noisy"),
        ("white", "uncorrelated"),
        ("rough", "high frequency|uncorrelated"),
        ("alone", "uncorrelated"),
        ("saturated", "saturated"),
        ("flagged", "flagged"),
    ],
)
def test_one_bad_channel_is_found_and_the_reason_told(head: tuple, fault: str, word: str) -> None:
    data, names, _ = head
    rng = np.random.default_rng(1)
    data = data.copy()
    k, n_times = 7, data.shape[1]
    options: dict[str, object] = {}
    if fault == "flat":
        data[k] = 0
    elif fault == "dead with a step":
        data[k] = np.where(np.arange(n_times) < n_times // 5, 0, 300)
    elif fault == "loud":
        data[k] += np.cumsum(rng.normal(0, 15, n_times))
    elif fault == "white":
        data[k] = rng.normal(0, 12, n_times)
    elif fault == "rough":
        data[k] += rng.normal(0, 8, n_times)
    elif fault == "alone":
        other = make_pulse_eeg(11, duration=60, n_channels=N).brain[:, ::2]
        data[k] = other[k] / other[k].std() * data[k].std() + np.median(data, axis=0)
    elif fault == "saturated":
        options["clipped"] = np.where(np.arange(N) == k, 0.3, 0).astype(np.float32)
    else:
        options["flagged"] = (names[k],)
    found = find(data, names, **options)
    assert set(found) == {names[k]}
    assert any(each in found[names[k]] for each in word.split("|"))


def test_only_flagged_and_dead_ones_where_asked(head: tuple) -> None:
    data, names, _ = head
    data = data.copy()
    data[3] *= 50
    data[5] = 0
    assert find(data, names, detect=False) == {names[5]: "flat"}


def test_never_most_of_a_cap(head: tuple) -> None:
    data, names, _ = head
    data = data.copy()
    data[: N // 2 - 3] *= np.geomspace(300, 3000, N // 2 - 3, dtype=np.float32)[:, None]
    assert 0 < len(find(data, names)) <= 0.3 * N


def test_interpolation_comes_near_the_truth(head: tuple) -> None:
    data, names, positions = head
    spoilt = data.copy()
    spoilt[[2, 10]] = 1e4
    bad = {names[2]: "flat", names[10]: "flat"}
    repaired = repair_channels(spoilt, names, positions, bad)
    assert repaired.names == names
    for k in (2, 10):
        assert np.corrcoef(repaired.data[k], data[k])[0, 1] > 0.8
    untouched = [k for k in range(N) if k not in (2, 10)]
    np.testing.assert_array_equal(repaired.data[untouched], data[untouched])
    assert repaired.steps == (f"bad channels interpolated: {names[2]} (flat), {names[10]} (flat)",)


def test_bad_channels_without_a_place_are_left_out(head: tuple) -> None:
    data, names, positions = head
    places = positions.copy()
    places[5] = np.nan
    repaired = repair_channels(data, names, places, {names[5]: "noisy", names[6]: "flagged"})
    assert names[5] not in repaired.names
    assert names[6] in repaired.names
    assert repaired.data.shape[0] == len(repaired.positions) == N - 1
    assert f"left out, since positions are missing: {names[5]} (noisy)" in repaired.steps[1]
    nowhere = repair_channels(data, names, np.full((N, 3), np.nan), {names[0]: "flat"})
    assert len(nowhere.names) == N - 1


def test_a_cap_of_bad_channels_is_an_error_that_names_them(head: tuple) -> None:
    data, names, positions = head
    with pytest.raises(BadDataError, match=rf"All but 1 of the 3 EEG channels are bad \({names[0]} \(flat\)"):
        repair_channels(data[:3], names[:3], positions[:3], {names[0]: "flat", names[1]: "flagged"})
