from dataclasses import replace

import numpy as np
import pytest
from simulated_runs import make_runs

from bids_eeg2fmri.errors import UsageError
from bids_eeg2fmri.models.band_power import measure_band_power
from bids_eeg2fmri.models.efp import Efp
from bids_eeg2fmri.models.hrf import delay_basis
from bids_eeg2fmri.records import AlignedRun

SMALL = {"bands": {"theta": (4.0, 8.0), "mu": (8.0, 12.0)}, "duration": 8.0, "spacing": 2.0}


def fit(runs: list[AlignedRun], **options: object) -> object:
    return Efp(**{**SMALL, **options}).fit(runs, rng=np.random.default_rng(0))  # type: ignore[arg-type]


def test_each_region_finds_its_electrode() -> None:
    """The second region is driven by another channel than the first: the channels are swapped for it."""
    runs = make_runs(3, n_volumes=120, coupling=2.0)
    other = make_runs(3, seed=1, n_volumes=120, coupling=2.0)
    for k, (a, b) in enumerate(zip(runs, other, strict=True)):
        eeg = a.eeg.copy()
        eeg[2] = b.eeg[0]
        bold = np.stack([a.bold[:, 0], b.bold[:, 0]], axis=1)
        runs[k] = replace(a, eeg=eeg, bold=bold)
    filters = fit(runs).spatial_filters()
    used = np.abs(filters.weights.reshape(2, 2, 4)).sum(axis=1) > 0  # (n_regions, n_channels)
    np.testing.assert_array_equal(used, [[True, False, False, False], [False, False, True, False]])
    assert filters.names == ("r0 theta", "r0 mu", "r1 theta", "r1 mu")
    assert np.all(filters.weights.reshape(2, 2, 4)[:, 1].sum(axis=1) < 0)  # more mu power, less BOLD


def test_features_are_means_of_log_power_over_stretches_of_the_past() -> None:
    (run, second) = make_runs(2, n_volumes=80, coupling=2.0)
    model = fit([run, second], penalties=(0.5,), duration=4.0)
    rows, predictions = [], []
    for r in (run, second):
        power = measure_band_power(r.eeg[:1], r.sfreq, bands=SMALL["bands"], frame_rate=4.0, smoothing=1.0)
        frames = power.frames_at(r.volume_samples)
        # Means over frames now .. -7 and -8 .. -15; before the recording: the mean of what has been seen.
        late = frames >= 15
        x = np.stack(
            [
                np.concatenate(
                    [power.log_power[f - 7 : f + 1, 0].mean(0), power.log_power[f - 15 : f - 7, 0].mean(0)]
                )
                for f in frames[late]
            ]
        )
        rows.append(x)
        predictions.append(model.predict(r)[late])
    weights = model.weights.reshape(2, 4, 2, 2)[:, 0].reshape(4, 2)
    for x, predicted in zip(rows, predictions, strict=True):
        np.testing.assert_allclose(
            predicted - predicted.mean(0), (x - x.mean(0)) @ weights, rtol=1e-6, atol=1e-9
        )


def test_delays_tile_the_past() -> None:
    basis = delay_basis(0.25, duration=12.0, spacing=1.0)
    assert basis.shape == (12, 48)
    np.testing.assert_allclose(basis.sum(axis=1), 1.0)
    np.testing.assert_allclose(basis.sum(axis=0), 0.25)
    np.testing.assert_array_equal(np.flatnonzero(basis[2]), [8, 9, 10, 11])


def test_a_dead_electrode_is_not_chosen() -> None:
    runs = make_runs(2, coupling=0.0)
    for k, run in enumerate(runs):
        eeg = run.eeg.copy()
        eeg[[0, 1, 3]] = 0.0
        runs[k] = replace(run, eeg=eeg)
    used = np.abs(fit(runs).spatial_filters().weights).sum(axis=0) > 0
    np.testing.assert_array_equal(used, [False, False, True, False])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"bands": {"x": (12.0, 8.0)}}, "efp: band 'x'"),
        ({"spacing": 20.0}, "must not be longer"),
        ({"duration": 0.0}, "duration is 0"),
        ({"penalties": ()}, "penalties"),
    ],
)
def test_settings_are_checked(options: dict, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Efp(**options)
