"""Trained models applied to EEG through the command: what comes out, and what is refused."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file, save_file

from bids_eeg2fmri import cli
from bids_eeg2fmri.bold.region_set import label_regions
from bids_eeg2fmri.formats.model_file import model_digest, read_model, write_model
from bids_eeg2fmri.formats.table import read_table
from bids_eeg2fmri.preparation import prepare_run, share_channels
from bids_eeg2fmri.registry import load_model
from bids_eeg2fmri.settings import Selection, Settings
from bids_eeg2fmri.sync.discovery import discover_runs
from bids_eeg2fmri.training.crossvalidation import fit_final
from bids_eeg2fmri.training.saved_models import load_predictor, restore_predictor

MODELS = ("ridge", "smr", "eegnet")
STEM = "sub-01_task-imagery"
EEG = f"sub-01/eeg/{STEM}_run-1_eeg"


def run(*args: object) -> int:
    """Run the command in this process and return its exit status."""
    with pytest.raises(SystemExit) as stop:
        cli.main([str(arg) for arg in args])
    return int(stop.value.code or 0)


def series(out: Path, model: str, n: int = 1) -> Path:
    return out / "sub-01" / "eeg" / f"{STEM}_run-{n}_desc-{model}_timeseries.tsv"


@pytest.fixture(scope="module")
def trained(small_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of training on participant 01; do not change it, copy it."""
    out = tmp_path_factory.mktemp("trained") / "out"
    quick = ["--set", "models.eegnet.max_epochs=1", "--set", "models.eegnet.window=2"]
    args = ["--participant-label", "01", "--model", *MODELS, "--set", "evaluation.n_nulls=20", *quick]
    assert run(small_dataset, out, "participant", "--device", "cpu", *args) == 0
    return out


