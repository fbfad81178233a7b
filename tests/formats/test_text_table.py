from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bids_eeg2fmri.errors import BadDataError, MissingInputError
from bids_eeg2fmri.formats.text_table import read_text_table

TIDY = b"onset\tduration\ttrial_type\n2\t20\trest\n22\tn/a\tfoot tap\n"


@pytest.mark.parametrize(
    "content",
    [
        TIDY,
        b"\xef\xbb\xbf" + TIDY.replace(b"\n", b"\r\n") + b"\r\n\t\t\r\n\r\n",
        b"\t" + TIDY.replace(b"\n", b"\n\t"),
        TIDY.replace(b"\t", b"\t "),
        TIDY.replace(b"\t", b"   "),
        TIDY.decode().encode("utf-16"),
        TIDY.replace(b"rest", b'"rest"').replace(b"foot tap", "‘foot tap’".encode()),  # noqa: RUF001
    ],
    ids=["tidy", "BOM, CRLF, blank rows", "leading tabs", "blanks", "spaces", "UTF-16", "quotes"],
)
def test_the_same_table_however_untidy(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "events.tsv"
    path.write_bytes(content)
    table = read_text_table(path)
    assert list(table.columns) == ["onset", "duration", "trial_type"]
    assert len(table) == 2
    np.testing.assert_array_equal(table.numbers("onset"), [2, 22])
    np.testing.assert_array_equal(table.numbers("duration"), [20, np.nan])
    assert table.texts("trial_type") == ("rest", "foot tap")


def test_a_missing_last_cell_is_empty_and_repairs_are_told(tmp_path: Path) -> None:
    path = tmp_path / "channels.tsv"
    path.write_text("name   type   units\n'Fp1'   EEG\n'ECG’   ECG   microV\n", encoding="utf-8")  # noqa: RUF001
    table = read_text_table(path)
    assert table.texts("name") == ("Fp1", "ECG")
    assert table.texts("units") == ("", "microV")
    assert table.repairs == ("columns separated by spaces", "quotes around cells")


def test_what_is_no_table(tmp_path: Path) -> None:
    path = tmp_path / "x.tsv"
    with pytest.raises(MissingInputError):
        read_text_table(path)
    path.write_bytes(b"\x1f\x8b\x00\x00binary")
    with pytest.raises(BadDataError, match="no text"):
        read_text_table(path)
    path.write_text("a\ta\n1\t2\n")
    with pytest.raises(BadDataError, match="two columns of one name"):
        read_text_table(path)
    path.write_text("a\tb\n1\tx\n")
    with pytest.raises(BadDataError, match="holds no numbers"):
        read_text_table(path).numbers("b")
    with pytest.raises(BadDataError, match="no column 'c'; it has a, b"):
        read_text_table(path).texts("c")
