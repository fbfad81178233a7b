"""Trained models applied to EEG: predict the BOLD of a participant's recordings without looking at any BOLD.

Run after examples/demo.sh:  .venv/bin/python examples/02_apply_a_model.py demo/results demo/bids 01
The command does the same, with tables and a report:
bids_eeg2fmri demo/bids demo/applied participant --apply demo/results
"""

from __future__ import annotations

import sys
from pathlib import Path

from bids_eeg2fmri import Settings, apply_to_run, discover_eeg, find_model_files, load_model_file
from bids_eeg2fmri.settings import Selection


def main(models_dir: Path, bids_dir: Path, participant: str) -> None:
    """Print what each model predicts of each recording of a participant."""
    models = [load_model_file(path) for path in find_model_files(models_dir, participant)]
    found = discover_eeg(bids_dir, [], participant, selection=Selection())
    for run in found.runs:
        for applied in apply_to_run(run, models, Settings()):
            first, last = applied.times[[0, -1]]
            print(
                f"{applied.entities} {applied.model}: {len(applied.times)} moments, {first:.1f}-{last:.1f} s"
            )
            for name, values in zip(applied.region_names, applied.values.T, strict=True):
                print(f"  {name:10} {values.min():+.2f} to {values.max():+.2f} % signal change")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), sys.argv[3])
