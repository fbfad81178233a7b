"""The texts of the dataset: what it is, what its columns mean, how it was (not) recorded."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from bids_eeg2fmri import __version__
from bids_eeg2fmri.simulate.design import SFREQ
from bids_eeg2fmri.simulate.gradient import CUTOFF, ORDER
from bids_eeg2fmri.simulate.head import GROUND, REFERENCE, Cap
from bids_eeg2fmri.simulate.options import SimulationOptions
from bids_eeg2fmri.simulate.scanner import SCANNER_SFREQ

BIDS_VERSION = "1.10.0"
TASK = "imagery"
SPACE = "MNI152NLin2009cAsym"
APP = "bids_eeg2fmri_simulate"
#: Two, because the validator warns about fewer.
AUTHORS = ["The bids_eeg2fmri developers", "No participants"]
SIMULATED = "Simulated: no person was recorded."
#: What the BOLD images are, per kind.
_BOLD = {
    "preprocessed": f"""voxels of 6 mm aligned with {SPACE}.

derivatives/fmriprep has the shape of fMRIPrep output but was simulated as well: images sampled at the middle
of each volume, with what realignment leaves of head motion.""",
    "raw": """voxels of 4 mm in the space of the scanner: a head
with skull and scalp that is shifted, turned, smaller than the template, and moves by up to 2 mm and 2
degrees.
There is no preprocessed BOLD.
""",
}
#: What BOLD shares with the EEG, per coupling.
MEANING = {
    "power": "BOLD of every motor region follows the alpha and beta power of sources that the EEG sees.",
    "log-power": "BOLD of every motor region follows the logarithm of the alpha and beta power of sources "
    "that the EEG sees.",
    "spectral-shift": "BOLD of every motor region follows the root mean square frequency of sources that the "
    "EEG sees; their total power tells nothing.",
    "bursts": "BOLD of every motor region follows how much of the time alpha and beta bursts last in sources "
    "that the EEG sees, whatever their size.",
    "mixed": "BOLD follows the power of the hand areas, the log power of PMd, the root mean square frequency "
    "of the SMA and the bursts of PMv; the haemodynamic responses of the regions differ much.",
    "task-only": "EEG and BOLD both respond to the task and share nothing else.",
    "motion": "EEG and BOLD are disturbed by the same sudden head movements and share nothing else; BOLD "
    "does not respond to the task, the EEG does.",
    "none": "BOLD neither follows the EEG nor responds to the task; the EEG does respond.",
}


def _crowd(n_distractors: int) -> str:
    """Return what the text of the dataset says of further sources."""
    if not n_distractors:
        return ""
    return f" {n_distractors} further rhythms all over the cortex are in the EEG alone."


def describe_dataset(options: SimulationOptions) -> dict[str, Any]:
    """Return ``dataset_description.json`` of the raw dataset."""
    return {
        "Name": "Simulated motor imagery with simultaneous EEG and fMRI",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "raw",
        "License": "CC0",
        "Authors": AUTHORS,
        "Acknowledgements": SIMULATED,
        "HowToAcknowledge": "Say that the data are simulated.",
        "GeneratedBy": [_generated_by(options, "Simulated recordings")],
    }


def describe_derivative(options: SimulationOptions, what: str) -> dict[str, Any]:
    """Return ``dataset_description.json`` of a derivative dataset."""
    return {
        "Name": what,
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "License": "CC0",
        "Authors": AUTHORS,
        "GeneratedBy": [_generated_by(options, what)],
        "SourceDatasets": [{"Version": __version__}],
        "DatasetLinks": {"raw": "../.."},
    }


def _generated_by(options: SimulationOptions, what: str) -> dict[str, str]:
    settings = ", ".join(f"{name} {value}" for name, value in asdict(options).items())
    return {"Name": APP, "Version": __version__, "Description": f"{what} ({settings}). {SIMULATED}"}


_RECORDED = {
    "corrected": f"at {SFREQ:g} Hz, as after the correction of scanner artefacts,\n"
    "with blinks, muscle, pulse remainders and drifts",
    "raw": f"at {SCANNER_SFREQ:g} Hz, as the amplifier in the scanner stores them,\n"
    "with gradient and pulse artefacts, blinks, muscle and drifts",
}


def readme(options: SimulationOptions) -> str:
    """Return the README of the raw dataset."""
    return f"""# Simulated motor imagery with simultaneous EEG and fMRI

{SIMULATED} Written by {APP} {__version__}, coupling '{options.coupling}', seed {options.seed}.

Blocks of 20 s of rest and 20 s of motor imagery alternate, beginning with rest at the first volume.
{MEANING[options.coupling]}{_crowd(options.distractors)}

EEG: {options.channels} channels and an ECG {_RECORDED[options.eeg]}.
Every volume has a marker R128; S1 begins rest, S2 imagery. In the events table of the EEG onsets count from
the first EEG sample, in that of the BOLD from the first volume.

