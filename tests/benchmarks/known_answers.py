"""Do the models find what is there, and nothing where nothing is? Simulated datasets, through the command.

Run by hand: python tests/benchmarks/known_answers.py [--coupling power none task-only] [--nprocs 2]

Prints for every coupling and model over participants: mean r and r given the task over regions, the gain over
the task design, and how many participants have p < .05. Each number is of runs that the model did not see.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from bids_eeg2fmri.formats.score_table import read_scores

#: Coupling to the size of its simulation: participants, runs, volumes, channels.
SIZES = {
    "power": (6, 3, 150, 32),
    "none": (20, 3, 80, 16),
    "task-only": (20, 3, 80, 16),
}


def main() -> None:
    """Simulate, run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--coupling", nargs="+", default=list(SIZES), choices=list(SIZES))
    parser.add_argument("--model", nargs="+", default=["ridge", "eegnet"])
    parser.add_argument("--nprocs", default="2")
    parser.add_argument("--seed", default="100")
    parser.add_argument("--runs", type=int, help="instead of the size of each coupling")
    parser.add_argument("--keep", type=Path, help="folder to keep data and results in")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for coupling in options.coupling:
            report(coupling, (options.keep or Path(folder)) / coupling, options)


def report(coupling: str, folder: Path, options: argparse.Namespace) -> None:
    """Simulate one dataset, run the participant level, print one line per model."""
    participants, runs, volumes, channels = SIZES[coupling]
    runs = options.runs or runs
    size = {"participants": participants, "runs": runs, "volumes": volumes, "channels": channels}
    flags = [text for name, value in size.items() for text in (f"--{name}", str(value))]
    call("bids_eeg2fmri_simulate", folder / "bids", "--coupling", coupling, "--seed", options.seed, *flags)
    start = time.monotonic()
    call(
        "bids_eeg2fmri",
        folder / "bids",
        folder / "out",
        "participant",
        *("--model", *options.model, "--nprocs", options.nprocs, "--device", "cpu"),
    )
    seconds = time.monotonic() - start
    print(f"\n{coupling}: {participants} participants, {runs} runs x {volumes} volumes, {channels} channels")
    print(f"participant level: {seconds:.0f} s with --nprocs {options.nprocs}")
    heads = ("r", "(min", "max)", "r|task", "z-task", "p<.05", "p|task")
    print(f"{'model':>10} " + " ".join(f"{head:>7}" for head in heads))
    tables = sorted((folder / "out").glob("sub-*/*_metrics.tsv"))
    scores = [[s for s in read_scores(t) if (s.region, s.run) == ("mean", "all")] for t in tables]
    for model in ("task", *options.model):
        own = [next(s for s in one if s.model == model) for one in scores]
        task = [next(s for s in one if s.model == "task") for one in scores]
        r = np.array([s.r for s in own])
        given = np.array([s.r_given_task for s in own])
        gain = np.mean([s.fisher_z - t.fisher_z for s, t in zip(own, task, strict=True)])
        n_p = sum(s.p < 0.05 for s in own)
        n_given = sum(s.p_given_task < 0.05 for s in own)
        print(
            f"{model:>10} {r.mean():7.3f} {r.min():7.3f} {r.max():7.3f} {given.mean():7.3f} {gain:7.3f} "
            f"{n_p:4d}/{len(own)} {n_given:4d}/{len(own)}",
            flush=True,
        )


def call(*arguments: object) -> None:
    """Run a command; what it says goes to stderr."""
    subprocess.run([str(a) for a in arguments], check=True, stdout=sys.stderr)


if __name__ == "__main__":
    main()
