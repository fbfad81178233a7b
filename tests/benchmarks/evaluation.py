"""What does it cost to test models against their nulls? Seconds of one core.

Run by hand: OMP_NUM_THREADS=1 python tests/benchmarks/evaluation.py [--draws 1000] [--volumes 300]

Twelve regions, five models, five runs, autocorrelated noise: prints the CPU seconds of each null and of the
whole evaluation (all figures, intervals, lags, specificity, nulls). The goal is at most 20 s. Training is not
part of it, and so neither are refitted nulls.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

from bids_eeg2fmri.evaluation.nulls import phase_null, shift_null, wrong_run_null
from bids_eeg2fmri.evaluation.scores import evaluate
from bids_eeg2fmri.evaluation.significance import run_null_tests
from bids_eeg2fmri.evaluation.tested import cross_run_fisher_z, tested_runs
from bids_eeg2fmri.records import AlignedRun, Entities, Predictions
from bids_eeg2fmri.settings import EvaluationSettings

GOAL = 20.0
TR, SFREQ = 2.0, 10.0


def main() -> None:
    """Make data, time every part, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    for name, value in (("draws", 1000), ("volumes", 300), ("regions", 12), ("models", 5), ("runs", 5)):
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    runs = [make_run(rng, k, options) for k in range(options.runs)]
    models = [make_predictions(rng, f"model{k}", runs) for k in range(options.models)]
    wrong = [[make_series(rng, run.bold.shape) for run in runs] for _ in runs]
    settings = EvaluationSettings(n_nulls=options.draws)

    def null_by_null(draw: Callable[[list], object]) -> None:
        for model in models:
            draw([part.pair("r_given_task_nuisance") for part in tested_runs(runs, model)])

    trs, n = [TR] * len(runs), options.draws
    parts: dict[str, Callable[[], object]] = {
        "circular shifts": lambda: null_by_null(
            lambda pairs: shift_null(pairs, trs, n_nulls=n, min_shift=20.0, rng=rng)
        ),
        "random phases": lambda: null_by_null(lambda pairs: phase_null(pairs, n_nulls=n, rng=rng)),
        "wrong run": lambda: null_by_null(
            lambda _: wrong_run_null(cross_run_fisher_z(runs, wrong, "r"), n_nulls=n, rng=rng)
        ),
        "all nulls, all three scores": lambda: [
            run_null_tests(m.model, tested_runs(runs, m), settings, rng=rng, wrong_runs=wrong) for m in models
        ],
        "whole evaluation": lambda: [evaluate(runs, m, settings, rng=rng, wrong_runs=wrong) for m in models],
    }
    print(
        f"{options.regions} regions, {options.models} models, {options.runs} runs x {options.volumes} volumes"
        f", {n} draws; CPU seconds"
    )
    for name, work in parts.items():
        start = time.process_time()
        work()
        seconds = time.process_time() - start
        print(f"{name:>28} {seconds:8.2f}", flush=True)
    print(f"{'goal':>28} {GOAL:8.2f}: {'met' if seconds <= GOAL else 'MISSED'}")


def make_run(rng: np.random.Generator, number: int, options: argparse.Namespace) -> AlignedRun:
    """Return a run of noise with a design of 4 and a nuisance of 20 regressors."""
    n = options.volumes
    return AlignedRun(
        entities=Entities(subject="01", task="imagery", run=number + 1),
        eeg=np.zeros((2, int(n * TR * SFREQ)), dtype=np.float32),
        sfreq=SFREQ,
        channel_names=("C3", "C4"),
        positions=np.full((2, 3), np.nan),
        volume_samples=np.arange(n, dtype=np.int64) * int(TR * SFREQ),
        tr=TR,
        bold=make_series(rng, (n, options.regions)),
        region_names=tuple(f"region{k}" for k in range(options.regions)),
        weights=np.ones(n),
        design=make_series(rng, (n, 4)),
        design_names=tuple("abcd"),
        nuisance=make_series(rng, (n, 20)),
        nuisance_names=tuple(f"nuisance{k}" for k in range(20)),
    )


def make_predictions(rng: np.random.Generator, model: str, runs: list[AlignedRun]) -> Predictions:
    """Return predictions of all runs, each by its own fold."""
    return Predictions(
        model=model,
        values=tuple(make_series(rng, run.bold.shape) for run in runs),
        training_means=tuple(np.zeros(run.bold.shape) for run in runs),
        folds=tuple(np.full(run.n_volumes, k) for k, run in enumerate(runs)),
    )


def make_series(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Return noise that is autocorrelated over some volumes."""
    series = rng.standard_normal(shape)
    for k in range(1, len(series)):
        series[k] += 0.7 * series[k - 1]
    return series


if __name__ == "__main__":
    main()
