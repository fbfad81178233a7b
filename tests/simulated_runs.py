"""Aligned runs made of numbers, for tests that need no files."""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter

from bids_eeg2fmri.records import AlignedRun, Entities

CAP = ("C3", "Cz", "C4", "Pz", "Fz")


def smooth_noise(rng: np.random.Generator, *shape: int, memory: float = 0.8) -> np.ndarray:
    """Return noise with the autocorrelation of BOLD along the first axis."""
    return lfilter([1], [1, -memory], rng.normal(size=(shape[0] + 50, *shape[1:])), axis=0)[50:]


def make_run(
    rng: np.random.Generator,
    *,
    run: int = 1,
    session: str = "",
    n_volumes: int = 60,
    n_channels: int = 4,
    n_regions: int = 2,
    coupling: float = 1.0,
    tr: float = 2.0,
) -> AlignedRun:
    """Return a run in which the power of the first channel at 10 Hz drives the BOLD 5 s later."""
    sfreq = 100.0
    n_times = int((n_volumes * tr + 10) * sfreq)
    times = np.arange(n_times) / sfreq
    level = smooth_noise(rng, n_times // 100 + 1)
    drive = np.interp(times, np.arange(len(level)), level / level.std())
    eeg = rng.normal(0, 5, (n_channels, n_times))
    eeg[0] += 10 * np.exp(0.5 * drive) * np.sin(2 * np.pi * 10 * times)
    samples = (np.arange(n_volumes) * tr * sfreq).astype(np.int64) + 500
    delayed = -drive[np.maximum(samples - 500, 0)]
    bold = coupling * delayed[:, None] + smooth_noise(rng, n_volumes, n_regions) / 2
    blocks = (np.arange(n_volumes) // 10 % 2).astype(float)
    return AlignedRun(
        entities=Entities(subject="01", session=session, task="a", run=run),
        eeg=eeg.astype(np.float32),
        sfreq=sfreq,
        channel_names=tuple(CAP[:n_channels]) + tuple(f"X{k}" for k in range(len(CAP), n_channels)),
        positions=np.full((n_channels, 3), np.nan),
        volume_samples=samples,
        tr=tr,
        bold=bold - bold.mean(axis=0),
        region_names=tuple(f"r{k}" for k in range(n_regions)),
        weights=np.ones(n_volumes),
        design=blocks[:, None],
        design_names=("task",),
        nuisance=np.zeros((n_volumes, 0)),
        nuisance_names=(),
    )


def make_runs(n_runs: int = 3, seed: int = 0, **options: object) -> list[AlignedRun]:
    """Return several runs of one participant."""
    rng = np.random.default_rng(seed)
    return [make_run(rng, run=k + 1, **options) for k in range(n_runs)]  # type: ignore[arg-type]
