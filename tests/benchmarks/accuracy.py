"""How near does each model come to what can be known? All models on the same simulated people and folds.

Run by hand, for example

    python tests/benchmarks/accuracy.py                                  (everything: hours)
    python tests/benchmarks/accuracy.py --couplings power --participants 2 --channels 32 --models stack ridge

Five runs of 300 s, leave one run out. What was simulated and what each model predicts is kept in --cache, so
that a run that was stopped goes on, and only models whose code changed are trained again.

Blind separation into sources suits a simulation of few sources. --distractors N adds N rhythms all over the
cortex, that no region follows: with 60 there are more than any cap can tell apart.

Columns: r to measured BOLD (mean Fisher z over regions and runs); the same over the noise ceiling (noiseless
against measured BOLD) and over the EEG oracle (see oracle.py); r given the task; R²; slope of measured on
predicted; CPU seconds per fit, inner selection and prediction included; numbers in the trained model; p of
the paired one-sided sign-flip test that the first model named is better; share of participants with p < .05.

Choose settings on another seed than the one whose table you show.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from participants import Participant, load_participant
from predictions import LIMITS, Tried, load_tried

from bids_eeg2fmri.evaluation.metrics import fisher_z
from bids_eeg2fmri.evaluation.scores import evaluate
from bids_eeg2fmri.records import Floats
from bids_eeg2fmri.registry import model_names
from bids_eeg2fmri.settings import EvaluationSettings
from bids_eeg2fmri.simulate.brain import load_brain
from bids_eeg2fmri.simulate.options import SimulationOptions
from bids_eeg2fmri.stats.signflip import sign_flip_test

COUPLINGS = ("power", "log-power", "spectral-shift", "bursts", "mixed", "none")

Result = dict[str, float]


def main() -> None:
    """Train what is missing and print the tables."""
    options = _parse()
    brain = load_brain()
    rows: dict[tuple[str, int, str, int], Result] = {}
    for coupling in options.couplings:
        simulation = SimulationOptions(
            channels=64, runs=5, coupling=coupling, distractors=options.distractors, seed=options.seed
        )
        for number in _numbers(options):
            whole = load_participant(number, simulation, brain=brain, cache=options.cache)
            for n_channels in options.channels:
                participant = whole.with_channels(n_channels)
                for name in (*LIMITS, *options.models):
                    tried = load_tried(participant, name, simulation, brain=brain, cache=options.cache)
                    key = (coupling, n_channels, name, number)
                    rows[key] = _score(participant, tried, n_nulls=options.nulls)
        for n_channels in options.channels:
            _print_table(rows, coupling, n_channels, options)
    for n_channels in options.channels:
        _print_over_couplings(rows, n_channels, options)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--couplings", nargs="+", default=list(COUPLINGS[:-1]), choices=COUPLINGS)
    parser.add_argument("--first", type=int, default=1, help="number of the first participant")
    parser.add_argument("--participants", type=int, default=12)
    parser.add_argument("--channels", nargs="+", type=int, default=[32, 64])
    others = [name for name in model_names() if name != "stack"]
    parser.add_argument("--models", nargs="+", default=["stack", *others], choices=model_names())
    parser.add_argument("--distractors", type=int, default=0, help="rhythms that no region follows")
    parser.add_argument("--seed", type=int, default=100)
    parser.add_argument("--nulls", type=int, default=500, help="circular shifts for p < .05")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir(), "bids_eeg2fmri_benchmark"))
    return parser.parse_args()


def _numbers(options: argparse.Namespace) -> range:
    return range(options.first, options.first + options.participants)


def _score(participant: Participant, tried: Tried, *, n_nulls: int) -> Result:
    """Return the scores of one model on one participant."""
    runs, predictions = participant.runs, tried.predictions
    settings = EvaluationSettings(n_nulls=n_nulls)
    tested = evaluate(runs, predictions, settings, rng=np.random.default_rng(0))
    overall = next(s for s in tested.scores if s.run == "all" and s.region == "mean")
    x = np.concatenate([v - v.mean(axis=0) for v in predictions.values]).ravel()
    y = np.concatenate([run.bold - run.bold.mean(axis=0) for run in runs]).ravel()
    if predictions.model == "ceiling":  # of no prediction's size
        x = np.zeros_like(x)
        overall = replace(overall, r2=float("nan"))
    return {
        "z": overall.fisher_z,
        "z_task": float(fisher_z(np.array(overall.r_given_task))),
        "r2": overall.r2,
        "slope": float(x @ y / (x @ x)) if np.any(x) else float("nan"),
        "p": overall.p,
        "seconds": tried.seconds,
        "parameters": tried.n_parameters,
    }


def _print_table(
    rows: dict[tuple[str, int, str, int], Result], coupling: str, n_channels: int, options: argparse.Namespace
) -> None:
    """Print one line per model."""
    numbers = _numbers(options)

    def column(name: str, what: str) -> Floats:
        return np.array([rows[coupling, n_channels, name, k][what] for k in numbers])

    first = options.models[0]
    limits = {name: np.tanh(column(name, "z").mean()) for name in ("ceiling", "oracle")}
    if coupling == "none":  # a share of nothing
        limits["oracle"] = float("nan")
    crowd = f", {options.distractors} distractors" if options.distractors else ""
    print(
        f"\n{coupling}, {n_channels} channels{crowd}, seed {options.seed}, "
        f"participants {numbers[0]} to {numbers[-1]}"
    )
    heads = ("r", "/ceiling", "/oracle", "r|task", "R2", "slope", "s/fit", "numbers", "p first>", "p<.05")
    print(f"{'model':>10} " + " ".join(f"{head:>8}" for head in heads))
    for name in (*LIMITS, *options.models):
        r = np.tanh(column(name, "z").mean())
        p = _paired_p(column(first, "z") - column(name, "z")) if name != first else float("nan")
        figures = (
            f"{r:8.3f} {r / limits['ceiling']:8.2f} {r / limits['oracle']:8.2f} "
            f"{np.tanh(column(name, 'z_task').mean()):8.3f} {column(name, 'r2').mean():8.3f} "
            f"{np.median(column(name, 'slope')):8.2f} {column(name, 'seconds').mean():8.2f} "
            f"{column(name, 'parameters').mean():8.0f} {p:8.4f} {(column(name, 'p') < 0.05).mean():8.2f}"
        )
        print(f"{name:>10} {figures}", flush=True)


def _print_over_couplings(
    rows: dict[tuple[str, int, str, int], Result], n_channels: int, options: argparse.Namespace
) -> None:
    """Print the mean over couplings, and whether the first model is better there."""
    couplings = [coupling for coupling in options.couplings if coupling != "none"]
    if len(couplings) < 2:
        return
    numbers = _numbers(options)
    z = {
        name: np.array([[rows[c, n_channels, name, k]["z"] for k in numbers] for c in couplings])
        for name in (*LIMITS, *options.models)
    }
    print(f"\nmean over {', '.join(couplings)}, {n_channels} channels")
    print(f"{'model':>10} {'r':>8} {'p first>':>8}  " + " ".join(f"{c:>14}" for c in couplings))
    for name, values in z.items():
        p = (
            _paired_p((z[options.models[0]] - values).mean(axis=0))
            if name != options.models[0]
            else float("nan")
        )
        each = " ".join(f"{np.tanh(row.mean()):14.3f}" for row in values)
        print(f"{name:>10} {np.tanh(values.mean()):8.3f} {p:8.4f}  {each}")


def _paired_p(differences: Floats) -> float:
    """Return p that participants' differences (n_participants,) in Fisher z are above 0."""
    if len(differences) < 2 or not np.any(differences):
        return float("nan")
    (test,) = sign_flip_test(
        differences[:, None],
        model="first",
        measure="r",
        region_names=("mean",),
        rng=np.random.default_rng(0),
    )
    return test.p


if __name__ == "__main__":
    main()
