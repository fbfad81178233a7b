from dataclasses import replace

import numpy as np
import pytest
from simulated_runs import make_runs

from bids_eeg2fmri.errors import BadDataError, UsageError
from bids_eeg2fmri.models.hrf import hrf_basis
from bids_eeg2fmri.models.smr import PLACES, Smr, find_channels
from bids_eeg2fmri.records import AlignedRun


def rename(run: AlignedRun, *names: str, **changes: object) -> AlignedRun:
    return replace(run, channel_names=names, **changes)  # type: ignore[arg-type]


def test_channels_are_found_by_name_in_any_case() -> None:
    (run,) = make_runs(1)
    assert find_channels(rename(run, "cz", "c4", "Pz", "c3")) == (3, 1)


def test_the_nearest_electrode_stands_in_for_a_missing_one() -> None:
    (run,) = make_runs(1)
    c4 = np.array(PLACES["C4"])
    places = np.array([PLACES["C3"], c4 + np.array([0, 0.04, 0]), c4 + np.array([0, 0, 0.02]), [np.nan] * 3])
    assert find_channels(rename(run, "a", "b", "c", "d", positions=places)) == (0, 2)
    assert find_channels(rename(run, "a", "b", "c", "C3", positions=places)) == (3, 2)


def test_no_electrode_over_the_hand_area_is_refused() -> None:
    (run,) = make_runs(1)
    far = np.tile([0.0, -0.1, 0.05], (4, 1))
    for positions in (far, np.full((4, 3), np.nan)):
        with pytest.raises(BadDataError, match=r"no channel C3 .* channels are E1, C4, E3, E4"):
            Smr().fit(
                [rename(run, "E1", "C4", "E3", "E4", positions=positions)], rng=np.random.default_rng(0)
            )


def test_one_weight_per_region_shared_by_both_channels() -> None:
    runs = make_runs(3, n_volumes=120, coupling=2.0)
    filters = Smr().fit(runs, rng=np.random.default_rng(0)).spatial_filters()
    assert filters.names == ("r0 mu", "r1 mu")
    np.testing.assert_array_equal(filters.weights[:, [1, 3]], 0.0)
    np.testing.assert_array_equal(filters.weights[:, 0], filters.weights[:, 2])
    assert np.all(filters.weights[:, 0] < 0)  # more power, less BOLD


def test_known_weight_is_found() -> None:
    """BOLD made of a rhythm whose log power steps by 2 in blocks, times -0.5."""
    rng = np.random.default_rng(0)
    runs = make_runs(2, n_volumes=150)
    for k, run in enumerate(runs):
        times = np.arange(run.eeg.shape[1]) / run.sfreq
        log_power = 2.0 * (times // (15 + 5 * k) % 2)
        eeg = 0.1 * rng.standard_normal(run.eeg.shape)
        eeg[[0, 2]] += 10 * np.exp(log_power / 2) * np.sin(2 * np.pi * 10 * times)
        slow = np.convolve(log_power - log_power[0], hrf_basis(1 / run.sfreq, names=("canonical",))[0])
        bold = -0.5 * slow[run.volume_samples] + 3.0
        weights = (np.arange(150) >= 20).astype(float)  # what came before the recording is not known
        runs[k] = replace(run, eeg=eeg.astype(np.float32), bold=np.stack([bold, -bold], 1), weights=weights)
    model = Smr().fit(runs, rng=np.random.default_rng(0))
    np.testing.assert_allclose(model.spatial_filters().weights[:, [0, 2]].sum(axis=1), [-0.5, 0.5], rtol=0.06)


def test_a_dead_channel_leaves_the_other() -> None:
    runs = make_runs(2)
    for k, run in enumerate(runs):
        eeg = run.eeg.copy()
        eeg[2] = 0.0
        runs[k] = replace(run, eeg=eeg)
    weights = Smr().fit(runs, rng=np.random.default_rng(0)).spatial_filters().weights
    assert np.all(weights[:, 0] != 0)
    np.testing.assert_array_equal(weights[:, 2], 0.0)


@pytest.mark.parametrize(
    ("options", "words"), [({"band": (12.0, 8.0)}, "smr: band is"), ({"smoothing": -1.0}, "smoothing is -1")]
)
def test_settings_are_checked(options: dict, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Smr(**options)
