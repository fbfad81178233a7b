"""The confounds of a run without fMRIPrep, in the columns of fMRIPrep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from bids_eeg2fmri.errors import UsageError
from bids_eeg2fmri.records import Floats, RealignedRun

_MOTION = ("trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z")
#: A rotation is measured at the surface of a sphere of this radius, mm (Power 2012,
#: 10.1016/j.neuroimage.2011.10.018).
_POWER_RADIUS = 50.0
#: Volumes before the steady state are among the first so many, this many robust standard deviations brighter.
_AT_START, _BRIGHTER = 10, 6.0
#: Strategies of ``bold.confounds`` whose columns are not made here.
_NOT_MADE = ("compcor", "global_signal")


def check_made(confounds: Sequence[str]) -> None:
    """Raise a UsageError for strategies of ``bold.confounds`` that need fMRIPrep's table."""
    wrong = [name for name in confounds if name in _NOT_MADE]
    if wrong:
        raise UsageError(
            f"bold.confounds={','.join(wrong)} needs fMRIPrep: minimal preprocessing makes motion, wm_csf "
            "and what scrub goes by. Choose among these, or give fMRIPrep's output with --derivatives."
        )


def make_confounds(run: RealignedRun, signals: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return the confounds by name, each (n_volumes,); what the first volume does not have is NaN.

    Parameters
    ----------
    signals : mapping of name to array, shape (n_volumes,)
        Mean signals, as of white matter.
    """
    columns: dict[str, Floats] = {}
    for name, values in (dict(signals) | dict(zip(_MOTION, run.motion.T, strict=True))).items():
        change = np.concatenate([[np.nan], np.diff(values)])
        columns[name] = values
        columns[f"{name}_derivative1"] = change
        columns[f"{name}_power2"] = values**2
        columns[f"{name}_derivative1_power2"] = change**2
    columns["framewise_displacement"] = framewise_displacement(run.motion)
    for k in range(_count_unsteady(run.gain)):
        columns[f"non_steady_state_outlier{k:02d}"] = (np.arange(len(run.gain)) == k).astype(np.float64)
    return columns


def framewise_displacement(motion: Floats) -> Floats:
    """Return the framewise displacement (n_volumes,), mm, of motion (n_volumes, 6); the first is NaN."""
    change = np.abs(np.diff(motion, axis=0)) * [1, 1, 1, _POWER_RADIUS, _POWER_RADIUS, _POWER_RADIUS]
    return np.concatenate([[np.nan], change.sum(axis=1)])


def describe_confounds(names: tuple[str, ...]) -> dict[str, dict[str, str]]:
    """Return the description of each column, with its unit."""
    return {name: _describe(name) for name in names}


def _count_unsteady(gain: Floats) -> int:
    """Return how many volumes at the start are brighter than the rest: their tissue was not yet saturated."""
    rest = gain[_AT_START:] if len(gain) > 2 * _AT_START else gain
    spread = 1.4826 * float(np.median(np.abs(rest - np.median(rest)))) + 1e-4
    bright = gain[:_AT_START] > np.median(rest) + _BRIGHTER * spread
    return int(np.argmin(bright)) if not np.all(bright) else 0


def _describe(name: str) -> dict[str, str]:
    """Return the description of one column."""
    base = name.removesuffix("_power2").removesuffix("_derivative1")
    if name.startswith("non_steady_state_outlier"):
        return {"Description": "1 for a volume before the steady state, brighter than the run"}
    if name == "framewise_displacement":
        return {"Description": "Framewise displacement (Power 2012)", "Units": "mm"}
    if base in _MOTION:
        kind = "translation" if base.startswith("trans") else "rotation about the middle of the brain"
        text, unit = f"Head motion, {kind}", "mm" if base.startswith("trans") else "rad"
    else:
        text, unit = f"Mean of the realigned image over {base}, by the template's tissue maps", "arbitrary"
    if "_derivative1" in name:
        text += ", change from the volume before"
    return (
        {"Description": f"{text}, squared"}
        if name.endswith("_power2")
        else {"Description": text, "Units": unit}
    )
