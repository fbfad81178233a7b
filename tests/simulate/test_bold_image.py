import numpy as np
import pytest

from bids_eeg2fmri.simulate.bold_image import make_noise, scan, slice_times


def test_slices_are_taken_odd_ones_first():
    assert slice_times(5, 2.0) == pytest.approx([0, 1.2, 0.4, 1.6, 0.8])


def test_preprocessed_values_are_those_at_the_middle_of_the_volume(brain, rng):
    tick_times = np.arange(-20, 120, 0.1)
    signals = np.repeat(np.sin(tick_times / 5)[:, None], 12, axis=1)
    run = scan(signals, tick_times, np.zeros((50, 6)), brain=brain, tr=2.0, rng=rng)
    middle = np.sin((np.arange(50) * 2.0 + 1.0) / 5)
    for region in run.noiseless.T:
        assert np.corrcoef(region, middle)[0, 1] > 0.9999
    assert run.raw.dtype == np.int16
    assert run.raw.shape == run.preprocessed.shape == (*brain.mask.shape, 50)
    assert np.all(run.preprocessed[~brain.mask] == 0)


def test_raw_slices_see_the_signal_when_they_are_taken(brain):
    # The same noise with and without signal: the difference is the signal, rounded to whole units.
    tick_times = np.arange(-20, 120, 0.1)
    ramp = np.repeat(10 * tick_times[:, None] / 100, 12, axis=1)
    runs = [
        scan(s, tick_times, np.zeros((40, 6)), brain=brain, tr=2.0, rng=np.random.default_rng(1))
        for s in (ramp, 0 * ramp)
    ]
    difference = (runs[0].raw.astype(float) - runs[1].raw)[brain.mask]
    followed = brain.blobs.sum(axis=1) > 0.9
    slices = np.nonzero(brain.mask)[2][followed]
    at = difference[followed] / brain.baseline[brain.mask][followed, None] * 100
    at /= brain.blobs.sum(axis=1)[followed, None]
    delays = slice_times(brain.mask.shape[2], 2.0)
    for k in np.unique(slices):
        onset = np.mean(at[slices == k], axis=0) * 10 - np.arange(40) * 2.0
        assert onset.mean() == pytest.approx(delays[k], abs=0.15)


def test_noise_is_autocorrelated_and_smooth(brain, rng):
    noise = make_noise(60, brain=brain, tr=2.0, rng=rng)
    centred = noise - noise.mean(axis=0)
    volume_to_volume = np.mean(centred[1:] * centred[:-1]) / np.mean(centred**2)
    neighbours = brain.mask[:-1] & brain.mask[1:]
    grid = np.zeros((*brain.mask.shape, 60))
    grid[brain.mask] = centred.T
    pairs = np.mean(grid[:-1][neighbours] * grid[1:][neighbours]) / np.mean(centred**2)
    assert 0.1 < volume_to_volume < 0.9
    assert 0.1 < pairs < 0.9
