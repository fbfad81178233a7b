"""The confounds table of a run, with the columns of fMRIPrep that nilearn and others read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bids_eeg2fmri.records import Floats
from bids_eeg2fmri.simulate.bold_image import BoldRun
from bids_eeg2fmri.simulate.brain import Brain
from bids_eeg2fmri.simulate.motion import cosine_drifts, framewise_displacement

MOTION_NAMES = ("trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z")
#: Voxels that are at least this much one tissue give its signal.
PURE = 0.8


def tabulate_confounds(run: BoldRun, motion: Floats, *, brain: Brain, tr: float) -> pd.DataFrame:
    """Return the confounds, one row per volume; what is not defined for the first volume is NaN.

    Parameters
    ----------
    motion : array, shape (n_volumes, 6)
        Translations (mm) and rotations (rad).
    """
    voxels = run.preprocessed[brain.mask].T.astype(float)
    csf = voxels[:, brain.csf[brain.mask] >= PURE].mean(axis=1)
    white = voxels[:, brain.white[brain.mask] >= PURE].mean(axis=1)
    signals = {"global_signal": voxels.mean(axis=1), "csf": csf, "white_matter": white}
    columns: dict[str, Floats] = {}
    for name, values in (signals | dict(zip(MOTION_NAMES, motion.T, strict=True))).items():
        derivative = np.concatenate([[np.nan], np.diff(values)])
        columns[name] = values
        columns[f"{name}_derivative1"] = derivative
        columns[f"{name}_power2"] = values**2
        columns[f"{name}_derivative1_power2"] = derivative**2
    dvars = np.sqrt(np.mean(np.diff(voxels, axis=0) ** 2, axis=1))
    columns["dvars"] = np.concatenate([[np.nan], dvars])
    columns["std_dvars"] = columns["dvars"] / np.median(dvars)
    columns["framewise_displacement"] = framewise_displacement(motion)
    for k, cosine in enumerate(cosine_drifts(len(motion), tr=tr).T):
        columns[f"cosine{k:02d}"] = cosine
    return pd.DataFrame(columns)


def describe_confounds(names: list[str]) -> dict[str, Any]:
    """Return the sidecar of the table: what each column is, with its unit."""
    return {name: _describe(name) for name in names}


def _describe(name: str) -> dict[str, str]:
    base = name.removesuffix("_power2").removesuffix("_derivative1")
    if base in MOTION_NAMES:
        text = f"Estimated head motion, {'translation' if base.startswith('trans') else 'rotation'}"
        unit = "mm" if base.startswith("trans") else "rad"
    elif base.startswith("cosine"):
        return {"Description": "Discrete cosine slower than 128 s"}
    elif base == "framewise_displacement":
        return {"Description": "Framewise displacement (Power 2012)", "Units": "mm"}
    elif base.endswith("dvars"):
        return {"Description": "Root mean square change of the image from the volume before"}
    else:
        text, unit = f"Mean of the image over {base.replace('_signal', ' mask')}", "arbitrary"
    if "_derivative1" in name:
        text += ", change from the volume before"
    if name.endswith("_power2"):
        return {"Description": f"{text}, squared"}
    return {"Description": text, "Units": unit}
