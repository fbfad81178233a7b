"""Do the models find what is there, and nothing where nothing is? Simulated datasets, through the command.

Run by hand: python tests/benchmarks/known_answers.py [--coupling power none task-only motion] [--nprocs 2]

Prints for every coupling and model over participants: mean r, r given the task, and r given task and nuisance
over regions, the gain over the task design, how many participants have p < .05 (of each of the three), and
what the verdicts say. Each number is of runs that the model did not see. Where EEG and BOLD share the task or
head movements only, r given task and nuisance must be near 0, and no model "beyond task and nuisance" more
often than chance.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from bids_eeg2fmri.evaluation.baselines import BASELINE_NAMES
from bids_eeg2fmri.formats.score_table import read_scores
from bids_eeg2fmri.records import MEASURES, Score
from bids_eeg2fmri.report.verdict import judge_participant

#: Coupling to the size of its simulation: participants, runs, volumes, channels.
SIZES = {
    "power": (6, 3, 150, 32),
    "none": (20, 3, 80, 16),
    "task-only": (20, 3, 80, 16),
    "motion": (12, 3, 100, 16),
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
    heads = ("r", "(min", "max)", "r|task", "r|t+nuis", "z-task", "p<.05", "p|task", "p|t+nuis")
    print(f"{'model':>12} " + " ".join(f"{head:>8}" for head in heads))
    tables = sorted((folder / "out").glob("sub-*/*_desc-scores_metrics.tsv"))
    everything = [read_scores(table) for table in tables]
    overall = [{s.model: s for s in one if (s.region, s.run) == ("mean", "all")} for one in everything]
    for model in (*BASELINE_NAMES, *options.model):
        print_model([one[model] for one in overall], [one["task"] for one in overall])
    verdicts = [verdict for one in everything for verdict in judge_participant(one)]
    for model in options.model:
        counts = Counter(verdict.label for verdict in verdicts if verdict.model == model)
        print(f"{model}: " + ", ".join(f"{label} {n}" for label, n in counts.most_common()), flush=True)


def print_model(own: list[Score], task: list[Score]) -> None:
    """Print one line of the table: a model's scores of all participants, beside those of the task."""
    r = np.array([s.r for s in own])
    gain = np.mean([s.fisher_z - t.fisher_z for s, t in zip(own, task, strict=True)])
    figures = (
        r.mean(),
        r.min(),
        r.max(),
        *(np.mean([getattr(s, name) for s in own]) for name in MEASURES[1:]),
    )
    p_names = ("p", "p_given_task", "p_given_task_nuisance")
    counts = (f"{sum(getattr(s, name) < 0.05 for s in own)}/{len(own)}" for name in p_names)
    print(
        f"{own[0].model:>12} "
        + " ".join(f"{figure:8.3f}" for figure in (*figures, gain))
        + " "
        + " ".join(f"{count:>8}" for count in counts)
    )


def call(*arguments: object) -> None:
    """Run a command; what it says goes to stderr."""
    subprocess.run([str(a) for a in arguments], check=True, stdout=sys.stderr)


if __name__ == "__main__":
    main()
