"""Two real datasets as DataLad users see them before ``datalad get``; not part of this repository.

BIDS_EEG2FMRI_SKELETONS names the folder that holds xp1.tar.gz (OpenNeuro ds002336, two participants) and
eeg_rest_fmri.tar.gz (bids-examples).
"""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from bids_eeg2fmri import cli
from bids_eeg2fmri.formats.eeg_recording import inspect_eeg
from bids_eeg2fmri.formats.text_table import read_text_table
from bids_eeg2fmri.settings import Selection, Settings
from bids_eeg2fmri.sync.discovery import Discovery, discover_runs


def unpack(name: str, folder: Path) -> Path:
    source = os.environ.get("BIDS_EEG2FMRI_SKELETONS")
    if not source or not (Path(source) / f"{name}.tar.gz").is_file():
        pytest.skip(f"BIDS_EEG2FMRI_SKELETONS names no folder with {name}.tar.gz")
    with tarfile.open(Path(source) / f"{name}.tar.gz") as archive:
        # Its dangling links point out of the folder, which is what is tested.
        archive.extractall(folder, filter="fully_trusted")
    return folder / name


@pytest.fixture(scope="module")
def xp1(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack("xp1", tmp_path_factory.mktemp("xp1"))


@pytest.fixture(scope="module")
def rest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack("eeg_rest_fmri", tmp_path_factory.mktemp("rest"))


def discover(root: Path, participant: str, *derivatives: Path) -> Discovery:
    return discover_runs(root, derivatives, participant, selection=Selection(), settings=Settings())


def test_xp1_every_recording_has_its_status(xp1: Path) -> None:
    for participant, tasks in (
        ("xp101", {"motorloc", "eegNF", "fmriNF", "eegfmriNF"}),
        ("xp102", {"motorloc", "MIpre", "MIpost", "fmriNF", "eegfmriNF"}),
    ):
        found = discover(xp1, participant).found
        pairs = [run for run in found if run.status == "unusable"]
        assert {run.entities.task for run in pairs} == tasks
        assert len(pairs) == 2 * len(tasks)
        assert all(run.partner is not None and "datalad get" in run.reason for run in pairs)
        assert {run.exit_status for run in pairs} == {66}
        alone = [(run.modality, run.entities.task) for run in found if run.status == "unpaired"]
        assert alone == ([("eeg", "eegNF")] if participant == "xp102" else [])


def test_xp1_motorloc_is_timed_though_its_content_is_not_here(xp1: Path) -> None:
    (run,) = (
        r for r in discover(xp1, "xp101").found if r.entities.task == "motorloc" and r.modality == "eeg"
    )
    told = " ".join(run.evidence)
    assert "163 volumes every 2.000 s, the first at 11.152 s" in told
    assert "15 of 16 events of the table match markers of the EEG" in told
    assert "-1.89 s at the first" in told
    assert "truncated: it ends after 0.1 s" in run.reason
    header = inspect_eeg(run.path).header
    assert header is not None
    assert (header.n_channels, header.sfreq) == (64, 5000)


def test_xp1_table_of_channels_is_understood(xp1: Path) -> None:
    table = read_text_table(xp1 / "task-motorloc_channels.tsv")
    assert len(table) == 64
    assert table.columns["type"][table.columns["name"].index("ECG")] == "ECG"


def test_xp1_through_the_command(xp1: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for extra in (["--dry-run"], []):
        with pytest.raises(SystemExit) as stop:
            cli.main([str(xp1), str(tmp_path / "out"), "participant", *extra])
        assert int(stop.value.code or 0) == (0 if extra else 66)
        said = capsys.readouterr().out
        assert "datalad get" in said
        assert "xp101" in said
        assert "xp102" in said


def test_rest_is_paired_by_entities_and_the_clock_box_is_no_volume(rest: Path) -> None:
    for participant in ("32", "35", "36"):
        found = discover(rest, participant).found
        assert len(found) == 2
        told = " ".join(found[0].evidence)
        assert found[0].evidence[0] == "same subject, task"
        assert "no marker of the EEG is a volume every 2.160 s; the markers are: 'Sync On'" in told
        assert f"preprocessed EEG that is not used: {rest}/derivatives/sub-{participant}" in told
        assert "is empty" in found[0].reason


def test_rest_has_its_volumes_in_the_markers_of_the_derivative(rest: Path) -> None:
    for participant in ("32", "35", "36"):
        told = " ".join(discover(rest, participant, rest / "derivatives").found[0].evidence)
        assert "300 markers 'Scan Start', one per volume" in told
        assert "300 volumes every 2.160 s" in told
