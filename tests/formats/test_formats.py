from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bids_eeg2fmri.errors import BadDataError, MissingInputError, OutputError
from bids_eeg2fmri.formats.atomic import whole_file, write_text
from bids_eeg2fmri.formats.completion import (
    digest_inputs,
    is_complete,
    is_finished,
    reopen,
    write_mark,
)
from bids_eeg2fmri.formats.json_file import read_json, write_json
from bids_eeg2fmri.formats.model_file import model_digest, read_model, write_model
from bids_eeg2fmri.formats.record_file import read_record, write_record
from bids_eeg2fmri.formats.score_table import read_scores, write_scores
from bids_eeg2fmri.formats.table import numbers, read_table, write_table
from bids_eeg2fmri.records import CleanEeg, SavedModel, Score


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.txt"
    write_text(path, "old")

    def write_half() -> None:
        with whole_file(path) as part:
            part.write_text("new, but unfin")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert path.read_text() == "old"
    assert [p.name for p in path.parent.iterdir()] == ["b.txt"]


def test_unwritable_place_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        write_text(tmp_path / "file" / "x.txt", "")


def test_untidy_tables_are_read(tmp_path: Path) -> None:
    path = tmp_path / "t.tsv"
    path.write_bytes("\ufeff\tonset\tkind\r\n\t1.5\ta\r\n\tn/a\tb\r\n\r\n\t\t\r\n".encode())
    table = read_table(path)
    assert list(table.columns) == ["onset", "kind"]
    np.testing.assert_array_equal(numbers(table, "onset", path), [1.5, np.nan])
    with pytest.raises(BadDataError, match="no column 'x'; it has onset, kind"):
        numbers(table, "x", path)
    with pytest.raises(BadDataError, match="'kind' holds no numbers"):
        numbers(table, "kind", path)
    with pytest.raises(MissingInputError):
        read_table(tmp_path / "none.tsv")


def test_table_and_its_description(tmp_path: Path) -> None:
    path = tmp_path / "t.tsv"
    write_table(path, [(1.23456789, "a\tb"), (np.nan, "")], {"x": {"Units": "s"}, "y": {}}, Extra=1)
    assert path.read_text() == "x\ty\n1.23457\ta b\nn/a\tn/a\n"
    assert json.loads(path.with_suffix(".json").read_text()) == {"Extra": 1, "x": {"Units": "s"}, "y": {}}


