"""Levels and conditions through the command, from files to files."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bids_eeg2fmri import cli
from bids_eeg2fmri.formats.classification_tables import read_class_scores
from bids_eeg2fmri.formats.model_file import read_model
from bids_eeg2fmri.formats.table import read_table
from bids_eeg2fmri.registry import CLASSIFIERS, OBJECTIVES, Classifier, load_classifier, load_objective
from bids_eeg2fmri.settings import DEFAULT_MODELS, load_settings

QUICK = ["--set", "models.eegnet.max_epochs=1", "--set", "evaluation.n_nulls=20", "--device", "cpu"]
STEM = "sub-01_task-imagery"


def run(*args: object) -> int:
    """Run the command in this process and return its exit status."""
    with pytest.raises(SystemExit) as stop:
        cli.main([str(arg) for arg in args])
    return int(stop.value.code or 0)


@pytest.fixture(scope="module", params=["levels", "condition"])
def finished(
    request: pytest.FixtureRequest, small_dataset: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    """Return the objective and its results of the first participant."""
    objective = str(request.param)
    out = tmp_path_factory.mktemp(objective) / "out"
    extra = ["--set", "models.eegnet.window=2", "--set", "levels.n=2"] if objective == "levels" else []
    args = [small_dataset, out, "participant", "--participant-label", "01", "--objective", objective]
    assert run(*args, *extra, *QUICK) == 0
    return objective, out


def test_every_file_and_picture_is_there(finished: tuple[str, Path]) -> None:
    objective, out = finished
    models = DEFAULT_MODELS[objective]
    names = [f"{STEM}_desc-{desc}_metrics.tsv" for desc in (objective, "classes", "confusions")]
    names += [f"{STEM}_desc-{model}_model.safetensors" for model in models]
    if objective == "levels":
        names += [
            f"func/{STEM}_run-1_desc-{desc}_timeseries.tsv" for desc in ("levels", "regions", models[0])
        ]
        names += [f"func/{STEM}_run-2_desc-{model}levels_timeseries.tsv" for model in models]
    else:
        names += [f"eeg/{STEM}_run-2_desc-{model}_windows.tsv" for model in models]
    for name in names:
        assert (out / "sub-01" / name).is_file(), name
    for table in out.glob("sub-01/**/*.tsv"):
        assert table.with_suffix(".json").is_file(), table
    page = (out / "sub-01.html").read_text()
    sources = re.findall(r'<img[^>]*src="([^"]+)"', page)
    assert len(sources) == 2 + 1 + (2 if objective == "levels" else 0)
    assert all((out / source).is_file() for source in sources)
    assert "by chance" in page
    assert "Balanced accuracy is the mean recall" in page
    kept = load_settings(config_file=out / "logs" / "settings.toml", assignments=(), flags={})
    assert (kept.objective, kept.model) == (objective, models)


def test_scores_agree_with_confusions_and_predictions(finished: tuple[str, Path]) -> None:
    objective, out = finished
    scores = read_class_scores(out / "sub-01" / f"{STEM}_desc-{objective}_metrics.tsv")
    confusions = read_table(out / "sub-01" / f"{STEM}_desc-confusions_metrics.tsv")
    classes = read_table(out / "sub-01" / f"{STEM}_desc-classes_metrics.tsv")
    region, model = ("M1_L", "logistic") if objective == "levels" else ("condition", "lda")
    (score,) = [s for s in scores if (s.model, s.region, s.run) == (model, region, "all")]
    chosen = confusions[
        (confusions["model"] == model) & (confusions["region"] == region) & (confusions["run"] == "all")
    ]
    matrix = chosen["count"].to_numpy().reshape(2, 2)
    assert matrix.sum() == score.n_tested
    assert score.accuracy == pytest.approx(np.trace(matrix) / matrix.sum(), abs=1e-5)
    assert score.balanced_accuracy == pytest.approx((np.diag(matrix) / matrix.sum(axis=1)).mean(), abs=1e-5)
    rows = classes[(classes["model"] == model) & (classes["region"] == region) & (classes["run"] == "all")]
    np.testing.assert_allclose(rows["support"], matrix.sum(axis=1))
    assert 0 < score.p <= 1
    if objective == "levels":
        folder = out / "sub-01" / "func"
        measured, said = (
            np.concatenate(
                [
                    read_table(folder / f"{STEM}_run-{k}_desc-{desc}_timeseries.tsv")["M1_L"].to_numpy()
                    for k in (1, 2)
                ]
            )
            for desc in ("levels", "logisticlevels")
        )
        assert (measured == said).mean() == pytest.approx(score.accuracy, abs=1e-5)
        assert np.isfinite([score.r_expected, score.r_regressor]).all()
        assert {s.region for s in scores} >= {"M1_L", "mean"}
    else:
        tables = [read_table(path) for path in (out / "sub-01" / "eeg").glob("*desc-lda_windows.tsv")]
        right = np.concatenate([(t["condition"] == t["predicted"]).to_numpy() for t in tables])
        assert right.mean() == pytest.approx(score.accuracy, abs=1e-5)


def test_saved_classifiers_are_restored(finished: tuple[str, Path]) -> None:
    objective, out = finished
    for name in DEFAULT_MODELS[objective]:
        saved = read_model(out / "sub-01" / f"{STEM}_desc-{name}_model.safetensors")
        fitted = load_classifier(objective, name)(**saved.options).restore_classes(saved.tensors)
        for key, tensor in fitted.tensors().items():
            np.testing.assert_array_equal(tensor, saved.tensors[key])


def test_output_passes_the_validator(finished: tuple[str, Path]) -> None:
    validator = shutil.which("bids-validator-deno", path=str(Path(sys.executable).parent))
    if validator is None:
        pytest.skip("bids-validator-deno is not installed")
    done = subprocess.run([validator, str(finished[1])], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


def test_the_group_level_says_that_there_is_none(
    finished: tuple[str, Path], small_dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(small_dataset, finished[1], "group", "--participant-label", "01") == 66
    assert "no group level" in capsys.readouterr().out


def test_registered_objectives_and_classifiers_are_there() -> None:
    assert set(OBJECTIVES) == set(DEFAULT_MODELS) == {"bold", *CLASSIFIERS}
    for objective in OBJECTIVES:
        assert callable(load_objective(objective))
    for objective, names in CLASSIFIERS.items():
        assert set(DEFAULT_MODELS[objective]) <= set(names)
        for name in names:
            classifier = load_classifier(objective, name)()
            assert isinstance(classifier, Classifier)
            assert classifier.name == name
            assert classifier.description
            assert classifier.reference


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--objective", "level"], "expected one of bold, levels, condition"),
        (["--objective", "levels", "--model", "lda"], "the models are logistic, eegnet, hrfnet"),
        (["--objective", "condition", "--conditions", "rest"], "two or more different"),
        (["--objective", "levels", "--set", "models.lgistic.ordinal=false"], "Did you mean 'logistic'"),
        (["--objective", "condition", "--set", "condition.window=0.1"], "0.5 or more"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(
    small_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], args: list[str], message: str
) -> None:
    assert run(small_dataset, tmp_path / "out", "participant", "--dry-run", *args) == 64
    assert message in capsys.readouterr().err
