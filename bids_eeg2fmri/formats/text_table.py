"""Tables of text as they are found in datasets, tidy or not; nothing heavy is imported to read one.

:mod:`bids_eeg2fmri.formats.table` reads the tables that this app wrote.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.errors import BadDataError, printable
from bids_eeg2fmri.formats.content import LARGEST_TEXT, check_content

#: Quotes that editors leave around the cells, typographic ones included.
_QUOTES = "'\"`´‘’‚‛“”„"  # noqa: RUF001  (these are the characters meant)
_MISSING = ("", "n/a", "nan")
#: Tables of confounds have a thousand columns.
_MOST_COLUMNS = 20_000
#: No measure in any unit is larger, and the square of a larger one may be infinite.
_LARGEST_NUMBER = 1e30


@dataclass(frozen=True, slots=True, kw_only=True)
class TextTable:
    """The columns of a table by name, each a tuple of as many texts; a cell without a value is empty."""

    path: Path
    columns: dict[str, tuple[str, ...]]
    #: What had to be put right, in words; empty if the table was tidy.
    repairs: tuple[str, ...] = ()

    def __contains__(self, name: object) -> bool:
        """Return whether there is a column of this name."""
        return name in self.columns

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(next(iter(self.columns.values()), ()))

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a column as texts.

        Raises
        ------
        BadDataError
            If there is no such column.
        """
        if name not in self.columns:
            raise BadDataError(
                f"{self.path} has no column '{name}'; it has {', '.join(self.columns)}. Add it."
            )
        return self.columns[name]

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return a column as float64 (n_rows,), NaN where it has no value.

        Raises
        ------
        BadDataError
            If there is no such column or it holds anything else.
        """
        texts = ["nan" if text.casefold() in _MISSING else text for text in self.texts(name)]
        try:
            values = np.asarray([float(text) for text in texts], dtype=np.float64)
        except ValueError as error:
            raise BadDataError(
                f"{self.path}: column '{name}' holds no numbers ({error}). Repair it."
            ) from None
        check_magnitude(self.path, name, values)
        return values


def read_text_table(path: Path) -> TextTable:
    """Read a table: BOM, CRLF, leading tabs, blank rows, spaces for tabs, stray quotes, missing last cells.

    Raises
    ------
    MissingInputError
        If the content is not here.
    BadDataError
        If it is no table, or larger than any that is read.
    """
    check_content(path, largest=LARGEST_TEXT)
    repairs: list[str] = []
    lines = [line for line in _decode(path, repairs).splitlines() if line.strip()]
    if not lines:
        raise BadDataError(f"{path} holds no table: it is blank. Repair or remove it.")
    _refuse_width(path, max(line.count("\t") for line in lines) + 1)
    rows = [line.split("\t") for line in lines]
    if len(rows[0]) == 1 and re.search(r"\S\s+\S", lines[0].strip()):
        # Runs of two spaces first, so that a cell may hold one.
        separator = r"\s{2,}" if re.search(r"\S\s{2,}\S", lines[0].strip()) else r"\s+"
        rows = [re.split(separator, line.strip()) for line in lines]
        repairs.append("columns separated by spaces")
        _refuse_width(path, max(map(len, rows)))
    cells = [[printable(cell.strip()) for cell in row] for row in rows]
    if any(cell and (cell[0] in _QUOTES or cell[-1] in _QUOTES) for row in cells for cell in row):
        cells = [[cell.strip(_QUOTES).strip() for cell in row] for row in cells]
        repairs.append("quotes around cells")
    header, *body = cells
    columns = {
        name: tuple("" if _cell(row, index).casefold() in _MISSING else _cell(row, index) for row in body)
        for index, name in enumerate(header)
        if name
    }
    if len(columns) < sum(bool(name) for name in header):
        raise BadDataError(f"{path} has two columns of one name ({', '.join(header)}). Rename one.")
    return TextTable(path=path, columns=columns, repairs=tuple(repairs))


def check_magnitude(path: Path, column: str, values: NDArray[np.float64]) -> None:
    """Raise if numbers (n_rows,) are infinite or beyond any measure; NaN is no value and passes.

    Raises
    ------
    BadDataError
        With the largest.
    """
    largest = np.max(np.abs(np.where(np.isnan(values), 0.0, values)), initial=0.0)
    if not largest <= _LARGEST_NUMBER:
        raise BadDataError(
            f"{path}: column '{column}' holds {largest:g}; allowed is up to {_LARGEST_NUMBER:g}. Write n/a "
            "for what is not known."
        )


def check_width(path: Path) -> None:
    """Raise if the first line of a table has more columns than any table.

    Raises
    ------
    BadDataError
        With their number.
    """
    with path.open("rb") as file:
        _refuse_width(path, file.readline().count(b"\t") + 1)


def _refuse_width(path: Path, n_columns: int) -> None:
    if n_columns > _MOST_COLUMNS:
        raise BadDataError(
            f"{path} has {n_columns} columns; at most {_MOST_COLUMNS} are read. Fetch or make it again."
        )


def _decode(path: Path, repairs: list[str]) -> str:
    """Return the text of a file: UTF-8, or what Windows programs write."""
    content = path.read_bytes()
    if b"\x00" in content[:1000] and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise BadDataError(f"{path} is no text. Fetch or export it again.")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        repairs.append("UTF-16")
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        repairs.append("not UTF-8")
        return content.decode("cp1252", errors="replace")


def _cell(row: list[str], index: int) -> str:
    """Return a cell, empty where the row ends before it."""
    return row[index] if index < len(row) else ""
