from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bids_eeg2fmri.bids.derivatives import find_derivatives
from bids_eeg2fmri.bold.confounds import moved_volumes, select_confounds
from bids_eeg2fmri.bold.extraction import extract_regions
from bids_eeg2fmri.bold.region_set import label_regions
from bids_eeg2fmri.errors import BadDataError, UsageError
from bids_eeg2fmri.records import SimultaneousRun
from bids_eeg2fmri.settings import BoldSettings, Selection, Settings
from bids_eeg2fmri.sync.discovery import discover_runs

AXES = ["trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z"]


@pytest.fixture
def run(small_dataset: Path) -> SimultaneousRun:
    found = discover_runs(
        small_dataset, find_derivatives(small_dataset), "01", selection=Selection(), settings=Settings()
    )
    return found.timed[0].run


def write_table(path: Path, n_volumes: int = 60) -> pd.DataFrame:
    """Write a table with all columns fMRIPrep has for the strategies; return it."""
    rng = np.random.default_rng(0)
    endings = ("", "_derivative1", "_power2", "_derivative1_power2")
    names = [axis + ending for ending in endings for axis in AXES]
    names += ["white_matter", "csf", "global_signal", *(f"a_comp_cor_{k:02d}" for k in range(12))]
    table = pd.DataFrame(rng.normal(size=(n_volumes, len(names))), columns=names)
    table["framewise_displacement"] = 0.1
    table["std_dvars"] = 1.0
    table.loc[0, ["framewise_displacement", "std_dvars"]] = np.nan
    table.to_csv(path, sep="\t", index=False, na_rep="n/a")
    masks = ["CSF"] * 3 + ["WM"] * 3 + ["combined"] * 6
    about = {f"a_comp_cor_{k:02d}": {"Mask": mask} for k, mask in enumerate(masks)}
    path.with_suffix(".json").write_text(json.dumps(about))
    return table


@pytest.mark.parametrize(
    ("confounds", "first", "last", "n_columns"),
    [
        ("none", None, None, 0),
        ("motion6", "trans_x", "rot_z", 6),
        (("motion12", "wm_csf"), "trans_x", "csf", 14),
        ("motion24", "trans_x", "rot_z_derivative1_power2", 24),
        (("wm_csf", "global_signal"), "white_matter", "global_signal", 3),
        (("motion6", "compcor", "scrub"), "trans_x", "a_comp_cor_10", 11),
    ],
)
def test_strategies_choose_their_columns(
    confounds: tuple[str, ...] | str, first: str | None, last: str | None, n_columns: int, tmp_path: Path
) -> None:
    table = write_table(tmp_path / "t.tsv")
    settings = BoldSettings(confounds=confounds, highpass=0.0)
    values, names = select_confounds(tmp_path / "t.tsv", settings, n_volumes=60, tr=2.0)
    assert values.shape == (60, n_columns) == (60, len(names))
    if first is not None and last is not None:
        assert (names[0], names[-1]) == (first, last)
        np.testing.assert_allclose(values[:, -1], table[last] - table[last].mean(), atol=1e-12)


def test_compcor_without_a_description_takes_the_first(tmp_path: Path) -> None:
    write_table(tmp_path / "t.tsv")
    (tmp_path / "t.json").unlink()
    settings = BoldSettings(confounds="compcor", compcor=2, highpass=0.0)
    _, names = select_confounds(tmp_path / "t.tsv", settings, n_volumes=60, tr=2.0)
    assert names == ("a_comp_cor_00", "a_comp_cor_01")
    settings = BoldSettings(confounds="compcor", compcor=13)
    with pytest.raises(BadDataError, match="lacks the columns a_comp_cor_12"):
        select_confounds(tmp_path / "t.tsv", settings, n_volumes=60, tr=2.0)


@pytest.mark.parametrize("confounds", ["motion7", ("motion6", "motion24"), ("wm_csf", "wm_csf")])
def test_strategies_that_are_none_are_refused(confounds: tuple[str, ...] | str) -> None:
    with pytest.raises(UsageError, match=r"bold\.confounds"):
        BoldSettings(confounds=confounds)


def test_scrubbed_volumes_keep_their_place_with_weight_0(run: SimultaneousRun, tmp_path: Path) -> None:
    path = tmp_path / "t.tsv"
    table = write_table(path)
    table.loc[[10, 11], "framewise_displacement"] = 0.9
    table.loc[40, "std_dvars"] = 2.0
    table.to_csv(path, sep="\t", index=False, na_rep="n/a")
    settings = BoldSettings(confounds=("motion6", "scrub"))
    own = replace(run, confounds_path=path)
    series = extract_regions(own, label_regions([own], settings), settings)
    assert np.flatnonzero(series.weights == 0).tolist() == [10, 11, 40]
    assert len(series.data) == 60
    assert "3 volumes scrubbed for motion: weight 0" in series.steps
    # Regressors are fitted on the volumes that count.
    regressors, _ = select_confounds(path, settings, n_volumes=60, tr=2.0)
    kept = series.weights > 0
    centred = regressors[kept] - regressors[kept].mean(axis=0)
    assert np.abs(centred.T @ series.data[kept]).max() < 1e-6
    assert moved_volumes(path, BoldSettings(fd_threshold=1.0, dvars_threshold=3.0)).sum() == 0
    table.drop(columns=["framewise_displacement", "std_dvars"]).to_csv(path, sep="\t", index=False)
    with pytest.raises(BadDataError, match="scrubbing goes by"):
        moved_volumes(path, settings)


def test_many_regressors_for_a_short_run_are_warned_of(
    run: SimultaneousRun, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_table(tmp_path / "t.tsv")
    own = replace(run, confounds_path=tmp_path / "t.tsv")
    for confounds, is_warned in (("motion6", False), ("motion24", True)):
        caplog.clear()
        settings = BoldSettings(confounds=confounds)
        with caplog.at_level(logging.WARNING):
            series = extract_regions(own, label_regions([own], settings), settings)
        assert ("more than a third" in caplog.text) == is_warned
        assert any("more than a third" in step for step in series.steps) == is_warned


def test_an_image_without_confounds_is_taken_with_a_warning(
    run: SimultaneousRun, caplog: pytest.LogCaptureFixture
) -> None:
    own = replace(run, confounds_path=None)
    with caplog.at_level(logging.WARNING):
        series = extract_regions(own, label_regions([own], BoldSettings()), BoldSettings())
    assert "motion is not removed" in caplog.text
    assert any("no confounds table was found" in step for step in series.steps)
