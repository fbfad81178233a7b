"""XCP-D's table of the volumes that it removed or interpolated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.formats.table import numbers, read_table


def read_outliers(path: Path, n_volumes: int) -> NDArray[np.bool_]:
    """Return (n_volumes,): True for volumes that are flagged in any column.

    Raises
    ------
    BadDataError
        If the table has other rows than the run has volumes, or holds no numbers.
    """
    table = read_table(path)
    if len(table) != n_volumes:
        raise BadDataError(
            f"{path} has {len(table)} rows but the run has {n_volumes} volumes. They are of different runs."
        )
    flagged = np.zeros(n_volumes, dtype=bool)
    for column in table.columns:
        flagged |= numbers(table, column, path) > 0
    return flagged
