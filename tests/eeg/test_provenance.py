from __future__ import annotations

import json
from pathlib import Path

import pytest

from bids_eeg2fmri.eeg.provenance import ALL_STEPS, Provenance, read_provenance


def lay_out(tmp_path: Path, name: str, sidecar: dict | None = None, kind: str = "") -> Path:
    if kind:
        (tmp_path / "dataset_description.json").write_text(json.dumps({"Name": "x", "DatasetType": kind}))
    path = tmp_path / "sub-1" / "eeg" / name
    path.parent.mkdir(parents=True)
    if sidecar is not None:
        path.with_suffix(".json").write_text(json.dumps(sidecar))
    return path


@pytest.mark.parametrize(
    "name",
    [
        "sub-1_task-a_desc-clean_eeg.vhdr",
        "sub-1_task-a_desc-preproc_eeg.vhdr",
        "sub-1_task-a_proc-clean_raw.fif",
        "sub-1_task-a_eeg_pp.vhdr",
        "sub-1_task-a_cleaned.set",
    ],
)
def test_names_of_cleaned_recordings(tmp_path: Path, name: str) -> None:
    found = read_provenance(lay_out(tmp_path, name, kind="derivative"))
    assert found.done == ALL_STEPS
    assert "in its name" in found.steps[0]
    assert "gradient, pulse" in found.steps[0]


def test_a_raw_recording_has_no_past(tmp_path: Path) -> None:
    sidecar = {
        "EEGReference": "placed on FCz",
        "SoftwareFilters": {"Anti-aliasing filter": {"half-amplitude cutoff (Hz)": 500}},
        "SubjectArtefactDescription": "strong pulse and gradient artefacts",
        "TaskDescription": "blink to the pulse",
    }
    found = read_provenance(lay_out(tmp_path, "sub-1_task-a_eeg.vhdr", sidecar, kind="raw"))
    assert found == Provenance(reference="placed on FCz")
    assert found.steps == ()


@pytest.mark.parametrize(
    ("name", "sidecar", "done"),
    [
        ("sub-1_task-a_desc-gradient_eeg.vhdr", None, {"gradient"}),
        ("sub-1_task-a_desc-bcg_eeg.vhdr", None, {"gradient", "pulse"}),
        ("sub-1_task-a_proc-regress_raw.fif", None, {"components"}),
        ("sub-1_task-a_desc-x_eeg.vhdr", {"Steps": ["gradient artefact subtracted (AAS)"]}, {"gradient"}),
        (
            "sub-1_task-a_desc-x_eeg.vhdr",
            {"ProcessingSteps": ["FASTR", "OBS", "ICA: 3 ocular components removed"]},
            {"gradient", "pulse", "components"},
        ),
        (
            "sub-1_task-a_desc-x_eeg.vhdr",
            {"Description": "MR gradient artifact removed. Pulse artifact not removed."},
            {"gradient"},
        ),
        (
            "sub-1_task-a_desc-x_eeg.vhdr",
            {"SoftwareFilters": {"Gradient correction": {"Method": "AAS"}}},
            {"gradient"},
        ),
    ],
)
def test_single_steps_by_label_or_sidecar(
    tmp_path: Path, name: str, sidecar: dict | None, done: set[str]
) -> None:
    found = read_provenance(lay_out(tmp_path, name, sidecar, kind="derivative"))
    assert found.done == done
    assert found.evidence


def test_a_derivative_that_says_nothing_is_taken_as_clean(tmp_path: Path) -> None:
    found = read_provenance(lay_out(tmp_path / "derivatives" / "lab", "sub-1_task-a_eeg.set"))
    assert found.done == ALL_STEPS
    assert "derivative" in found.evidence


def test_a_broken_sidecar_is_no_obstacle(tmp_path: Path) -> None:
    path = lay_out(tmp_path, "sub-1_task-a_eeg.vhdr", kind="raw")
    path.with_suffix(".json").write_text("{")
    assert read_provenance(path) == Provenance()


def test_what_was_only_filtered_is_not_taken_as_clean(tmp_path: Path) -> None:
    found = read_provenance(lay_out(tmp_path, "sub-1_task-a_proc-filt_raw.fif", kind="derivative"))
    assert found.done == frozenset()
    assert found.steps == ()
    told = {"Steps": ["ICA: 2 components removed"]}
    (tmp_path / "b").mkdir()
    more = lay_out(tmp_path / "b", "sub-1_task-a_proc-filt_raw.fif", told, kind="derivative")
    assert read_provenance(more).done == {"components"}
