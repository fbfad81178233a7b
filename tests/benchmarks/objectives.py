"""How well are levels and conditions told apart? Simulated datasets, through the command.

Run by hand: python tests/benchmarks/objectives.py [--coupling power none] [--networks]

Prints for every coupling, objective and classifier the balanced accuracy of each participant over all runs,
its mean beside chance, and how many participants have p < .05. All of runs that were not learned from.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from bids_eeg2fmri.formats.classification_tables import read_class_scores

#: Objective to its settings: (label, objective, further arguments).
QUESTIONS = (
    ("3 levels", "levels", ()),
    ("2 s windows", "condition", ()),
    ("10 s windows", "condition", ("--set", "condition.window=10")),
)
LINEAR = {"levels": ["logistic"], "condition": ["lda"]}


def main() -> None:
    """Simulate, run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--coupling", nargs="+", default=["power", "none"])
    parser.add_argument("--participants", default="6")
    parser.add_argument("--runs", default="3")
    parser.add_argument("--volumes", default="150")
    parser.add_argument("--seed", default="100")
    parser.add_argument("--networks", action="store_true", help="eegnet too")
    options = parser.parse_args()
    size = ("--participants", options.participants, "--runs", options.runs, "--volumes", options.volumes)
    with tempfile.TemporaryDirectory() as folder:
        for coupling in options.coupling:
            data = Path(folder) / coupling
            call("bids_eeg2fmri_simulate", data, "--coupling", coupling, "--seed", options.seed, *size)
            for label, objective, arguments in QUESTIONS:
                models = LINEAR[objective] + ["eegnet"] * options.networks
                out = Path(folder) / f"{coupling} {label}"
                asked = (
                    "--objective",
                    objective,
                    "--model",
                    *models,
                    "-w",
                    Path(folder) / f"work {coupling}",
                )
                call("bids_eeg2fmri", data, out, "participant", *asked, *arguments)
                show(f"{coupling}, {label}", out, objective, models)


def show(title: str, out: Path, objective: str, models: list[str]) -> None:
    """Print the scores over all runs of every participant."""
    tables = sorted(out.glob(f"sub-*/*_desc-{objective}_metrics.tsv"))
    region = "mean" if objective == "levels" else "condition"
    scores = [s for t in tables for s in read_class_scores(t) if (s.run, s.region) == ("all", region)]
    for model in models:
        own = [s for s in scores if s.model == model]
        accuracy = np.array([s.balanced_accuracy for s in own])
        print(
            f"{title:>24} {model:>9}: mean {accuracy.mean():.3f}, "
            f"chance {np.mean([s.chance for s in own]):.3f}, "
            f"p < .05 in {sum(s.p < 0.05 for s in own)}/{len(own)}; each {np.round(accuracy, 2).tolist()}",
            flush=True,
        )


def call(*arguments: object) -> None:
    """Run a command; what it says goes to stderr."""
    subprocess.run([str(a) for a in arguments], check=True, stdout=sys.stderr)


if __name__ == "__main__":
    main()
