import numpy as np
import pytest
import torch

from bids_eeg2fmri.models.windows import cut_windows, places_between, resample_causally


def test_windows_end_with_the_volume_and_are_0_before_the_recording() -> None:
    one, two = np.arange(1.0, 21.0)[None].astype(np.float32), np.arange(101.0, 111.0)[None].astype(np.float32)
    windows = cut_windows([(one, np.array([-4, 0, 2, 19, 40])), (two, np.array([0, 9]))], n_times=5)
    found = windows.take(torch.arange(len(windows)))[0].tolist()
    assert found == [
        [0, 0, 0, 0, 0],
        [0, 0, 0, 0, 1],
        [0, 0, 1, 2, 3],
        [16, 17, 18, 19, 20],
        [16, 17, 18, 19, 20],
        [0, 0, 0, 0, 101],
        [106, 107, 108, 109, 110],
    ]


@pytest.mark.parametrize(("old", "new"), [(100.0, 50.0), (100.0, 64.0), (250.0, 100.0), (100.0, 128.0)])
def test_resampling_keeps_slow_rhythms_and_sees_no_future(old: float, new: float) -> None:
    times = np.arange(int(20 * old)) / old
    eeg = np.sin(2 * np.pi * 5 * times)[None].astype(np.float32)
    samples = np.array([-3, 0, int(10 * old), int(15.51 * old), eeg.shape[1] - 1])
    resampled, places = resample_causally(eeg, old, new_sfreq=new, samples=samples)
    assert resampled.dtype == np.float32
    assert resampled.shape[1] == pytest.approx(20 * new, abs=1)
    assert np.std(resampled[:, 200:]) == pytest.approx(np.sqrt(0.5), rel=0.05)
    assert places[0] == -1
    assert np.all(places[1:] / new <= samples[1:] / old + 1e-9)
    assert np.all(places[1:] / new > samples[1:] / old - 1 / new - 1 / old)
    changed = eeg.copy()
    changed[:, samples[2] + 1 :] += 100
    after, _ = resample_causally(changed, old, new_sfreq=new, samples=samples)
    np.testing.assert_array_equal(after[:, : places[2] + 1], resampled[:, : places[2] + 1])
    same, kept = resample_causally(eeg, old, new_sfreq=old, samples=samples)
    assert same is eeg
    assert kept is samples


def test_reduction_removes_what_would_fold_back() -> None:
    times = np.arange(4000) / 100
    eeg = np.sin(2 * np.pi * 40 * times)[None].astype(np.float32)
    resampled, _ = resample_causally(eeg, 100.0, new_sfreq=50.0, samples=np.array([0]))
    assert np.std(resampled[:, 100:]) < 0.02


def test_places_between_usable_neighbours_only() -> None:
    samples, usable = np.array([0, 100, 200, 300]), np.array([True, True, False, True])
    places, values = places_between(samples, np.array([[0.0], [4.0], [9.0], [1.0]]), usable, n=4)
    assert places.tolist() == [[0, 0, 0, 0], [100, 75, 50, 25], [200] * 4, [300] * 4]
    assert values[:, :, 0].tolist() == [[0, 0, 0, 0], [4, 3, 2, 1], [9] * 4, [1] * 4]
    only, _ = places_between(samples, np.zeros((4, 1)), usable, n=1)
    assert only[:, 0].tolist() == samples.tolist()
