"""BIDS tables: TSV with a JSON file that describes each column."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bids_eeg2fmri.errors import BadDataError, printable
from bids_eeg2fmri.formats.atomic import write_text
from bids_eeg2fmri.formats.content import LARGEST_TABLE, check_content
from bids_eeg2fmri.formats.json_file import write_json
from bids_eeg2fmri.formats.text_table import check_magnitude, check_width

#: Column name to its description, with "Units" where it has one.
Columns = Mapping[str, Mapping[str, Any]]


def write_table(path: Path, rows: Iterable[Sequence[Any]], columns: Columns, **extra: Any) -> None:
    """Write rows as TSV, and the columns' descriptions (with ``extra`` keys) as the JSON beside it.

    Floats are written with six significant digits; NaN, None and empty texts as ``n/a``.
    """
    lines = ["\t".join(_cell(name) for name in columns)]
    lines += ["\t".join(_cell(value) for value in row) for row in rows]
    write_text(path, "\n".join(lines) + "\n")
    write_json(path.with_suffix(".json"), {**extra, **columns})


def read_table(path: Path) -> pd.DataFrame:
    """Read a TSV as untidy datasets have it: BOM, CRLF, blank rows, a leading or trailing tab.

    Raises
    ------
    MissingInputError
        If the file is not there.
    BadDataError
        If it is no table, or larger than any that is read.
    """
    check_content(path, largest=LARGEST_TABLE)
    try:
        check_width(path)
        table = pd.read_csv(
            path,
            sep="\t",
            encoding="utf-8-sig",
            na_values=["n/a", ""],
            keep_default_na=False,
            skip_blank_lines=True,
            low_memory=False,
        )
    except (OSError, ValueError, csv.Error, OverflowError) as error:
        raise BadDataError(f"{path} cannot be read as a table ({error}). Repair or remove it.") from None
    table.columns = [str(name).strip() for name in table.columns]
    unnamed = [name for name in table.columns if name.startswith("Unnamed:")]
    return table.drop(columns=unnamed).dropna(how="all").reset_index(drop=True)


def numbers(table: pd.DataFrame, column: str, path: Path) -> NDArray[np.float64]:
    """Return a column as float64 (n_rows,), n/a as NaN.

    Raises
    ------
    BadDataError
        If the column is missing or holds anything else.
    """
    if column not in table:
        raise BadDataError(f"{path} has no column '{column}'; it has {', '.join(table.columns)}.")
    try:
        values: NDArray[np.float64] = table[column].to_numpy(dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadDataError(f"{path}: column '{column}' holds no numbers ({error}).") from None
    check_magnitude(path, column, values)
    return values


def _cell(value: Any) -> str:
    """Return a value as text for a TSV."""
    if value is None or value == "" or (isinstance(value, float | np.floating) and math.isnan(value)):
        return "n/a"
    if isinstance(value, float | np.floating):
        return f"{float(value):.6g}"
    return printable(str(value)).replace("\t", " ").replace("\n", " ")
