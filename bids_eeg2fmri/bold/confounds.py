"""Which columns of fMRIPrep's confounds table are removed from the BOLD, and which are kept as nuisance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from nilearn.glm.first_level.design_matrix import create_cosine_drift
from numpy.typing import NDArray

from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.formats.table import read_table
from bids_eeg2fmri.settings import BoldSettings

_AXES = ("trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z")
#: Column name endings for 6, 12 and 24 motion regressors (Friston 1996, 10.1002/mrm.1910350312).
_MOTION = {
    0: (),
    6: ("",),
    12: ("", "_derivative1"),
    24: ("", "_derivative1", "_power2", "_derivative1_power2"),
}


def select_confounds(
    path: Path, settings: BoldSettings, *, n_volumes: int, tr: float
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Return the regressors to remove from one run, (n_volumes, n_regressors), and their names.

    Motion parameters, mean white-matter and CSF signals, and cosines below ``settings.highpass`` Hz.
    Undefined first rows of derivatives are 0.

    Raises
    ------
    BadDataError
        If the table has other rows than the image has volumes, or lacks a column.
    """
    table = read_table(path)
    if len(table) != n_volumes:
        raise BadDataError(
            f"{path} has {len(table)} rows but the BOLD has {n_volumes} volumes. They are of different runs."
        )
    columns = [axis + ending for ending in _MOTION[settings.motion] for axis in _AXES]
    columns += ["white_matter", "csf"] if settings.white_matter_csf else []
    missing = [column for column in columns if column not in table]
    if missing:
        raise BadDataError(
            f"{path} lacks the columns {', '.join(missing)}. Choose other confounds "
            "(--set bold.motion=6, --set bold.white_matter_csf=false) or complete the table."
        )
    values = _filled(table, columns, path)
    values = values - values.mean(axis=0)
    cosines = cosine_drift(n_volumes, tr, settings.highpass)
    names = (*columns, *(f"cosine{k:02d}" for k in range(cosines.shape[1])))
    return np.hstack([values, cosines]), names


def cosine_drift(n_volumes: int, tr: float, highpass: float) -> NDArray[np.float64]:
    """Return cosines below the cut-off (Hz), (n_volumes, n_cosines); none for a cut-off of 0."""
    if highpass == 0:
        return np.empty((n_volumes, 0))
    drift: NDArray[np.float64] = create_cosine_drift(highpass, np.arange(n_volumes) * tr)
    return drift[:, :-1]  # the last column is the constant


def select_nuisance(path: Path) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Return motion and framewise displacement, (n_volumes, n_columns), where the table has them."""
    table = read_table(path)
    wanted = [f"{axis}{ending}" for ending in _MOTION[12] for axis in _AXES] + ["framewise_displacement"]
    columns = [column for column in wanted if column in table]
    return _filled(table, columns, path), tuple(columns)


def read_motion(path: Path | None, n_volumes: int) -> NDArray[np.float64] | None:
    """Return the motion parameters of each volume, (n_volumes, 6), mm and rad; None where not known."""
    if path is None:
        return None
    table = read_table(path)
    if len(table) != n_volumes or any(axis not in table for axis in _AXES):
        return None
    return _filled(table, list(_AXES), path)


def non_steady_volumes(path: Path, n_volumes: int) -> NDArray[np.bool_]:
    """Return (n_volumes,): True for volumes that fMRIPrep flagged as before the steady state."""
    table = read_table(path)
    flagged = np.zeros(n_volumes, dtype=bool)
    for column in table.columns:
        if column.startswith("non_steady_state_outlier"):
            flagged |= table[column].to_numpy(dtype=float) > 0
    return flagged


def _filled(table: pd.DataFrame, columns: list[str], path: Path) -> NDArray[np.float64]:
    """Return columns as numbers, n/a as 0."""
    try:
        values = table[columns].to_numpy(dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise BadDataError(f"{path} holds text where numbers are expected ({error}).") from None
    filled: NDArray[np.float64] = np.nan_to_num(values, nan=0.0)
    return filled
