"""Write the recordings of a run as BIDS wants them: EEG, BOLD and events of both."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bids_eeg2fmri.formats.json_file import write_json
from bids_eeg2fmri.records import Entities, Floats
from bids_eeg2fmri.simulate.bold_image import slice_times
from bids_eeg2fmri.simulate.descriptions import (
    describe_anatomy,
    describe_coordinates,
    describe_eeg,
    describe_raw_bold,
    describe_scanner_eeg,
)
from bids_eeg2fmri.simulate.design import SFREQ, RunClock
from bids_eeg2fmri.simulate.files import SCANNER, write_eeg, write_nifti, write_table
from bids_eeg2fmri.simulate.head import REFERENCE, Cap
from bids_eeg2fmri.simulate.layout import folder_of, without_task
from bids_eeg2fmri.simulate.recording import ECG_CHANNEL, marker_samples
from bids_eeg2fmri.simulate.run import SimulatedRun
from bids_eeg2fmri.simulate.scanner import SCANNER_SFREQ
from bids_eeg2fmri.simulate.write_scanner_eeg import write_scanner_eeg

#: ``R128`` is what BrainVision recorders call the scanner's volume trigger; rest and imagery are S1 and S2.
VOLUME_MARKER = 128
STIMULUS = {"rest": 1, "imagery": 2}


def write_recordings(
    out: Path,
    entities: Entities,
    run: SimulatedRun,
    *,
    cap: Cap,
    rng: np.random.Generator,
) -> None:
    """Write EEG, BOLD, their sidecars and events; ``rng`` draws the amplifier's noise in raw EEG."""
    _write_eeg(folder_of(out, entities, "eeg"), str(entities), run, cap, rng)
    folder, name, tr = folder_of(out, entities, "func"), str(entities), run.clock.tr
    write_nifti(folder / f"{name}_bold.nii.gz", run.bold.raw, run.bold.affine, space=SCANNER, tr=tr)
    timing = [round(float(t), 6) for t in slice_times(run.bold.raw.shape[2], tr)]
    write_json(folder / f"{name}_bold.json", describe_raw_bold(tr, timing))
    events = _tabulate_events(run.clock, SFREQ)
    write_table(folder / f"{name}_events.tsv", events[["onset", "duration", "trial_type", "value"]])


def _write_eeg(folder: Path, name: str, run: SimulatedRun, cap: Cap, rng: np.random.Generator) -> None:
    sfreq = SFREQ if run.scanner is None else SCANNER_SFREQ
    events = _tabulate_events(run.clock, sfreq)
    volumes = marker_samples(run.clock.volume_onsets, run.clock, sfreq)
    markers = [(int(sample), "Response", VOLUME_MARKER) for sample in volumes]
    markers += [
        (int(sample), "Stimulus", int(value))
        for sample, value in zip(events["sample"], events["value"], strict=True)
    ]
    names = [*cap.names, ECG_CHANNEL]
    duration = run.eeg.shape[1] / SFREQ
    if run.scanner is None:
        write_eeg(folder, f"{name}_eeg", run.eeg, names=names, markers=markers)
        sidecar = describe_eeg(cap, duration)
    else:
        write_scanner_eeg(folder, f"{name}_eeg", run.scanner, names=names, markers=markers, rng=rng)
        sidecar = describe_eeg(cap, duration) | describe_scanner_eeg()
    write_json(folder / f"{name}_eeg.json", sidecar)
    write_table(folder / f"{name}_events.tsv", events.assign(onset=events["sample"] / sfreq))
    channels = pd.DataFrame({"name": names, "type": "EEG", "units": "µV", "sampling_frequency": sfreq})
    channels["reference"] = REFERENCE
    channels["status"] = "good"
    channels.loc[channels["name"] == ECG_CHANNEL, ["type", "reference"]] = ["ECG", "n/a"]
    write_table(folder / f"{name}_channels.tsv", channels)


def _tabulate_events(clock: RunClock, sfreq: float) -> pd.DataFrame:
    """Return the blocks, onsets in seconds after the first volume and as EEG samples."""
    table = pd.DataFrame(
        [(e.onset, e.duration, e.condition, STIMULUS[e.condition]) for e in clock.events()],
        columns=["onset", "duration", "trial_type", "value"],
    )
    return table.assign(sample=marker_samples(table["onset"].to_numpy(), clock, sfreq))


def write_anatomy(out: Path, entities: Entities, image: NDArray[np.int16], affine: Floats) -> None:
    """Write a T1w image (n_x, n_y, n_z) of a session."""
    stem = folder_of(out, entities, "anat") / f"{without_task(entities)}_T1w"
    write_nifti(stem.with_name(f"{stem.name}.nii.gz"), image, affine, space=SCANNER)
    write_json(stem.with_name(f"{stem.name}.json"), describe_anatomy())


def write_electrodes(out: Path, entities: Entities, cap: Cap) -> None:
    """Write where the electrodes of a session should sit (the cap really sits a few millimetres off)."""
    folder, name = folder_of(out, entities, "eeg"), f"{without_task(entities)}_space-CapTrak"
    table = pd.DataFrame(cap.positions.round(6), columns=["x", "y", "z"])
    table.insert(0, "name", cap.names)
    write_table(folder / f"{name}_electrodes.tsv", table)
    write_json(folder / f"{name}_coordsystem.json", describe_coordinates(cap))
