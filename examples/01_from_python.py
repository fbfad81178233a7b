"""The stages from Python: discover the runs of a participant, prepare them, test a model on held-out runs.

Run after examples/demo.sh:  .venv/bin/python examples/01_from_python.py demo/bids 01
"""

from __future__ import annotations

import sys
from pathlib import Path

from bids_eeg2fmri import (
    Settings,
    choose_splits,
    discover_runs,
    label_regions,
    load_model,
    prepare_run,
    try_model,
)
from bids_eeg2fmri.settings import Selection


def main(bids_dir: Path, participant: str) -> None:
    """Print r per region of a ridge regression with two bands only."""
    settings = Settings()
    derivatives = [bids_dir / "derivatives" / "fmriprep"]
    found = discover_runs(bids_dir, derivatives, participant, selection=Selection(), settings=settings)
    labels = label_regions([timed.run for timed in found.timed], settings.bold)
    runs = [prepare_run(timed, labels, settings).aligned for timed in found.timed]

    model = load_model("ridge")(bands={"mu": (8.0, 13.0), "beta": (13.0, 30.0)})
    trial = try_model(model, runs, choose_splits(runs), settings.evaluation, seed=0)
    for score in trial.evaluation.scores:
        if score.run == "all":
            print(f"{score.region:10} r = {score.r:.2f}  r given task = {score.r_given_task:.2f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), sys.argv[2])
