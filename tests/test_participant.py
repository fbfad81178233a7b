"""The main job on small simulated datasets, through the command, from files to files."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from bids_eeg2fmri import cli
from bids_eeg2fmri.formats.model_file import read_model
from bids_eeg2fmri.formats.score_table import read_scores
from bids_eeg2fmri.formats.table import read_table
from bids_eeg2fmri.registry import load_model

#: A network small and short enough for a test.
QUICK = [
    "--model",
    "ridge",
    "eegnet",
    "--set",
    "models.eegnet.max_epochs=2",
    "--set",
    "models.eegnet.window=2",
    "--set",
    "evaluation.n_nulls=50",
    "--device",
    "cpu",
]


def run(*args: object) -> int:
    """Run the command in this process and return its exit status."""
    with pytest.raises(SystemExit) as stop:
        cli.main([str(arg) for arg in args])
    return int(stop.value.code or 0)


def start(*args: object) -> subprocess.Popen[str]:
    """Start the command in a process of its own."""
    command = [sys.executable, "-m", "bids_eeg2fmri", *map(str, args)]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def contents(root: Path) -> dict[str, str]:
    """Return the digest of every file; crash files aside, the output holds no time stamp."""
    return {
        p.relative_to(root).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(root.rglob("*"))
        if p.is_file()
    }


@pytest.fixture(scope="module")
def finished(small_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both participants and the group, one after the other."""
    out = tmp_path_factory.mktemp("finished") / "out"
    for label in ("01", "02"):
        assert run(small_dataset, out, "participant", "--participant-label", label, *QUICK) == 0
    assert run(small_dataset, out, "group") == 0
    return out


def test_every_promised_file_is_there(finished: Path) -> None:
    stem = "sub-01_task-imagery"
    for name in [
        "dataset_description.json",
        "participants.tsv",
        "descriptions.tsv",
        "README",
        ".bidsignore",
        "logs/CITATION.md",
        "logs/settings.toml",
        "sub-01.html",
        "sub-01/sub-01_runs.tsv",
        f"sub-01/eeg/{stem}_run-1_desc-clean_eeg.vhdr",
        f"sub-01/eeg/{stem}_run-1_desc-clean_eeg.json",
        f"sub-01/func/{stem}_run-2_desc-regions_timeseries.tsv",
        f"sub-01/func/{stem}_run-2_desc-ridge_timeseries.tsv",
        f"sub-01/func/{stem}_run-2_desc-eegnet_timeseries.tsv",
        f"sub-01/func/{stem}_run-2_desc-task_timeseries.tsv",
        f"sub-01/{stem}_desc-ridge_model.safetensors",
        f"sub-01/{stem}_desc-eegnet_model.json",
        f"sub-01/{stem}_desc-scores_metrics.tsv",
        f"sub-01/{stem}_space-MNI152NLin2009cAsym_desc-regions_dseg.nii.gz",
        "group.html",
        "group_scores.tsv",
        "group_tests.tsv",
        "group_desc-ridge_stat-r_statmap.nii.gz",
    ]:
        assert (finished / name).is_file(), name
    for table in finished.rglob("*.tsv"):
        if table.name != "participants.tsv":
            assert table.with_suffix(".json").is_file(), table
    assert not list(finished.rglob("*.part*"))


def test_every_picture_a_page_shows_is_there(finished: Path) -> None:
    for page in finished.glob("*.html"):
        sources = re.findall(r'<img[^>]*src="([^"]+)"', page.read_text())
        assert sources, page
        for source in sources:
            assert (page.parent / source).is_file(), source


