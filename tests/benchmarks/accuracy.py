"""How near does each model come to what can be known? All models on the same simulated people and folds.

Run by hand, for example

    python tests/benchmarks/accuracy.py                                  (everything: hours)
    python tests/benchmarks/accuracy.py --couplings power --participants 2 --channels 32 --models stack ridge

Five runs of 300 s, leave one run out. What was simulated and what each model reached is kept in --cache, so
that a run that was stopped goes on, and only models whose code or settings changed are trained again.

Columns: r to measured BOLD (mean Fisher z over regions and runs); the same over the noise ceiling (noiseless
against measured BOLD) and over the EEG oracle (see oracle.py); r given the task; R²; slope of measured on
predicted; CPU seconds per fit, inner selection and prediction included; numbers in the trained model; p of
the paired one-sided sign-flip test that the first model named is better; share of participants with p < .05.

Choose settings on another seed than the one whose table you show.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from oracle import predict_by_oracle
from participants import Participant, load_participant

from bids_eeg2fmri.evaluation.baselines import TaskDesign
from bids_eeg2fmri.evaluation.metrics import fisher_z
from bids_eeg2fmri.evaluation.scores import evaluate
from bids_eeg2fmri.records import Floats, Predictions
from bids_eeg2fmri.registry import Predictor, load_model, model_names
from bids_eeg2fmri.settings import EvaluationSettings
from bids_eeg2fmri.simulate.brain import load_brain
from bids_eeg2fmri.simulate.person import draw_person
from bids_eeg2fmri.stats.signflip import sign_flip_test
from bids_eeg2fmri.training.crossvalidation import cross_validate
from bids_eeg2fmri.training.splits import choose_splits

COUPLINGS = ("power", "log-power", "spectral-shift", "bursts", "mixed", "none")
LIMITS = ("ceiling", "oracle", "task")
PACKAGE = Path(__file__).parents[2] / "bids_eeg2fmri"

Result = dict[str, float]


def main() -> None:
    """Train what is missing and print the tables."""
    options = _parse()
    brain = load_brain()
    rows: dict[tuple[str, int, str, int], Result] = {}
    for coupling in options.couplings:
        for number in _numbers(options):
            whole = load_participant(number, coupling, seed=options.seed, brain=brain, cache=options.cache)
            for n_channels in options.channels:
                participant = whole.with_channels(n_channels)
                for name in (*LIMITS, *options.models):
                    key = (coupling, n_channels, name, number)
                    rows[key] = _cached_result(participant, name, brain=brain, options=options)
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
    parser.add_argument("--seed", type=int, default=100)
    parser.add_argument("--nulls", type=int, default=500, help="circular shifts for p < .05")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir(), "bids_eeg2fmri_benchmark"))
    return parser.parse_args()


def _numbers(options: argparse.Namespace) -> range:
    return range(options.first, options.first + options.participants)


def _cached_result(
    participant: Participant, name: str, *, brain: object, options: argparse.Namespace
) -> Result:
    """Return the scores of one model on one participant, from the cache if nothing has changed."""
    n_channels = len(participant.gain)
    key = (
        _code(name),
        name,
        participant.coupling,
        options.seed,
        participant.number,
        n_channels,
        options.nulls,
    )
    digest = hashlib.sha256(repr(key).encode()).hexdigest()[:16]
    path = options.cache / "results" / f"{name}_{participant.coupling}_{participant.number}_{digest}.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(_result(participant, name, brain=brain, options=options)))
    result: Result = json.loads(path.read_text())
    return result


def _code(name: str) -> str:
    """Return the digest of the code that the result of a model depends on most."""
    files = [Path(__file__).with_name("oracle.py"), Path(__file__).with_name("participants.py")]
    if name not in LIMITS:
        shared = ("band_power", "hrf", "inner_folds", "linear_problem", "ridge_solver", "training_data")
        used = {
            "stack": ("joint_diagonalisation", "relevance", "source_power", "stacking"),
            "spoc": ("spoc_filters", "band_covariance", "packed_covariance", "power_model"),
            "sgl": ("sparse_group_lasso", "power_model"),
            "eegnet": ("eegnet_input", "eegnet_network", "eegnet_training", "windows"),
            "hrfnet": (
                "hrfnet_network",
                "hrfnet_lessons",
                "hrfnet_start",
                "hrfnet_training",
                "bold_scaling",
                "packed_covariance",
                "source_power",
                "joint_diagonalisation",
            ),
        }.get(name, ("power_model",))
        files += [PACKAGE / "models" / f"{module}.py" for module in (name, *used, *shared)]
    return hashlib.sha256(b"".join(f.read_bytes() for f in files if f.exists())).hexdigest()


def _result(participant: Participant, name: str, *, brain: object, options: argparse.Namespace) -> Result:
    """Return the scores of one model on one participant."""
    runs, n_fits, n_parameters = participant.runs, len(participant.runs), 0
    splits = choose_splits(runs)
    start = time.process_time()
    if name in ("ceiling", "oracle"):
        values = participant.noiseless
        if name == "oracle":
            person = draw_person(
                participant.number, brain=brain, seed=options.seed, coupling=participant.coupling
            )
            values = predict_by_oracle(participant, person)
        predictions = _as_predictions(name, values, participant)
    else:
        predictor: Predictor = TaskDesign() if name == "task" else load_model(name)()
        trained = cross_validate(predictor, runs, splits, seed=0)
        predictions = trained.predictions
        n_parameters = sum(np.asarray(t).size for t in trained.fitted[0].tensors().values())
    seconds = (time.process_time() - start) / n_fits
    settings = EvaluationSettings(n_nulls=options.nulls)
    tested = evaluate(runs, predictions, settings, rng=np.random.default_rng(0))
    overall = next(s for s in tested.scores if s.run == "all" and s.region == "mean")
    x = np.concatenate([v - v.mean(axis=0) for v in predictions.values]).ravel()
    y = np.concatenate([run.bold - run.bold.mean(axis=0) for run in runs]).ravel()
    if name == "ceiling":  # of no prediction's size
        x = np.zeros_like(x)
        overall = replace(overall, r2=float("nan"))
    return {
        "z": overall.fisher_z,
        "z_task": float(fisher_z(np.array(overall.r_given_task))),
        "r2": overall.r2,
        "slope": float(x @ y / (x @ x)) if np.any(x) else float("nan"),
        "p": overall.p,
        "seconds": seconds,
        "parameters": n_parameters,
    }


def _as_predictions(name: str, values: Sequence[Floats], participant: Participant) -> Predictions:
    return Predictions(
        model=name,
        values=tuple(values),
        training_means=tuple(np.zeros_like(v) for v in values),
        folds=tuple(np.full(len(v), k) for k, v in enumerate(values)),
    )


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
    print(
        f"\n{coupling}, {n_channels} channels, seed {options.seed}, "
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
