from dataclasses import replace

import numpy as np
import pytest

from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.records import CleanEeg, Entities, RegionSeries, TaskEvent, VolumeClock
from bids_eeg2fmri.sync.align import align_run

N, TR, SFREQ = 30, 2.0, 100.0
RUN = Entities(subject="01", task="imagery", run=2)
EEG = CleanEeg(
    data=np.arange(2 * 7000, dtype=np.float32).reshape(2, 7000),
    sfreq=SFREQ,
    channel_names=("C3", "C4"),
    positions=np.zeros((2, 3)),
    steps=(),
)
REGIONS = RegionSeries(
    data=np.random.default_rng(0).standard_normal((N, 3)),
    region_names=("a", "b", "c"),
    weights=np.where(np.arange(N) == 4, 0.0, 1.0),
    labels=np.zeros((2, 2, 2), dtype=np.int32),
    affine=np.eye(4),
    space="MNI152NLin2009cAsym",
    nuisance=np.ones((N, 2)),
    nuisance_names=("x", "y"),
    steps=(),
)
EVENTS = (TaskEvent(onset=20.0, duration=10.0, condition="imagery"),)


def clock_from(onset, tr=TR, n_volumes=N):
    return VolumeClock(onsets=onset + tr * np.arange(n_volumes), source="test", jitter=0.0, drift=0.0)


def align(clock, eeg=EEG, regions=REGIONS, start_time=1.0):
    return align_run(RUN, eeg, clock, regions, EVENTS, tr=TR, start_time=start_time)


def test_samples_are_where_the_values_of_the_volumes_refer_to():
    run = align(clock_from(5.003), start_time=0.5)

    np.testing.assert_array_equal(run.volume_samples, 550 + 200 * np.arange(N))
    np.testing.assert_array_equal(run.weights, REGIONS.weights)
    assert run.eeg is EEG.data
    assert run.bold is REGIONS.data
    assert (run.tr, run.sfreq, run.events, run.entities) == (TR, SFREQ, EVENTS, RUN)


def test_the_design_is_sampled_at_the_same_moments():
    design = align(clock_from(5.0), start_time=0.0).design
    moved = align(clock_from(4.0), start_time=1.0).design

    assert design.shape == (N, 2)
    np.testing.assert_allclose(design, moved)


def test_volumes_outside_the_eeg_have_no_weight():
    early, late = align(clock_from(-5.0)), align(clock_from(20.0))

    np.testing.assert_array_equal(early.weights[:5], [0, 0, 1, 1, 0])
    assert early.volume_samples[0] == -400
    np.testing.assert_array_equal(late.weights[-7:], [1, 1, 0, 0, 0, 0, 0])


def test_the_numbers_of_volumes_must_agree():
    with pytest.raises(BadDataError, match=r"sub-01_task-imagery_run-2: the clock has 31 volumes but .* 30"):
        align(clock_from(5.0, n_volumes=31))


def test_the_trs_must_agree():
    with pytest.raises(BadDataError, match=r"2\.100 s apart .* 2\.000 s"):
        align(clock_from(5.0, tr=2.1))


def test_some_volume_must_lie_within_the_eeg():
    with pytest.raises(BadDataError, match="none of the 30 volumes"):
        align(clock_from(100.0))


def test_a_run_of_one_volume_is_aligned():
    one = replace(REGIONS, data=REGIONS.data[:1], weights=REGIONS.weights[:1], nuisance=REGIONS.nuisance[:1])

    with pytest.raises(BadDataError, match="none of the 1 volumes"):
        align_run(RUN, EEG, clock_from(100.0, n_volumes=1), one, (), tr=TR, start_time=0.0)


def test_the_lookahead_of_the_cleaning_is_made_up_for():
    plain = align(clock_from(5.0))
    ahead = align(clock_from(5.0), eeg=replace(EEG, lookahead=0.1))
    np.testing.assert_array_equal(ahead.volume_samples, plain.volume_samples - 10)


def test_volumes_with_uncorrected_eeg_in_their_last_tr_have_no_weight():
    weights = np.ones(7000, dtype=np.float32)
    weights[1000:1250] = 0  # volumes are at 600, 800, 1000, 1200, 1400, ...
    weights[2950:3050] = 0.5  # a clipped burst
    run = align(clock_from(5.0), eeg=replace(EEG, weights=weights))
    assert np.flatnonzero(run.weights == 0).tolist() == [2, 3, 4]
    assert np.all(np.isin(run.weights, (0, 1)))


def test_nuisance_of_the_eeg_is_averaged_over_the_tr_before_each_volume():
    series = np.arange(7000, dtype=np.float32)[:, None] * [1, 0]
    eeg = replace(EEG, nuisance=series.astype(np.float32), nuisance_names=("heart_rate", "bursts"))
    run = align(clock_from(5.0), eeg=eeg)
    assert run.nuisance_names == ("x", "y", "heart_rate", "bursts")
    np.testing.assert_allclose(run.nuisance[:, 2], 600 + 200 * np.arange(N) - 99.5)
    np.testing.assert_array_equal(run.nuisance[:, [0, 1, 3]], [[1, 1, 0]] * N)
    outside = align(clock_from(-5.0), eeg=eeg).nuisance
    assert outside[0, 2] == 0
    assert outside[2, 2] == 0
    assert outside[3, 2] == 100.5