def test_rows_are_volumes_and_predictions_are_of_unseen_runs(finished: Path) -> None:
    folder = finished / "sub-01" / "func"
    measured = read_table(folder / "sub-01_task-imagery_run-1_desc-regions_timeseries.tsv")
    predicted = read_table(folder / "sub-01_task-imagery_run-1_desc-ridge_timeseries.tsv")
    assert len(measured) == len(predicted) == 60
    assert list(measured.columns) == list(predicted.columns)
    assert np.all(predicted["weight"] == 1)
    scores = read_scores(next((finished / "sub-01").glob("*_metrics.tsv")))
    (score,) = [s for s in scores if (s.model, s.region, s.run) == ("ridge", "M1_L", "task-imagery_run-1")]
    assert score.r == pytest.approx(np.corrcoef(measured["M1_L"], predicted["M1_L"])[0, 1], abs=1e-4)
    assert {s.run for s in scores} == {"task-imagery_run-1", "task-imagery_run-2", "all"}
    assert {s.model for s in scores} == {"task", "ridge", "eegnet"}


def test_saved_models_are_restored(finished: Path) -> None:
    for name in ("ridge", "eegnet"):
        saved = read_model(finished / "sub-01" / f"sub-01_task-imagery_desc-{name}_model.safetensors")
        fitted = load_model(name)(**saved.options).restore(saved.tensors)
        assert len(saved.channel_names) == 17  # with the reference, which is a channel again
        assert saved.channel_names[-1] == "FCz"
        for key, tensor in fitted.tensors().items():
            np.testing.assert_array_equal(tensor, saved.tensors[key])


def test_labels_hold_every_region(finished: Path) -> None:
    path = next((finished / "sub-01").glob("*_dseg.nii.gz"))
    labels = np.asarray(nib.load(path).dataobj)
    assert set(np.unique(labels)) == set(range(13))
    table = read_table(Path(str(path).replace(".nii.gz", ".tsv")))
    assert table["n_voxels"].tolist() == [int((labels == k).sum()) for k in table["index"]]


