"""Write what was put into the data: noiseless signals, haemodynamic responses, mixtures and ceilings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.signal import resample_poly

from bids_eeg2fmri.formats.json_file import write_json
from bids_eeg2fmri.records import Entities
from bids_eeg2fmri.simulate.brain import SPHERE_RADIUS, Brain
from bids_eeg2fmri.simulate.ceilings import measure_ceilings
from bids_eeg2fmri.simulate.confounds import MOTION_NAMES
from bids_eeg2fmri.simulate.couplings import UNCOUPLED
from bids_eeg2fmri.simulate.descriptions import TASK
from bids_eeg2fmri.simulate.design import TICK
from bids_eeg2fmri.simulate.files import write_eeg, write_table
from bids_eeg2fmri.simulate.head import REFERENCE
from bids_eeg2fmri.simulate.layout import folder_of, without_run
from bids_eeg2fmri.simulate.native_scan import NativeHead
from bids_eeg2fmri.simulate.person import Person
from bids_eeg2fmri.simulate.run import SimulatedRun
from bids_eeg2fmri.simulate.scanner import ScannerEeg

#: Sampling rate of the EEG without scanner artefacts, Hz.
TRUE_SFREQ = 100.0


def write_signals(out: Path, entities: Entities, run: SimulatedRun, brain: Brain) -> None:
    """Write the signal of each region before noise, one row per volume."""
    stem = folder_of(out, entities, "func") / f"{entities}_desc-truth_timeseries"
    what = f"Mean over a sphere of {SPHERE_RADIUS:g} mm of the BOLD before motion, drift and noise"
    sidecar = {"SamplingFrequency": 1 / run.clock.tr, "StartTime": run.clock.tr / 2}
    _write_timeseries(
        stem, pd.DataFrame(run.bold.noiseless, columns=brain.region_names), sidecar, what, "percent"
    )


def write_head(out: Path, entities: Entities, run: SimulatedRun, head: NativeHead) -> None:
    """Write how the head lay in the scanner and where it was in each volume."""
    folder = folder_of(out, entities, "func")
    motion = pd.DataFrame(run.motion, columns=MOTION_NAMES)
    write_table(folder / f"{entities}_desc-truth_motion.tsv", motion)
    place = {"ScannerToTemplate": head.to_template.round(9).tolist(), "Centre": head.centre.tolist()}
    write_json(folder / f"{entities}_desc-truth_xfm.json", place)


def write_true_eeg(out: Path, entities: Entities, recording: ScannerEeg, names: Sequence[str]) -> None:
    """Write the EEG of a raw recording without scanner artefacts, at 100 Hz, and the R peaks."""
    folder, name = folder_of(out, entities, "eeg"), f"{entities}_desc-truth"
    data = resample_poly(recording.truth, 2, 5, axis=1)
    write_eeg(folder, f"{name}_eeg", data, names=names, markers=(), sfreq=TRUE_SFREQ)
    write_json(folder / f"{name}_eeg.json", {"SamplingFrequency": TRUE_SFREQ, "EEGReference": REFERENCE})
    beats = recording.heartbeats
    table = pd.DataFrame({"onset": beats, "heart_rate": np.append(60 / np.diff(beats), np.nan)})
    write_table(folder / f"{name}_beats.tsv", table)
    columns = {
        "onset": {"Description": "R peak, after the first EEG sample", "Units": "s"},
        "heart_rate": {"Description": "60 over the seconds to the next R peak", "Units": "1/min"},
    }
    write_json(folder / f"{name}_beats.json", columns)


def write_responses(out: Path, entities: Entities, person: Person, brain: Brain) -> None:
    """Write the haemodynamic response of each region, and which rhythms it follows how much."""
    folder, name = folder_of(out, entities, "func"), without_run(entities)
    responses = np.stack([response.sample() for response in person.responses], axis=1)
    sidecar = {"SamplingFrequency": 1 / TICK, "StartTime": TICK / 2}
    what = "Haemodynamic response to a unit of activity at 0 s, its sum 1"
    stem = folder / f"{name}_desc-hrf_timeseries"
    _write_timeseries(stem, pd.DataFrame(responses, columns=brain.region_names), sidecar, what, "1")

    rhythms = [(s.name, rhythm.frequency) for s in person.sources for rhythm in s.rhythms]
    table = pd.DataFrame(rhythms, columns=["source", "frequency"])
    mixtures = pd.DataFrame(person.mixtures.T, columns=brain.region_names)
    write_table(folder / f"{name}_desc-truth_mixtures.tsv", pd.concat([table, mixtures], axis=1))


def _write_timeseries(
    stem: Path, table: pd.DataFrame, sidecar: dict[str, Any], description: str, units: str
) -> None:
    write_table(stem.with_name(f"{stem.name}.tsv"), table)
    columns = {name: {"Description": description, "Units": units} for name in table.columns}
    write_json(stem.with_name(f"{stem.name}.json"), sidecar | columns)


def tabulate_ceilings(entities: Entities, run: SimulatedRun, brain: Brain, *, coupling: str) -> pd.DataFrame:
    """Return one row per region of a run: the ceiling, and whether the region follows the EEG."""
    names: Sequence[str] = brain.region_names
    return pd.DataFrame(
        {
            "run": entities.run_label,
            "region": names,
            "coupled": coupling not in UNCOUPLED,
            "ceiling": measure_ceilings(run, brain),
        }
    )


def write_ceilings(out: Path, subject: str, table: pd.DataFrame) -> None:
    """Write the ceilings of all runs of a participant."""
    stem = f"sub-{subject}_task-{TASK}_desc-ceilings_metrics"
    write_table(out / f"sub-{subject}" / f"{stem}.tsv", table)
    columns = {
        "run": {"Description": "The run"},
        "region": {"Description": "The region"},
        "coupled": {"Description": "Whether the region's BOLD follows sources that the EEG sees"},
        "ceiling": {
            "Description": "Pearson correlation of the noiseless with the measured signal of the region, "
            "both without motion (12 parameters) and drifts slower than 128 s: what a perfect predictor has"
        },
    }
    write_json(out / f"sub-{subject}" / f"{stem}.json", columns)
