"""What does a fit cost? Growth with runs and channels, against EEGNet as published, and peak memory.

Run by hand: python tests/benchmarks/speed.py [--models stack ridge] [--published] [--device cpu]

Times are CPU seconds of this process, so that other work on the machine counts little; every line is measured
in a process of its own, whose peak memory stands beside it. The data are noise of the right shape: what is in
them changes no cost but that of early stopping.

``--published`` trains EEGNet as it was published beside them, on the training data of one fold: windows, the
temporal filters before the spatial ones (8 of 64 taps on every channel), small batches and its 500 epochs, of
which a part of one is measured and the rest is reckoned.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import time

import numpy as np
import torch
from torch import nn

from bids_eeg2fmri.records import AlignedRun, Entities
from bids_eeg2fmri.registry import load_model, model_names
from bids_eeg2fmri.training.crossvalidation import cross_validate
from bids_eeg2fmri.training.splits import choose_splits

TR, N_VOLUMES, SFREQ, N_REGIONS = 2.0, 150, 100.0, 12
#: Epochs and taps of the publication of EEGNet; windows per batch; length of a window, s.
PUBLISHED_EPOCHS, PUBLISHED_BATCH, PUBLISHED_TAPS = 500, 16, 64
PUBLISHED_WINDOW = 10.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["stack", "ridge"], choices=model_names())
    parser.add_argument("--runs", nargs="*", type=int, default=[2, 4, 8, 12])
    parser.add_argument("--channels", nargs="*", type=int, default=[16, 32, 64, 128])
    parser.add_argument("--published", action="store_true")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    for name in options.models:
        print(f"\n{name}: {N_REGIONS} regions, runs of {N_VOLUMES * TR:g} s at {SFREQ:g} Hz")
        print(f"{'runs':>5} {'channels':>8} {'s/fit':>8} {'GB':>6}")
        for n_runs, n_channels in [(n, 32) for n in options.runs] + [(5, n) for n in options.channels]:
            seconds, memory = _in_own_process(_time_fit, name, n_runs, n_channels, options.device)
            print(f"{n_runs:5d} {n_channels:8d} {seconds:8.2f} {memory:6.2f}", flush=True)
        seconds, memory = _in_own_process(_time_folds, name, 5, 64, options.device)
        print(f"leave one of 5 runs out, 64 channels: {seconds:.1f} s in all, {memory:.2f} GB", flush=True)
    if options.published:
        seconds, memory = _in_own_process(_time_published, 4, 64, options.device)
        print(f"\nEEGNet as published, 4 training runs, 64 channels: {seconds:.0f} s/fit, {memory:.2f} GB")


def _in_own_process(function: object, *arguments: object) -> tuple[float, float]:
    """Return what a function returns, and the peak memory (GB) of the process it ran in."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        seconds: float = pool.apply(function, arguments)  # type: ignore[arg-type]
        peak = pool.apply(_peak_memory)
        pool.close()
        pool.join()
    return seconds, peak


def _peak_memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def _time_fit(name: str, n_runs: int, n_channels: int, device: str) -> float:
    """Return the CPU seconds of one fit with inner selection."""
    runs = _make_runs(n_runs, n_channels)
    start = time.process_time()
    load_model(name)().fit(runs, rng=np.random.default_rng(0), device=device)
    return time.process_time() - start


def _time_folds(name: str, n_runs: int, n_channels: int, device: str) -> float:
    """Return the CPU seconds of leave-one-run-out with inner selection."""
    runs = _make_runs(n_runs, n_channels)
    start = time.process_time()
    cross_validate(load_model(name)(), runs, choose_splits(runs), seed=0, device=device)
    return time.process_time() - start


def _make_runs(n_runs: int, n_channels: int) -> list[AlignedRun]:
    rng = np.random.default_rng(0)
    n_times = round((N_VOLUMES * TR + 10) * SFREQ)
    samples = np.round((np.arange(N_VOLUMES) + 3) * TR * SFREQ).astype(np.int64)
    mixing = rng.standard_normal((n_channels, n_channels))
    return [
        AlignedRun(
            entities=Entities(subject="01", task="noise", run=k + 1),
            eeg=(mixing @ rng.standard_normal((n_channels, n_times))).astype(np.float32),
            sfreq=SFREQ,
            channel_names=tuple(f"E{c}" for c in range(n_channels)),
            positions=np.full((n_channels, 3), np.nan),
            volume_samples=samples,
            tr=TR,
            bold=rng.standard_normal((N_VOLUMES, N_REGIONS)),
            region_names=tuple(f"r{r}" for r in range(N_REGIONS)),
            weights=np.ones(N_VOLUMES),
            design=np.zeros((N_VOLUMES, 0)),
            design_names=(),
            nuisance=np.zeros((N_VOLUMES, 0)),
            nuisance_names=(),
        )
        for k in range(n_runs)
    ]


def _time_published(n_runs: int, n_channels: int, device: str) -> float:
    """Return the CPU seconds of training EEGNet as published: four batches measured, times their number."""
    torch.manual_seed(0)
    n_times = round(PUBLISHED_WINDOW * SFREQ)
    network = _published_network(n_channels, n_times).to(device)
    optimizer = torch.optim.Adam(network.parameters())
    windows = torch.randn(n_runs * N_VOLUMES, 1, n_channels, n_times, device=device)
    targets = torch.randn(n_runs * N_VOLUMES, N_REGIONS, device=device)
    _epoch(network, optimizer, windows[:PUBLISHED_BATCH], targets[:PUBLISHED_BATCH])
    start = time.process_time()
    n_measured = 4 * PUBLISHED_BATCH
    _epoch(network, optimizer, windows[:n_measured], targets[:n_measured])
    return (time.process_time() - start) * len(windows) / n_measured * PUBLISHED_EPOCHS


def _epoch(
    network: nn.Module, optimizer: torch.optim.Optimizer, windows: torch.Tensor, targets: torch.Tensor
) -> None:
    for x, y in zip(windows.split(PUBLISHED_BATCH), targets.split(PUBLISHED_BATCH), strict=True):
        optimizer.zero_grad()
        (network(x) - y).square().mean().backward()
        optimizer.step()


def _published_network(n_channels: int, n_times: int) -> nn.Module:
    """Return EEGNet-8,2 (Lawhern 2018, doi 10.1088/1741-2552/aace8c), temporal convolution first."""
    return nn.Sequential(
        nn.Conv2d(1, 8, (1, PUBLISHED_TAPS), padding="same", bias=False),
        nn.BatchNorm2d(8),
        nn.Conv2d(8, 16, (n_channels, 1), groups=8, bias=False),
        nn.BatchNorm2d(16),
        nn.ELU(),
        nn.AvgPool2d((1, 4)),
        nn.Dropout(0.5),
        nn.Conv2d(16, 16, (1, 16), padding="same", groups=16, bias=False),
        nn.Conv2d(16, 16, 1, bias=False),
        nn.BatchNorm2d(16),
        nn.ELU(),
        nn.AvgPool2d((1, 8)),
        nn.Dropout(0.5),
        nn.Flatten(),
        nn.Linear(16 * (n_times // 32), N_REGIONS),
    )


if __name__ == "__main__":
    main()
