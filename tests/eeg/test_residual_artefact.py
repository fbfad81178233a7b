from __future__ import annotations

import numpy as np

from bids_eeg2fmri.eeg.residual_artefact import residual_basis_fit

N_VOLUMES, N_BINS = 60, 250
TIMES = np.arange(N_BINS) / 250


def noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, (N_VOLUMES, N_BINS, 2)).astype(np.float32)


def test_what_changes_alike_at_low_and_high_frequencies_goes_and_the_rest_stays():
    course = np.random.default_rng(1).normal(0, 4, N_VOLUMES)
    clean = noise()
    artefact = np.outer(course, np.sin(2 * np.pi * 15 * TIMES) + np.sin(2 * np.pi * 75 * TIMES))
    volumes = clean.copy()
    volumes[:, :, 0] += artefact
    explained, n_mean = residual_basis_fit(volumes, "auto", period=1.0)
    assert n_mean == 0.5  # one in the first channel, none in the second
    assert np.std(explained[:, :, 0] - artefact) < 0.2 * artefact.std()
    assert np.all(explained[:, :, 1] == 0)


def test_eeg_and_bursts_are_no_artefact():
    volumes = noise()
    rhythm = np.random.default_rng(2).normal(0, 10, N_VOLUMES)
    volumes += (np.outer(rhythm, np.sin(2 * np.pi * 10 * TIMES)))[:, :, None].astype(np.float32)
    volumes[7] *= 20
    explained, n_mean = residual_basis_fit(volumes, "auto", period=1.0)
    assert n_mean == 0
    assert not explained.any()


def test_the_number_asked_for_is_taken():
    explained, n_mean = residual_basis_fit(noise(), 5, period=1.0)
    assert n_mean == 5
    assert np.linalg.matrix_rank(explained[:, :, 0]) == 5
