"""Patterns recover where a source is, which weights do not."""

import numpy as np
import pytest

from bids_eeg2fmri.explain.patterns import explain_model
from bids_eeg2fmri.records import AlignedRun, Entities, SpatialFilters

SFREQ = 100.0
N_CHANNELS = 8


def make_run(eeg, run=1):
    n_volumes = 10
    return AlignedRun(
        entities=Entities(subject="01", task="imagery", run=run),
        eeg=eeg.astype(np.float32),
        sfreq=SFREQ,
        channel_names=tuple(f"E{k}" for k in range(len(eeg))),
        positions=np.zeros((len(eeg), 3)),
        volume_samples=np.arange(n_volumes) * 100,
        tr=1.0,
        bold=np.zeros((n_volumes, 1)),
        region_names=("M1_L",),
        weights=np.ones(n_volumes),
        design=np.zeros((n_volumes, 0)),
        design_names=(),
        nuisance=np.zeros((n_volumes, 0)),
        nuisance_names=(),
    )


def make_filters(weights, *, domain, bands):
    names = tuple(f"filter {k + 1}" for k in range(len(weights)))
    return SpatialFilters(
        names=names, weights=np.asarray(weights), domain=domain, bands=np.asarray(bands, dtype=float)
    )


def correlation(a, b):
    return abs(np.corrcoef(a, b)[0, 1])


def mix_sources(rng, n_times=6000):
    """Return EEG (8, n_times), the source's column, and the weights that pick it out of strong noise."""
    t = np.arange(n_times) / SFREQ
    source = np.sin(2 * np.pi * 10 * t) * (1 + 0.5 * np.sin(2 * np.pi * 0.3 * t))
    column = rng.normal(size=N_CHANNELS)
    noise_columns = rng.normal(size=(N_CHANNELS, 4)) * 3
    eeg = np.outer(column, source) + noise_columns @ rng.normal(size=(4, n_times))
    eeg += 0.1 * rng.normal(size=(N_CHANNELS, n_times))
    weights = np.linalg.lstsq(eeg.T, source, rcond=None)[0]
    return eeg, column, weights


def test_an_amplitude_pattern_is_the_sources_mixing_column():
    rng = np.random.default_rng(1)
    eeg, column, weights = mix_sources(rng)
    filters = make_filters([weights], domain="amplitude", bands=[(1, 40)])
    pattern = explain_model("ridge", filters, [make_run(eeg)]).patterns[0]
    assert correlation(pattern, column) > 0.98
    assert correlation(weights, column) < 0.8
    assert np.abs(pattern).max() == pytest.approx(1.0)


def test_the_covariance_is_that_of_the_filters_own_band():
    rng = np.random.default_rng(2)
    t = np.arange(6000) / SFREQ
    alpha, beta = rng.normal(size=(2, N_CHANNELS))
    eeg = np.outer(alpha, np.sin(2 * np.pi * 10 * t)) + np.outer(beta, np.sin(2 * np.pi * 22 * t))
    weights = rng.normal(size=N_CHANNELS)
    filters = make_filters([weights, weights], domain="amplitude", bands=[(8, 13), (18, 26)])
    patterns = explain_model("eegnet", filters, [make_run(eeg)]).patterns
    assert correlation(patterns[0], alpha) > 0.99
    assert correlation(patterns[1], beta) > 0.99


def test_a_power_pattern_shows_the_channels_whose_power_goes_with_the_output():
    rng = np.random.default_rng(3)
    n_seconds = 200
    log_power = rng.normal(size=(N_CHANNELS, n_seconds)) * 0.2
    shared = rng.normal(size=n_seconds)
    log_power[2] += shared
    log_power[3] += shared  # no weight of its own, but its power goes along
    t = np.arange(n_seconds * 100) / SFREQ
    eeg = np.exp(0.5 * np.repeat(log_power, 100, axis=1)) * np.sin(2 * np.pi * 10 * t)
    weights = np.zeros(N_CHANNELS)
    weights[2] = -1.0
    filters = make_filters([weights], domain="power", bands=[(8, 13)])
    pattern = explain_model("ridge", filters, [make_run(eeg)]).patterns[0]
    assert set(np.argsort(pattern)[:2]) == {2, 3}
    assert pattern[3] < -0.6
    assert np.abs(np.delete(pattern, [2, 3])).max() < 0.25


def test_zero_filters_and_flat_channels_stay_zero():
    rng = np.random.default_rng(4)
    eeg = rng.normal(size=(N_CHANNELS, 2000))
    eeg[5] = 0.0
    weights = np.vstack([np.zeros(N_CHANNELS), rng.normal(size=N_CHANNELS)])
    for domain in ("amplitude", "power"):
        filters = make_filters(weights, domain=domain, bands=[(8, 13)] * 2)
        patterns = explain_model("ridge", filters, [make_run(eeg)]).patterns
        assert np.all(patterns[0] == 0)
        assert patterns[1, 5] == pytest.approx(0.0, abs=1e-6)
        assert np.isfinite(patterns).all()


def test_runs_count_the_same_whatever_their_order():
    rng = np.random.default_rng(5)
    runs = [make_run(rng.normal(size=(N_CHANNELS, n)), run=k) for k, n in enumerate((1500, 3000), start=1)]
    filters = make_filters([rng.normal(size=N_CHANNELS)], domain="amplitude", bands=[(0, 50)])
    forward = explain_model("ridge", filters, runs).patterns
    backward = explain_model("ridge", filters, runs[::-1]).patterns
    expected = np.mean([np.cov(run.eeg.astype(float)) for run in runs], axis=0) @ filters.weights[0]
    np.testing.assert_allclose(forward, backward)
    np.testing.assert_allclose(forward[0], expected / np.abs(expected).max())


def test_filters_over_other_channels_are_refused():
    run = make_run(np.zeros((N_CHANNELS, 2000)))
    filters = make_filters(np.ones((1, 3)), domain="amplitude", bands=[(8, 13)])
    with pytest.raises(ValueError, match="8 channels"):
        explain_model("ridge", filters, [run])
    with pytest.raises(ValueError, match="at least one run"):
        explain_model("ridge", filters, [])
