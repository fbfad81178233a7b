"""Which columns of fMRIPrep's confounds table are removed from the BOLD, and which are kept as nuisance.

nilearn's ``load_confounds`` offers the same strategies. It is not used: it finds the table by the name of the
image alone, so that tables of other pipelines are out of its reach; with CompCor it brings the cosines of
fMRIPrep, whose cut-off is fixed; and it scrubs by dropping volumes, which here stay and get the weight 0.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from nilearn.glm.first_level.design_matrix import create_cosine_drift
from numpy.typing import NDArray

from bids_eeg2fmri.errors import BadDataError, Eeg2FmriError
from bids_eeg2fmri.formats.json_file import read_json
from bids_eeg2fmri.formats.table import numbers, read_table
from bids_eeg2fmri.settings import BoldSettings

_AXES = ("trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z")
#: Column name endings for 6, 12 and 24 motion regressors (Friston 1996, 10.1002/mrm.1910350312).
_MOTION = {
    "motion6": ("",),
    "motion12": ("", "_derivative1"),
    "motion24": ("", "_derivative1", "_power2", "_derivative1_power2"),
}


def select_confounds(
    path: Path, settings: BoldSettings, *, n_volumes: int, tr: float
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Return the regressors to remove from one run, (n_volumes, n_regressors), and their names.

    Those of ``settings.confounds``, and cosines below ``settings.highpass`` Hz. Undefined first rows of
    derivatives are 0.

    Raises
    ------
    BadDataError
        If the table has other rows than the image has volumes, or lacks a column.
    """
    table = _read(path, n_volumes)
    columns: list[str] = []
    for strategy in settings.confounds:
        columns += [axis + ending for ending in _MOTION.get(strategy, ()) for axis in _AXES]
        columns += ["white_matter", "csf"] if strategy == "wm_csf" else []
        columns += ["global_signal"] if strategy == "global_signal" else []
        columns += _compcor(path, table, settings.compcor) if strategy == "compcor" else []
    missing = [column for column in columns if column not in table]
    if missing:
        raise BadDataError(
            f"{path} lacks the columns {', '.join(missing)}. Choose other confounds "
            "(--set bold.confounds=motion6, or none) or complete the table."
        )
    values = _filled(table, columns, path)
    values = values - values.mean(axis=0)
    cosines = cosine_drift(n_volumes, tr, settings.highpass)
    names = (*columns, *(f"cosine{k:02d}" for k in range(cosines.shape[1])))
    return np.hstack([values, cosines]), names


def _read(path: Path, n_volumes: int) -> pd.DataFrame:
    """Read a table of confounds and check that it has a row for every volume."""
    table = read_table(path)
    if len(table) != n_volumes:
        raise BadDataError(
            f"{path} has {len(table)} rows but the BOLD has {n_volumes} volumes. They are of different runs."
        )
    return table


def _compcor(path: Path, table: pd.DataFrame, n_components: int) -> list[str]:
    """Return the first components of anatomical CompCor (Behzadi 2007, 10.1016/j.neuroimage.2007.04.042).

    Those of the combined mask of white matter and CSF, where the table's JSON says which they are, else the
    first ones.
    """
    names = sorted(column for column in table.columns if column.startswith("a_comp_cor_"))
    try:
        about = read_json(path.with_suffix(".json"))
    except Eeg2FmriError:
        about = {}
    combined = [n for n in names if str(about.get(n, {}).get("Mask", "")).lower() == "combined"]
    chosen = (combined or names)[:n_components]
    return chosen if len(chosen) == n_components else [f"a_comp_cor_{k:02d}" for k in range(n_components)]


def cosine_drift(n_volumes: int, tr: float, highpass: float) -> NDArray[np.float64]:
    """Return cosines below the cut-off (Hz), (n_volumes, n_cosines); none for a cut-off of 0."""
    if highpass == 0:
        return np.empty((n_volumes, 0))
    drift: NDArray[np.float64] = create_cosine_drift(highpass, np.arange(n_volumes) * tr)
    return drift[:, :-1]  # the last column is the constant


def select_nuisance(path: Path, n_volumes: int) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Return motion, framewise displacement, white matter and CSF, (n_volumes, n_columns).

    Of these, what the table has.

    Raises
    ------
    BadDataError
        If the table has other rows than the image has volumes.
    """
    table = _read(path, n_volumes)
    wanted = [f"{axis}{ending}" for ending in _MOTION["motion12"] for axis in _AXES]
    wanted += ["framewise_displacement", "white_matter", "csf"]
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
            flagged |= numbers(table, column, path) > 0
    return flagged


def moved_volumes(path: Path, settings: BoldSettings) -> NDArray[np.bool_]:
    """Return (n_volumes,): True for volumes to scrub (Power 2012, 10.1016/j.neuroimage.2011.10.018).

    Those whose framewise displacement (mm) or standardised DVARS is above its threshold.

    Raises
    ------
    BadDataError
        If the table has neither.
    """
    table = read_table(path)
    limits = {"framewise_displacement": settings.fd_threshold, "std_dvars": settings.dvars_threshold}
    there = {column: limit for column, limit in limits.items() if column in table}
    if not there:
        raise BadDataError(
            f"{path} lacks the columns framewise_displacement and std_dvars that scrubbing goes by. "
            "Leave scrub out of bold.confounds or complete the table."
        )
    moved = np.zeros(len(table), dtype=bool)
    for column, limit in there.items():
        moved |= np.nan_to_num(numbers(table, column, path)) > limit
    return moved


def _filled(table: pd.DataFrame, columns: list[str], path: Path) -> NDArray[np.float64]:
    """Return columns as numbers, n/a as 0."""
    values = [numbers(table, column, path) for column in columns]
    filled: NDArray[np.float64] = np.nan_to_num(
        np.column_stack(values) if values else np.empty((len(table), 0))
    )
    return filled
