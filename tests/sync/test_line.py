import numpy as np
import pytest

from bids_eeg2fmri.sync.line import fit_line


def test_wrong_markers_do_not_bend_the_line():
    rng = np.random.default_rng(0)
    positions = np.arange(100)
    onsets = 3.0 + 2.0001 * positions + rng.uniform(-1e-4, 1e-4, 100)
    wrong = [0, 7, 50, 98]
    onsets[wrong] += [0.04, -0.03, 0.02, -0.04]

    line = fit_line(positions, onsets)

    assert np.flatnonzero(~line.inliers).tolist() == wrong
    np.testing.assert_allclose(line.at(positions), 3.0 + 2.0001 * positions, atol=5e-5)
    assert line.jitter == pytest.approx(1e-4 / np.sqrt(3), rel=0.2)


@pytest.mark.parametrize("sfreq", [100, 250])
@pytest.mark.parametrize("ppm", [0, 20, 100])
def test_no_marker_is_lost_to_sampling(ppm, sfreq):
    positions = np.arange(210)
    truth = 5.0019 + (1 - 1e-6 * ppm) * positions

    line = fit_line(positions, np.round(truth * sfreq) / sfreq)

    assert line.inliers.all()
    np.testing.assert_allclose(line.at(positions), truth, atol=1 / sfreq)


def test_jitter_of_all_markers_is_kept():
    rng = np.random.default_rng(1)
    positions = np.arange(200)
    onsets = 2.0 * positions + 0.01 * rng.standard_normal(200)

    line = fit_line(positions, onsets)

    assert line.inliers.sum() >= 199
    assert line.jitter == pytest.approx(0.01, rel=0.15)


@pytest.mark.parametrize("positions", [[0], [0, 0, 1], [2, 1, 0]])
def test_a_line_needs_ascending_positions(positions):
    with pytest.raises(ValueError, match="ascending"):
        fit_line(np.asarray(positions), np.arange(len(positions), dtype=float))