def test_json_refuses_what_is_no_json(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    (tmp_path / "b.json").write_text("[1]")
    with pytest.raises(BadDataError, match="no JSON object"):
        read_json(tmp_path / "b.json")


def test_scores_round_trip(tmp_path: Path) -> None:
    score = Score(
        model="ridge",
        region="M1_L",
        run="task-imagery_run-1",
        n_volumes=150,
        r=0.5,
        fisher_z=0.549306,
        r2=-0.25,
        r_given_task=float("nan"),
        p=0.001,
        p_given_task=0.5,
    )
    path = tmp_path / "scores.tsv"
    write_scores(path, [score])
    (back,) = read_scores(path)
    assert np.isnan(back.r_given_task)
    assert (back.model, back.run, back.n_volumes, back.r, back.r2) == ("ridge", score.run, 150, 0.5, -0.25)
    path.write_text("model\tr\n")
    with pytest.raises(BadDataError, match="lacks"):
        read_scores(path)


def saved_model() -> SavedModel:
    return SavedModel(
        model="ridge",
        version="0",
        options={"bands": ((4.0, 8.0),)},
        tensors={"weights": np.arange(6.0).reshape(2, 3)},
        channel_names=("C3", "C4"),
        positions=np.array([[0.1, 0.2, 0.3], [np.nan] * 3]),
        sfreq=100.0,
        tr=2.0,
        start_time=0.9,
        lookahead=0.1,
        region_names=("M1_L",),
        trained_on=("sub-01_run-1",),
        preprocessing={"highpass": 1.0},
        held_out_r=(0.25,),
        held_out_error=(float("nan"),),
    )


def test_model_round_trip_without_pickle(tmp_path: Path) -> None:
    path = tmp_path / "x_model.safetensors"
    model = saved_model()
    write_model(path, model)
    back = read_model(path)
    np.testing.assert_array_equal(back.tensors["weights"], model.tensors["weights"])
    np.testing.assert_array_equal(back.positions, model.positions)
    assert back.channel_names == model.channel_names
    assert back.held_out_r == (0.25,)
    assert np.isnan(back.held_out_error).tolist() == [True]
    assert (back.start_time, back.lookahead, back.subject) == (0.9, 0.1, "01")


@pytest.mark.parametrize("n_bytes", [0, 4, 20, -8])
def test_a_model_that_is_cut_short_is_refused(tmp_path: Path, n_bytes: int) -> None:
    path = tmp_path / "x_model.safetensors"
    write_model(path, saved_model())
    path.write_bytes(path.read_bytes()[:n_bytes])
    with pytest.raises(BadDataError, match=r"not a whole model.*cut short"):
        read_model(path)


@pytest.mark.parametrize(
    ("tensors", "complaint"),
    [
        ({"other": np.zeros(2)}, "tensors weights are missing"),
        ({"weights": np.zeros((3, 2))}, r"tensor weights is of shape \[3, 2\], expected \[2, 3\]"),
        ({"weights": np.zeros((2, 3))}, "values of the tensors are not those"),
    ],
)
def test_tensors_of_another_model_are_refused(
    tmp_path: Path, tensors: dict[str, np.ndarray], complaint: str
) -> None:
    path, other = tmp_path / "x_model.safetensors", tmp_path / "y_model.safetensors"
    write_model(path, saved_model())
    write_model(other, replace(saved_model(), tensors=tensors))
    path.write_bytes(other.read_bytes())
    with pytest.raises(BadDataError, match=complaint):
        read_model(path)


@pytest.mark.parametrize("found", [None, 0, 2, "1"])
def test_a_model_of_another_format_version_is_refused(tmp_path: Path, found: object) -> None:
    path = tmp_path / "x_model.safetensors"
    write_model(path, saved_model())
    sidecar = path.with_suffix(".json")
    content = json.loads(sidecar.read_text()) | {"format_version": found}
    sidecar.write_text(json.dumps(content))
    with pytest.raises(BadDataError, match=f"format {found}, made by version 0; this version reads format 1"):
        read_model(path)


def test_a_model_without_one_of_its_files_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x_model.safetensors"
    write_model(path, saved_model())
    path.rename(tmp_path / "away")
    with pytest.raises(MissingInputError, match="both files"):
        read_model(path)
    (tmp_path / "away").rename(path)
    content = json.loads(path.with_suffix(".json").read_text())
    del content["tr"]
    path.with_suffix(".json").write_text(json.dumps(content))
    with pytest.raises(BadDataError, match="tr"):
        read_model(path)
    path.with_suffix(".json").unlink()
    with pytest.raises(MissingInputError, match=r"x_model\.json"):
        read_model(path)


def test_the_digest_of_a_model_tells_it_from_others(tmp_path: Path) -> None:
    path = tmp_path / "x_model.safetensors"
    write_model(path, saved_model())
    before = model_digest(path)
    write_model(path, saved_model())
    assert model_digest(path) == before
    write_model(path, replace(saved_model(), tr=1.9))
    assert model_digest(path) != before


def test_record_round_trip(tmp_path: Path) -> None:
    eeg = CleanEeg(
        data=np.ones((2, 5), dtype=np.float32),
        sfreq=100.0,
        channel_names=("C3", "C4"),
        positions=np.zeros((2, 3)),
        steps=("a",),
        quality={"x": 1.0},
        lookahead=0.1,
    )
    path = tmp_path / "eeg.safetensors"
    write_record(path, eeg)
    back = read_record(path, CleanEeg)
    np.testing.assert_array_equal(back.data, eeg.data)
    assert (back.steps, back.quality, back.lookahead, back.channel_names) == (
        ("a",),
        {"x": 1.0},
        0.1,
        ("C3", "C4"),
    )
    path.write_bytes(b"broken")
    with pytest.raises(BadDataError, match="damaged"):
        read_record(path, CleanEeg)


def test_completion_follows_settings_and_inputs_and_removes_stale_outputs(tmp_path: Path) -> None:
    data, mark = tmp_path / "in.dat", tmp_path / "logs" / "sub-1_done.json"
    data.write_text("1")
    digest = digest_inputs("a", "1", [data], [tmp_path])
    assert digest_inputs("b", "1", [data], [tmp_path]) != digest
    old, new = tmp_path / "sub-1" / "old.txt", tmp_path / "sub-1.html"
    old.parent.mkdir()
    for path in (old, new):
        path.write_text("")
    write_mark(mark, digest, [old, new], tmp_path)
    assert is_complete(mark, digest, tmp_path)
    write_mark(mark, digest, [new], tmp_path)
    assert not old.exists()
    assert new.exists()
    reopen(mark, tmp_path / "sub-01")
    assert not is_complete(mark, digest, tmp_path)
    assert not is_finished(mark)
    write_mark(mark, digest, [new], tmp_path)
    assert is_finished(mark)
    data.write_text("12")
    assert digest_inputs("a", "1", [data], [tmp_path]) != digest
    new.unlink()
    assert not is_complete(mark, digest, tmp_path)


def test_a_stale_name_cannot_remove_what_is_outside(tmp_path: Path) -> None:
    outside, root = tmp_path / "precious", tmp_path / "out"
    outside.write_text("")
    mark = root / "logs" / "done.json"
    write_json(mark, {"Digest": "x", "Outputs": ["../precious"]})
    write_mark(mark, "y", [], root)
    assert outside.exists()