def test_two_at_once_write_the_bytes_of_one_after_the_other(
    small_dataset: Path, finished: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    jobs = [
        start(small_dataset, out, "participant", "--participant-label", label, *QUICK)
        for label in ("01", "02")
    ]
    for job in jobs:
        said, _ = job.communicate()
        assert job.returncode == 0, said
    assert run(small_dataset, out, "group") == 0
    assert contents(out) == contents(finished)


def test_several_processes_and_work_folder_change_nothing(
    small_dataset: Path, finished: Path, tmp_path: Path
) -> None:
    out, work = tmp_path / "out", tmp_path / "work"
    for _ in range(2):  # the second time from the work folder
        shutil.rmtree(out, ignore_errors=True)
        job = start(small_dataset, out, "participant", "--nprocs", 2, "-w", work, *QUICK)
        said, _ = job.communicate()
        assert job.returncode == 0, said
        assert {k: v for k, v in contents(finished).items() if not k.startswith("group")} == contents(out)
    assert len(list(work.iterdir())) == 8


def test_a_finished_participant_is_skipped_until_something_changes(
    own_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    args = [own_dataset, out, "participant", "--participant-label", "01", "--set", "evaluation.n_nulls=20"]
    assert run(*args, "--model", "ridge", "eegnet", "--set", "models.eegnet.max_epochs=1") == 0
    assert (out / "sub-01" / "sub-01_task-imagery_desc-eegnet_model.safetensors").exists()
    assert run(*args, "--model", "ridge") == 0
    assert "up to date" not in capsys.readouterr().out
    assert not list((out / "sub-01").rglob("*eegnet*")), "results of a model no longer asked for"
    assert run(*args, "--model", "ridge") == 0
    assert "up to date" in capsys.readouterr().out
    stem = "sub-01_task-imagery_run-1"
    sidecar = f"derivatives/fmriprep/sub-01/func/{stem}_space-MNI152NLin2009cAsym_desc-preproc_bold.json"
    for changed in (f"sub-01/eeg/{stem}_eeg.eeg", "task-imagery_events.json", sidecar):
        os.utime(own_dataset / changed)
        assert run(*args, "--model", "ridge") == 0
        assert "up to date" not in capsys.readouterr().out, changed


def test_one_run_falls_back_to_blocks_and_says_so(small_dataset: Path, tmp_path: Path) -> None:
    args = [small_dataset, tmp_path / "out", "participant", "--participant-label", "01", "--run-label", "1"]
    assert run(*args, "--model", "ridge", "--set", "evaluation.n_nulls=20") == 0
    assert "within-run" in (tmp_path / "out" / "sub-01.html").read_text()


def test_a_session_is_held_out_where_there_are_two(tmp_path: Path) -> None:
    from bids_eeg2fmri.simulate.dataset import simulate_dataset
    from bids_eeg2fmri.simulate.options import SimulationOptions

    data, out = tmp_path / "bids", tmp_path / "out"
    simulate_dataset(data, SimulationOptions(participants=1, sessions=2, runs=1, volumes=60, channels=16))
    assert run(data, out, "participant", "--model", "ridge", "--set", "evaluation.n_nulls=20") == 0
    assert "each session in turn was held out" in (out / "sub-01.html").read_text()
    assert (out / "sub-01" / "ses-1" / "eeg").is_dir()


def test_group_says_who_is_missing(
    small_dataset: Path, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    shutil.copytree(finished, out)
    (out / "logs" / "sub-02_done.json").unlink()
    assert run(small_dataset, out, "group") == 0
    assert "1 of 2 participants have results" in capsys.readouterr().out
    page = (out / "group.html").read_text()
    assert "run the participant level for this participant" in page


def test_group_warns_of_different_settings(
    small_dataset: Path, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    shutil.copytree(finished, out)
    other = [*QUICK, "--set", "eeg.lowpass=30"]
    assert run(small_dataset, out, "participant", "--participant-label", "02", *other) == 0
    assert run(small_dataset, out, "group") == 0
    assert "2 different settings (sub-01 | sub-02)" in capsys.readouterr().out
    assert "2 different settings" in (out / "group.html").read_text()


def test_output_passes_the_validator(finished: Path) -> None:
    validator = shutil.which("bids-validator-deno", path=str(Path(sys.executable).parent))
    if validator is None:
        pytest.skip("bids-validator-deno is not installed")
    done = subprocess.run([validator, str(finished)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


def test_regions_from_a_label_image(small_dataset: Path, tmp_path: Path) -> None:
    (mask,) = small_dataset.glob("derivatives/*/sub-01/func/*_run-1_*_desc-brain_mask.nii.gz")
    brain = nib.load(mask)
    inside = np.asarray(brain.dataobj) > 0
    left = np.arange(inside.shape[0])[:, None, None] < inside.shape[0] // 2
    atlas = tmp_path / "hemispheres.nii.gz"
    nib.save(nib.Nifti1Image(np.where(inside, np.where(left, 3, 8), 0).astype(np.int16), brain.affine), atlas)
    names = tmp_path / "hemispheres.tsv"
    names.write_text("index\tname\n3\thalf_L\n")
    out = tmp_path / "out"
    args = (small_dataset, out, "participant", "--participant-label", "01", "--regions", atlas)
    args = (*args, "--model", "ridge", "--set", "evaluation.n_nulls=50")
    assert run(*args) == 0
    (table,) = out.glob("sub-01/*_desc-regions_dseg.tsv")
    assert read_table(table)["name"].tolist() == ["half_L", "label_8"]
    written = np.asarray(nib.load(table.with_suffix(".nii.gz")).dataobj)
    assert np.array_equal(written, np.where(inside, np.where(left, 1, 2), 0))
    (scores,) = out.glob("sub-01/*_desc-scores_metrics.tsv")
    assert {"half_L", "label_8"} < {score.region for score in read_scores(scores)}
    assert "labels of hemispheres.nii.gz" in (out / "sub-01.html").read_text()
    # Another name is another result, though the image is the same.
    names.write_text("index\tname\n3\tsinister\n")
    assert run(*args) == 0
    assert read_table(table)["name"].tolist() == ["sinister", "label_8"]