BOLD: {options.volumes} volumes, one every {options.tr:g} s, {_BOLD[options.bold]}
derivatives/truth holds what no real dataset has:
the signals of the regions before noise, the haemodynamic responses, and how well a perfect predictor does.
"""


EVENT_COLUMNS: dict[str, Any] = {
    "onset": {
        "Description": "Begin of the block, after the first sample (EEG) or volume (BOLD)",
        "Units": "s",
    },
    "duration": {"Description": "Duration of the block", "Units": "s"},
    "trial_type": {
        "Description": "What the participant does",
        "Levels": {"rest": "Rest", "imagery": "Imagines moving the hands"},
    },
    "value": {"Description": "Number of the stimulus marker in the EEG"},
    "sample": {"Description": "EEG sample at which the block begins, counted from 0"},
}

PARTICIPANT_COLUMNS: dict[str, Any] = {
    "participant_id": {"Description": "Simulated participant"},
    "age": {"Description": "Age; nobody was born", "Units": "year"},
}


def describe_eeg(cap: Cap, duration: float) -> dict[str, Any]:
    """Return the sidecar of an EEG recording of ``duration`` s."""
    return {
        "TaskName": TASK,
        "TaskDescription": "Motor imagery, 20 s, in turn with rest, 20 s.",
        "Instructions": "Imagine moving your hands when the cue says so; rest otherwise.",
        "Manufacturer": f"{APP} (simulated)",
        "ManufacturersModelName": __version__,
        "SoftwareVersions": __version__,
        "InstitutionName": "none (simulated)",
        "CapManufacturer": "none (simulated)",
        "EEGPlacementScheme": "10-10" if len(cap.names) <= 64 else "10-5",
        "EEGReference": REFERENCE,
        "EEGGround": GROUND,
        "SamplingFrequency": SFREQ,
        "PowerLineFrequency": 50,
        "SoftwareFilters": "n/a",
        "HardwareFilters": "n/a",
        "SubjectArtefactDescription": "Blinks, glances, muscle, pulse, movement, drifts (simulated)",
        "EEGChannelCount": len(cap.names),
        "ECGChannelCount": 1,
        "EOGChannelCount": 0,
        "EMGChannelCount": 0,
        "MISCChannelCount": 0,
        "TriggerChannelCount": 0,
        "RecordingDuration": round(duration, 3),
        "RecordingType": "continuous",
    }


def describe_scanner_eeg() -> dict[str, Any]:
    """Return what is different in the sidecar of a recording as the amplifier stored it."""
    return {
        "SamplingFrequency": SCANNER_SFREQ,
        "HardwareFilters": {"Low-pass": {"Cutoff (Hz)": CUTOFF, "Order": ORDER}},
        "SubjectArtefactDescription": "Gradient and pulse artefacts, not corrected; blinks, glances, muscle, "
        "movement, drifts (simulated)",
    }


def describe_coordinates(cap: Cap) -> dict[str, Any]:
    """Return ``coordsystem.json`` of the electrodes."""
    landmarks = {name: [round(float(x), 6) for x in cap.landmarks[name]] for name in ("NAS", "LPA", "RPA")}
    axes = "RAS; x through the ears, y through the nasion"
    return {
        "EEGCoordinateSystem": "CapTrak",
        "EEGCoordinateUnits": "m",
        "EEGCoordinateSystemDescription": axes,
        "AnatomicalLandmarkCoordinates": landmarks,
        "AnatomicalLandmarkCoordinateSystem": "CapTrak",
        "AnatomicalLandmarkCoordinateUnits": "m",
        "AnatomicalLandmarkCoordinateSystemDescription": axes,
    }


def describe_raw_bold(tr: float, slice_timing: list[float]) -> dict[str, Any]:
    """Return the sidecar of a raw BOLD image."""
    return {
        "TaskName": TASK,
        "TaskDescription": "Motor imagery, 20 s, in turn with rest, 20 s.",
        "Instructions": "Imagine moving your hands when the cue says so; rest otherwise.",
        "RepetitionTime": tr,
        "SliceTiming": slice_timing,
        "EchoTime": 0.03,
        "FlipAngle": 80,
        "MagneticFieldStrength": 3,
        "Manufacturer": f"{APP} (simulated)",
        "ManufacturersModelName": __version__,
        "SoftwareVersions": __version__,
        "InstitutionName": "none (simulated)",
    }


def describe_anatomy() -> dict[str, Any]:
    """Return the sidecar of a T1w image."""
    return {
        "MagneticFieldStrength": 3,
        "Manufacturer": f"{APP} (simulated)",
        "ManufacturersModelName": __version__,
        "SoftwareVersions": __version__,
        "InstitutionName": "none (simulated)",
    }


PREPROCESSED = """Files
-----
*_desc-preproc_bold.nii.gz: BOLD on the grid of the template, every slice as at the middle of its volume
(StartTime is half the repetition time). A seventh of the effect of head motion is left in, as after a real
realignment; the motion parameters explain it.
*_desc-brain_mask.nii.gz: the voxels of the brain, 0 elsewhere in the image.
*_desc-confounds_timeseries.tsv: motion with derivatives and squares, global, CSF and white matter signals,
framewise displacement, DVARS and cosines, in the columns of fMRIPrep.
"""

TRUTH_FILES = """Files
-----
*_desc-truth_timeseries.tsv: percent signal change of each region before noise, one row per volume, at the
middle of the volume.
*_desc-hrf_timeseries.tsv: the haemodynamic response of each region, every 0.1 s.
*_desc-truth_mixtures.tsv: how much each region follows each rhythm (centre frequency in Hz) of each source.
*_desc-ceilings_metrics.tsv: the correlation of the signals before and after noise was added, motion and drift
removed from both: what a perfect predictor would reach.
*_desc-truth_motion.tsv: of raw BOLD, where the head was in each volume (mm and rad).
*_desc-truth_xfm.json: of raw BOLD, how the head lies in the scanner: the matrix from scanner to MNI mm, and
what movements turn about (mm).
*_desc-truth_eeg.vhdr (of raw EEG): the EEG at 100 Hz without gradient and pulse artefacts, filtered by
nothing but the change of rate. *_desc-truth_beats.tsv: the R peaks, and the heart rate after each.
simulation.json: the options the dataset was made with.
"""

#: What BIDS has no name for.
TRUTH_IGNORED = """simulation.json
*_timeseries.tsv
*_timeseries.json
*_metrics.tsv
*_metrics.json
*_mixtures.tsv
*_motion.tsv
*_xfm.json
*_beats.tsv
*_beats.json
*_desc-truth_eeg.*
"""