@pytest.fixture(scope="module")
def eeg_only(small_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small dataset without any BOLD; do not change it, copy it."""
    root = tmp_path_factory.mktemp("eeg_only") / "bids"
    shutil.copytree(small_dataset, root, ignore=shutil.ignore_patterns("func", "derivatives"))
    return root


@pytest.fixture(scope="module")
def applied(trained: Path, eeg_only: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a process of its own predicts for the EEG of participant 01."""
    out = tmp_path_factory.mktemp("applied") / "out"
    args = [eeg_only, out, "participant", "--participant-label", "01", "--apply", trained]
    done = subprocess.run(
        [sys.executable, "-m", "bids_eeg2fmri", *map(str, args)],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "ridge, smr applied to 2 EEG recordings, not scored" in done.stdout
    return out


@pytest.fixture
def own_eeg(eeg_only: Path, tmp_path: Path) -> Path:
    root = tmp_path / "bids"
    shutil.copytree(eeg_only, root)
    return root


@pytest.fixture
def own_models(trained: Path, tmp_path: Path) -> Path:
    """A copy of the ridge of participant 01 that a test may damage."""
    folder = tmp_path / "models" / "sub-01"
    folder.mkdir(parents=True)
    for path in (trained / "sub-01").glob("*_desc-ridge_model.*"):
        shutil.copy(path, folder)
    return folder.parent


def test_the_prediction_is_that_of_the_model_that_was_trained(
    small_dataset: Path, trained: Path, applied: Path
) -> None:
    """In a fresh process without BOLD, what the model says of the runs as they were in training."""
    settings = Settings()
    derivatives = [small_dataset / "derivatives" / "fmriprep"]
    found = discover_runs(small_dataset, derivatives, "01", selection=Selection(), settings=settings)
    labels = label_regions([timed.run for timed in found.timed], settings.bold)
    prepared = [prepare_run(timed, labels, settings) for timed in found.timed]
    runs = [one.aligned for one in prepared]
    for name in MODELS:
        saved = read_model(trained / "sub-01" / f"{STEM}_desc-{name}_model.safetensors")
        in_memory = (
            restore_predictor(saved)
            if name == "eegnet"  # its training takes other sums on other numbers of threads
            else fit_final(load_model(name)(), runs, seed=0)
        )
        for k, aligned in enumerate(runs):
            table = read_table(series(applied, name, k + 1))
            assert list(table.columns) == [*aligned.region_names, "weight"]
            expected = in_memory.predict(aligned)
            there = table[list(aligned.region_names)].to_numpy()
            np.testing.assert_allclose(there, expected, rtol=0, atol=1e-5, err_msg=name)
            assert np.std(expected) > 1e-3
            np.testing.assert_array_equal(table["weight"], aligned.weights)
            sidecar = json.loads(series(applied, name, k + 1).with_suffix(".json").read_text())
            start = prepared[k].clock.onsets[0] + prepared[k].run.start_time
            assert sidecar["StartTime"] == pytest.approx(start, abs=1e-6)
            assert sidecar["SamplingFrequency"] == pytest.approx(0.5, rel=1e-4)


def test_the_sidecar_names_the_model_and_says_that_nothing_is_scored(trained: Path, applied: Path) -> None:
    sidecar = json.loads(series(applied, "ridge").with_suffix(".json").read_text())
    file = f"sub-01/{STEM}_desc-ridge_model.safetensors"
    assert sidecar["ModelDigest"] == f"sha256:{model_digest(trained / file)}"
    assert sidecar["Sources"] == [f"bids:raw:{EEG}.vhdr", f"bids:models:{file}"]
    links = json.loads((applied / "dataset_description.json").read_text())["DatasetLinks"]
    assert {"raw", "models"} <= links.keys()
    assert sidecar["TrainedOn"] == [f"{STEM}_run-1", f"{STEM}_run-2"]
    assert "nothing was scored" in sidecar["Note"]


def test_the_sidecar_says_how_far_to_trust_each_region(trained: Path, applied: Path) -> None:
    table = pd.read_csv(trained / "sub-01" / f"{STEM}_desc-scores_metrics.tsv", sep="\t")
    known = table[(table["model"] == "ridge") & (table["run"] == "all")].set_index("region")
    sidecar = json.loads(series(applied, "ridge").with_suffix(".json").read_text())
    regions = [name for name in known.index if name != "mean"]
    assert list(sidecar["HeldOutR"]) == list(sidecar["HeldOutError"]) == regions
    np.testing.assert_allclose(list(sidecar["HeldOutR"].values()), known.loc[regions, "r"], atol=1e-4)
    expected = np.sqrt(known.loc[regions, "mse"])
    np.testing.assert_allclose(list(sidecar["HeldOutError"].values()), expected, rtol=1e-3)
    page = (applied / "sub-01.html").read_text()
    assert "How far to trust the models" in page
    assert page.count('<th scope="row">M1_L</th>') == 1


def test_the_report_is_whole_and_says_so_too(applied: Path) -> None:
    page = (applied / "sub-01.html").read_text()
    assert "Nothing here is scored." in page
    assert "another person" not in page
    pictures = re.findall(r'<img[^>]*src="([^"]+)"', page)
    assert len(pictures) == 2
    for picture in pictures:
        assert (applied / picture).is_file()
    for table in applied.rglob("*.tsv"):
        assert table.with_suffix(".json").is_file() or table.name == "participants.tsv"
    assert not list(applied.rglob("*_metrics.tsv"))
    assert "Ritter" in (applied / "logs" / "CITATION.md").read_text()


def test_output_passes_the_validator(applied: Path) -> None:
    validator = shutil.which("bids-validator-deno", path=str(Path(sys.executable).parent))
    if validator is None:
        pytest.skip("bids-validator-deno is not installed")
    done = subprocess.run([validator, str(applied)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


def test_of_runs_with_bold_only_the_eeg_is_used(
    small_dataset: Path, trained: Path, applied: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    args = [small_dataset, out, "participant", "--participant-label", "01", "--apply", trained]
    assert run(*args, "--model", "smr", "--run-label", "2") == 0
    assert series(out, "smr", 2).read_bytes() == series(applied, "smr", 2).read_bytes()
    assert len(list(out.rglob("*_timeseries.tsv"))) == 1
    capsys.readouterr()
    assert run(*args, "--model", "smr", "--run-label", "2") == 0
    assert "up to date" in capsys.readouterr().out
    assert run(*args, "--model", "ridge", "--run-label", "2") == 0
    assert not series(out, "smr", 2).exists(), "what this call does not make is removed"
    assert series(out, "ridge", 2).exists()


def test_one_file_is_for_everybody_with_a_warning(
    eeg_only: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = trained / "sub-01" / f"{STEM}_desc-smr_model.safetensors"
    out = tmp_path / "out"
    assert run(eeg_only, out, "participant", "--run-label", "1", "--apply", file) == 0
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert "another person" not in first
    assert "trained on sub-01, not on sub-02: another person's model" in second
    assert "another person" in (out / "sub-02.html").read_text()
    assert "another person" not in (out / "sub-01.html").read_text()
    sidecar = json.loads(next(out.glob("sub-02/eeg/*_timeseries.json")).read_text())
    assert sidecar["Sources"][1] == f"bids:models:{file.name}"


def test_without_volume_markers_times_are_a_grid_from_the_start(
    own_eeg: Path, trained: Path, tmp_path: Path
) -> None:
    for name in (f"{EEG}.vmrk", f"{EEG.removesuffix('eeg')}events.tsv"):
        path = own_eeg / name
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(line for line in lines if "R128" not in line))
    out = tmp_path / "out"
    args = ["--participant-label", "01", "--run-label", "1", "--apply", trained, "--model", "smr"]
    assert run(own_eeg, out, "participant", *args) == 0
    sidecar = json.loads(series(out, "smr").with_suffix(".json").read_text())
    start = read_model(trained / "sub-01" / f"{STEM}_desc-smr_model.safetensors").start_time
    assert sidecar["StartTime"] == pytest.approx(start)
    assert sidecar["SamplingFrequency"] == 0.5
    assert "no volume marker" in sidecar["TimesFrom"]
    assert len(read_table(series(out, "smr"))) > 60


def without_channels(*names: str) -> Callable[[Path], None]:
    """Return a damage: electrodes that recorded no EEG."""

    def damage(root: Path) -> None:
        path = root / f"{EEG.removesuffix('eeg')}channels.tsv"
        rows = [line.split("\t") for line in path.read_text().splitlines()]
        kind = rows[0].index("type")
        for row in rows[1:]:
            row[kind] = "MISC" if row[0] in names else row[kind]
        path.write_text("\n".join("\t".join(row) for row in rows) + "\n")

    return damage


def slow_sampling(root: Path) -> None:
    """Say that the samples were taken at 50 Hz."""
    path = root / f"{EEG}.vhdr"
    path.write_text(re.sub(r"SamplingInterval=.*", "SamplingInterval=20000", path.read_text()))
    sidecar = root / f"{EEG}.json"
    content = json.loads(sidecar.read_text()) | {"SamplingFrequency": 50}
    del content["RecordingDuration"]
    sidecar.write_text(json.dumps(content))


def test_one_missing_channel_is_interpolated(
    own_eeg: Path, trained: Path, applied: Path, tmp_path: Path
) -> None:
    lost = channel_names(trained)[4]
    without_channels(lost)(own_eeg)
    out = tmp_path / "out"
    args = ["--participant-label", "01", "--run-label", "1", "--apply", trained, "--model", "ridge"]
    assert run(own_eeg, out, "participant", *args) == 0
    sidecar = json.loads(series(out, "ridge").with_suffix(".json").read_text())
    assert f"missing channels interpolated by spherical splines: {lost}" in sidecar["Channels"]
    assert f"splines: {lost}" in (out / "sub-01.html").read_text()
    whole, part = read_table(series(applied, "ridge")), read_table(series(out, "ridge"))
    assert not np.array_equal(whole["M1_L"], part["M1_L"])
    assert np.corrcoef(whole["M1_L"], part["M1_L"])[0, 1] > 0.8


def test_runs_of_different_channels_get_one_reference(own_dataset: Path, tmp_path: Path) -> None:
    """What is left out of one run in training is left out when the model is applied to the other."""
    without_channels("P3")(own_dataset)
    out, applied = tmp_path / "out", tmp_path / "applied"
    one = ["participant", "--participant-label", "01"]
    assert run(own_dataset, out, *one, "--model", "smr", "--set", "evaluation.n_nulls=20") == 0
    assert "P3" not in read_model(next(out.glob("sub-01/*.safetensors"))).channel_names
    assert run(own_dataset, applied, *one, "--apply", out) == 0
    settings = Settings()
    derivatives = [own_dataset / "derivatives" / "fmriprep"]
    found = discover_runs(own_dataset, derivatives, "01", selection=Selection(), settings=settings)
    labels = label_regions([timed.run for timed in found.timed], settings.bold)
    runs, (note,) = share_channels([prepare_run(timed, labels, settings) for timed in found.timed])
    assert note.endswith("left out: P3.")
    fitted = load_predictor(next(out.glob("sub-01/*.safetensors")))[1]
    for k, one_run in enumerate(runs, start=1):
        np.testing.assert_allclose(one_run.aligned.eeg.mean(axis=0), 0, atol=1e-4)
        expected = fitted.predict(one_run.aligned)
        there = read_table(series(applied, "smr", k))[list(one_run.aligned.region_names)].to_numpy()
        np.testing.assert_allclose(there, expected, rtol=0, atol=1e-5)
    assert "left out: P3" in (applied / "sub-01.html").read_text()


def channel_names(trained: Path) -> tuple[str, ...]:
    return read_model(trained / "sub-01" / f"{STEM}_desc-ridge_model.safetensors").channel_names


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (without_channels("C3", "Cz"), "2 of the 17 channels of the model are missing: .*At most 10 %"),
        (slow_sampling, r"sampled at 50 Hz; .* uses EEG up to 40 Hz and needs 80 Hz or more"),
        (lambda root: (root / f"{EEG}.eeg").write_bytes(b"\0" * 1000), "truncated"),
    ],
)
def test_recordings_that_do_not_fit_are_refused(
    own_eeg: Path,
    own_models: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    damage: Callable[[Path], None],
    words: str,
) -> None:
    damage(own_eeg)
    out = tmp_path / "out"
    assert run(own_eeg, out, "participant", "--participant-label", "01", "--apply", own_models) == 65
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("[1/1]")]
    assert re.search(words, line), line
    assert "Traceback" not in line
    assert not list(out.rglob("*_timeseries.tsv"))
    assert not (out / "sub-01.html").exists()


def edit(**entries: object) -> Callable[[Path], None]:
    """Return a damage: other entries in the model's JSON."""

    def damage(path: Path) -> None:
        sidecar = path.with_suffix(".json")
        sidecar.write_text(json.dumps(json.loads(sidecar.read_text()) | entries))

    return damage


def rewrite(change: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]) -> Callable[[Path], None]:
    """Return a damage: other tensors, in a file that is whole."""

    def damage(path: Path) -> None:
        saved = read_model(path)
        tensors = change(dict(saved.tensors))
        write_model(
            path, type(saved)(**{n: getattr(saved, n) for n in saved.__slots__} | {"tensors": tensors})
        )

    return damage


def drop_tensor_from_file(path: Path) -> None:
    tensors = load_file(path)
    del tensors["weights"]
    save_file(tensors, path)


@pytest.mark.parametrize(
    ("damage", "status", "words"),
    [
        (edit(format_version=2), 65, "is of model format 2, .* this version reads format 1. Train the model"),
        (
            edit(model="foreign"),
            66,
            "'foreign', which is not installed here; the models are ridge, .*Install",
        ),
        (edit(options={"knob": 1}), 65, "no setting 'models.ridge.knob'.* train it again"),
        (
            edit(preprocessing={"notch": 50.0}),
            65,
            "does not know: There is no setting 'eeg.notch'.*Use version",
        ),
        (edit(preprocessing={"sfreq": 200.0}), 65, "cleaned to 200 Hz but the model takes 100 Hz"),
        (lambda p: p.write_bytes(p.read_bytes()[:-100]), 65, "cut short or damaged"),
        (drop_tensor_from_file, 65, "the tensors weights are missing"),
        (rewrite(lambda t: {k: v for k, v in t.items() if k != "level"}), 65, "has no tensor 'level'"),
        (rewrite(lambda t: t | {"weights": t["weights"][:-1]}), 65, "tensors that do not fit"),
        (rewrite(lambda t: t | {"bold_mean": t["bold_mean"] * np.nan}), 65, "not finite"),
        (lambda p: p.with_suffix(".json").unlink(), 66, r"There is no file .*ridge_model\.json"),
        (
            lambda p: shutil.copytree(p.parent, p.parents[1] / "sub-02") and shutil.rmtree(p.parent),
            66,
            "no mod",
        ),
    ],
)
def test_models_that_do_not_fit_are_refused(
    eeg_only: Path,
    own_models: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    damage: Callable[[Path], object],
    status: int,
    words: str,
) -> None:
    (path,) = own_models.glob("sub-01/*.safetensors")
    damage(path)
    out = tmp_path / "out"
    args = ["--participant-label", "01", "--apply", own_models]
    assert run(eeg_only, out, "participant", *args) == status
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("[1/1]")]
    assert re.search(words, line), line
    assert not list(out.rglob("*_timeseries.tsv"))


