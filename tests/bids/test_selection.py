from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bids_eeg2fmri.bids.dataset import IndexedFile
from bids_eeg2fmri.bids.selection import is_selected, parse_filters
from bids_eeg2fmri.errors import UsageError
from bids_eeg2fmri.settings import Selection


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"bold": {"acq": "mb2"}}, "'acq' of 'bold' is no entity"),
        ({"bold": {"acq": "mb2"}}, "Did you mean 'acquisition'?"),
        ({"eeg": {"ses": "1"}}, "Did you mean 'session'?"),
        ({"eeg": {"run": {"from": 1}}}, "expected a label, a list of labels"),
        ({"eeg": {"run": []}}, "expected a label, a list of labels"),
        ({"eeg": ["run"]}, "expected an object of entities"),
        ({"meg": {}}, "'meg' is no modality"),
        (["eeg"], "expected an object with 'eeg' and 'bold'"),
    ],
)
def test_filters_that_would_select_nothing_are_refused(table: Any, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_filters(table)
    assert words in str(caught.value)


def test_a_filter_file_made_for_fmriprep_serves_too() -> None:
    table = {"t1w": {"session": "1"}, "fmap": {"fmap": "epi"}, "bold": {"run": [1, "02"], "direction": "AP"}}
    assert parse_filters(table) == {"bold": {"run": [1, "02"], "direction": "AP"}}


@pytest.mark.parametrize(
    ("wanted", "runs"),
    [
        (1, {"1"}),
        (["run-01", "2"], {"1", "2"}),
        (None, {""}),
        ("*", {"1", "2"}),
    ],
)
def test_labels_none_and_any(wanted: Any, runs: set[str]) -> None:
    selection = Selection(filters=parse_filters({"eeg": {"run": wanted}}))
    chosen = set()
    for run in ("", "1", "2"):
        fields = {"subject": "1", **({"run": run} if run else {})}
        if is_selected(IndexedFile(path=Path("x"), fields=fields), selection, "eeg"):
            chosen.add(run)
    assert chosen == runs