def test_refusals_before_any_work(
    eeg_only: Path, small_dataset: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    cases: list[tuple[list[object], int, str]] = [
        ([eeg_only, out, "participant", "--apply", tmp_path / "none"], 66, "no file or folder"),
        ([eeg_only, out, "participant", "--apply", small_dataset], 66, "holds no trained models"),
        ([eeg_only, out, "participant", "--apply", trained / "README"], 66, "is no model file"),
        ([eeg_only, out, "group", "--apply", trained], 64, "participant level"),
        ([eeg_only, trained, "participant", "--apply", trained], 64, "holds trained models"),
        ([eeg_only, out, "participant", "--apply", trained, "--regions", "motor"], 64, "--regions is of"),
        ([eeg_only, out, "participant", "--apply", trained, "--cv", "run"], 64, "--cv is of training"),
        ([eeg_only, out, "participant", "--apply", trained, "--task-label", "x"], 18, "No EEG recording"),
        (
            [eeg_only, out, "participant", "--apply", trained, "--participant-label", "9"],
            18,
            "no participant",
        ),
    ]
    for args, status, words in cases:
        assert run(*args) == status, args
        assert words in capsys.readouterr().err


def test_settings_that_the_model_brings_are_refused(
    eeg_only: Path, own_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = [eeg_only, tmp_path / "out", "participant", "--participant-label", "01", "--apply", own_models]
    assert run(*args, "--set", "eeg.lowpass=30") == 64
    assert "other EEG than" in (said := capsys.readouterr().out)
    assert "eeg.lowpass" in said
    assert run(*args, "--model", "rigde") == 64
    assert "Did you mean 'ridge'?" in capsys.readouterr().err


def test_two_models_of_one_name_are_refused(
    eeg_only: Path, own_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (path,) = own_models.glob("sub-01/*.safetensors")
    for extension in (".safetensors", ".json"):
        shutil.copy(path.with_suffix(extension), path.with_name(f"sub-01_desc-ridge_model{extension}"))
    args = [eeg_only, tmp_path / "out", "participant", "--participant-label", "01", "--apply", own_models]
    assert run(*args) == 65
    assert "Two model files of sub-01 are of the model 'ridge'" in capsys.readouterr().out


def test_dry_run_says_what_and_writes_nothing(
    eeg_only: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(eeg_only, out, "participant", "--apply", trained, "--dry-run") == 0
    said = capsys.readouterr().out
    assert "would apply ridge, trained on 2 runs of sub-01" in said
    assert f"{STEM}_run-2_eeg.vhdr" in said
    assert "would fail: " in said.partition("sub-02:")[2]
    assert "no model of sub-02" in said
    assert not out.exists()
    assert run(eeg_only, out, "participant", "--apply", trained, "--dry-run", "--task-label", "x") == 18
