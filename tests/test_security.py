"""Untrusted input stays data: it runs nothing, names nothing outside, and shows nothing but itself."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fuzz_targets import Watch
from safetensors.numpy import save

import bids_eeg2fmri
from bids_eeg2fmri import cli
from bids_eeg2fmri.bids.outputs import Outputs
from bids_eeg2fmri.errors import BadDataError, OutputError
from bids_eeg2fmri.formats.completion import is_complete, read_outputs, write_mark
from bids_eeg2fmri.formats.derivative import write_dataset_files
from bids_eeg2fmri.formats.model_file import read_model, write_model
from bids_eeg2fmri.formats.record_file import read_record
from bids_eeg2fmri.formats.score_table import read_scores
from bids_eeg2fmri.formats.table import write_table
from bids_eeg2fmri.records import CleanEeg, SavedModel

PACKAGE = Path(bids_eeg2fmri.__file__).parent
#: What makes objects or code of data.
MODULES = {
    "pickle",
    "cPickle",
    "dill",
    "cloudpickle",
    "joblib",
    "shelve",
    "marshal",
    "yaml",
    "jsonpickle",
    "pty",
}
CALLS = {"eval", "exec", "compile", "__import__", "execfile"}
ATTRIBUTES = {
    *(("np", "load"), ("numpy", "load"), ("torch", "load"), ("torch", "jit"), ("pd", "read_pickle")),
    *(("pd", "read_hdf"), ("pd", "eval"), ("os", "system"), ("os", "popen"), ("subprocess", "run")),
    *(("subprocess", "Popen"), ("scipy", "io"), ("mne", "read_epochs"), ("xml", "etree")),
}
ONE = ["--participant-label", "01", "--model", "ridge", "--set", "evaluation.n_nulls=20"]
ESCAPE, MARKUP = "\x1b[31mred", "<script>alert(1)</script>"

watch = Watch()
sys.addaudithook(watch.hook)


def run(*args: str | Path) -> int:
    """Run the command in this process and return its exit status."""
    with pytest.raises(SystemExit) as stop:
        cli.main([str(arg) for arg in args])
    return int(stop.value.code or 0)


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.relative_to(PACKAGE).as_posix()
)
def test_nothing_in_the_package_makes_code_or_objects_of_data(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert not MODULES & {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert (node.module or "").partition(".")[0] not in MODULES
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in CALLS, f"line {node.lineno}"
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            assert (node.value.id, node.attr) not in ATTRIBUTES, f"line {node.lineno}"
        elif isinstance(node, ast.keyword):
            assert node.arg not in ("allow_pickle", "shell"), f"line {node.value.lineno}"


def test_no_template_passes_text_unescaped() -> None:
    templates = sorted((PACKAGE / "report" / "templates").glob("*.j2"))
    assert len(templates) > 5
    for path in templates:
        assert not re.search(r"\|\s*safe\b|autoescape\s+false|Markup", path.read_text(encoding="utf-8")), (
            path.name
        )


def hostile(root: Path) -> Path:
    """Put markup and escapes wherever a dataset has free text; return such a table of regions."""
    eeg, func = root / "sub-01" / "eeg", root / "sub-01" / "func"
    for path in eeg.glob("*_eeg.vhdr"):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("=C3,", f"={MARKUP}{ESCAPE},", 1), encoding="utf-8")
    for path in eeg.glob("*_channels.tsv"):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("\nC3\t", f"\n{MARKUP}{ESCAPE}\t", 1), encoding="utf-8")
    for path in eeg.glob("*_eeg.vmrk"):
        last = f"Mk900=Comment,{MARKUP}{ESCAPE},900,1,0\n"
        path.write_text(path.read_text(encoding="utf-8") + last, encoding="utf-8")
    for path in func.glob("*_events.tsv"):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("imagery", f"{MARKUP}{ESCAPE}"), encoding="utf-8")
    for path in [*eeg.glob("*_eeg.json"), *func.glob("*_bold.json")]:
        more = {"TaskName": MARKUP + ESCAPE, "Instructions": "\ud800", "EEGReference": MARKUP}
        path.write_text(json.dumps(json.loads(path.read_text()) | more))
    description = root / "dataset_description.json"
    more = {"Name": MARKUP, "GeneratedBy": [{"Name": MARKUP + "\ud800", "Version": ESCAPE}]}
    description.write_text(json.dumps(json.loads(description.read_text()) | more))
    table = root.parent / "regions.tsv"
    table.write_text(f"name\tx\ty\tz\n{MARKUP}{ESCAPE}\t-38\t-24\t56\n../../x\t38\t-24\t56\n$x$\t0\t-2\t58\n")
    return table


def annex(root: Path) -> None:
    """Put all files of the participants behind links, as DataLad does."""
    files = [path for path in root.rglob("sub-01/**/*") if path.is_file()]
    for k, path in enumerate(files):
        key = root / ".git" / "annex" / "objects" / str(k) / f"MD5E-s1--{k}{path.suffix}"
        key.parent.mkdir(parents=True)
        shutil.move(path, key)
        key.chmod(0o444)
        path.symlink_to(key)


def test_a_dataset_of_links_full_of_markup_is_shown_as_it_is_and_writes_nothing_elsewhere(
    own_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, out = hostile(own_dataset), tmp_path / "out"
    annex(own_dataset)
    before = {path: path.stat().st_mtime_ns for path in own_dataset.rglob("*")}
    with watch.over(out):
        status = run(own_dataset, out, "participant", *ONE, "--regions", table)
    assert status == 0, capsys.readouterr().out
    assert watch.seen == []
    assert {path: path.stat().st_mtime_ns for path in own_dataset.rglob("*")} == before
    page = (out / "sub-01.html").read_text(encoding="utf-8")
    assert MARKUP.replace("<", "&lt;").replace(">", "&gt;") in page
    for path in [path for path in out.rglob("*") if path.suffix in (".html", ".svg")]:
        assert "<script" not in path.read_text(encoding="utf-8"), path
    for path in [
        path for path in out.rglob("*") if path.suffix in (".html", ".tsv", ".json", ".txt", ".toml")
    ]:
        assert "\x1b" not in path.read_text(encoding="utf-8"), path
    for path in out.rglob("*.tsv"):
        assert len({line.count("\t") for line in path.read_text(encoding="utf-8").splitlines()}) == 1, path
    said = capsys.readouterr()
    assert "\x1b" not in said.out + said.err


def test_names_cannot_break_a_table(tmp_path: Path) -> None:
    path = tmp_path / "x.tsv"
    write_table(path, [("a\tb", "c\r\nd\x1b[1m\x85e")], {"na\tme": {}, "oth\ner": {}})
    assert path.read_text(encoding="utf-8") == "na me\toth er\na b\tc\\r d\\x1b[1m\\x85e\n"


@pytest.mark.parametrize("label", ["../../x", "/etc", "01/../../x", "*", "..", "01\n", "<b>"])
def test_a_label_that_is_a_path_is_nobody(
    small_dataset: Path, tmp_path: Path, label: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(small_dataset, tmp_path / "out", "participant", "--participant-label", label) == 18
    assert "There is no participant" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("folder", ["sub-01", "logs"])
def test_an_output_folder_that_is_a_link_out_of_the_output_is_refused(
    folder: str, small_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    out.mkdir()
    elsewhere.mkdir()
    (out / folder).symlink_to(elsewhere)
    assert run(small_dataset, out, "participant", *ONE) == 73
    said = capsys.readouterr()
    assert "outside of the output" in said.out + said.err
    assert list(elsewhere.iterdir()) == []


def test_a_link_deeper_in_the_output_too(tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "sub-01" / "ses-1").mkdir(parents=True)
    (out / "sub-01" / "ses-1" / "eeg").symlink_to(tmp_path)
    with pytest.raises(OutputError, match=r"eeg is a link to .*outside of the output"):
        Outputs(root=out).check_inside("01")
    (out / "sub-01" / "ses-1" / "eeg").unlink()
    (out / "sub-01" / "ses-1" / "eeg").symlink_to(out / "sub-01")
    Outputs(root=out).check_inside("01")


@pytest.mark.parametrize("name", ["participants.tsv", "participants.json"])
def test_a_link_in_the_dataset_copies_no_other_file_into_the_output(
    small_dataset: Path, tmp_path: Path, name: str
) -> None:
    root, out, secret = tmp_path / "bids", tmp_path / "out", tmp_path / "secret"
    shutil.copytree(small_dataset, root, ignore=shutil.ignore_patterns("sub-*", "derivatives"))
    secret.write_text("-----BEGIN PRIVATE KEY-----")
    (root / name).unlink()
    (root / name).symlink_to(secret)
    texts = {"version": "0", "citation": "", "settings": ""}
    write_dataset_files(out, bids_dir=root, derivatives={}, generated_by=[], descriptions={}, **texts)
    assert {path.name for path in out.glob("participants.*")} == {"participants.tsv", "participants.json"} - {
        name
    }


NAMES = (
    "../precious",
    "sub-01/../../precious",
    "sub-02.html",
    "logs/sub-02_done.json",
    "sub-01/link/precious",
    ".",
)


def test_a_tampered_mark_removes_nothing_but_the_participants_own_files(tmp_path: Path) -> None:
    out, precious = tmp_path / "out", tmp_path / "precious"
    (out / "sub-01").mkdir(parents=True)
    (out / "logs").mkdir()
    (out / "sub-01" / "link").symlink_to(tmp_path)
    others = [precious, out / "sub-02.html", out / "logs" / "sub-02_done.json", tmp_path / "sub-01"]
    for path in (*others, out / "sub-01" / "stale.tsv"):
        path.write_text("x")
    mark = out / "logs" / "sub-01_done.json"
    names = [*NAMES, str(precious), "sub-01/stale.tsv", "sub-01", "sub-01/link", "\x00", 5, None, ["x"], ""]
    mark.write_text(json.dumps({"Digest": "x", "Outputs": names}))
    assert not is_complete(mark, "x", out)
    write_mark(mark, "y", [], out)
    assert all(path.exists() for path in others)
    assert not (out / "sub-01" / "stale.tsv").exists()


@pytest.mark.parametrize("outputs", [None, 5, "x", {"a": 1}, [None], [["a"]]])
def test_a_mark_of_another_shape_says_nothing(tmp_path: Path, outputs: Any) -> None:
    mark = tmp_path / "sub-01_done.json"
    mark.write_text(json.dumps({"Digest": "x", "Outputs": outputs}))
    assert not is_complete(mark, "x", tmp_path)
    assert read_outputs(mark) == []


def saved(**changes: Any) -> SavedModel:
    values: dict[str, Any] = {
        "model": "ridge",
        "version": "0",
        "options": {},
        "tensors": {"a": np.zeros(3)},
        "channel_names": ("C3", "C4"),
        "positions": np.zeros((2, 3)),
        "sfreq": 100.0,
        "tr": 2.0,
        "start_time": 1.0,
        "lookahead": 0.0,
        "region_names": ("M1",),
        "trained_on": ("sub-01",),
        "preprocessing": {},
    }
    return SavedModel(**values | changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sfreq": 1e12}, "sfreq is 1000000000000.0; allowed is 1 to 1e\\+06"),
        ({"sfreq": "100"}, "sfreq is '100'"),
        ({"tr": -1}, "tr is -1"),
        ({"tr": None}, "tr is None"),
        ({"channel_names": "C3"}, "channel_names is no list"),
        ({"channel_names": ["C3", 5]}, "channel_names is no list"),
        ({"region_names": [f"r{k}" for k in range(5001)]}, "5001 entries; allowed are 5000"),
        ({"region_names": ["M1", "M1"]}, "each once"),
        ({"options": {"n_filters": 10**12}}, "an option is 1e\\+12"),
        ({"options": {"a": [{"b": 1e300}]}}, "an option is 1e\\+300"),
        ({"held_out_r": [2.0]}, "held_out_r holds 2.0; allowed is -1 to 1"),
        ({"held_out_r": [True]}, "held_out_r holds True"),
        ({"held_out_error": [-0.1]}, "held_out_error holds -0.1"),
        ({"held_out_error": "x"}, "held_out_error is no list"),
        ({"held_out_error": [0.5, 0.5]}, "expected none or 1, one per region, got 0 and 2"),
        ({"held_out_error": [0.5]}, "expected none or 1, one per region, got 0 and 1"),
        ({"options": []}, "options is \\[\\], not a table"),
        ({"positions": [[0, 0], [0, 0]]}, "positions are no list of three"),
        ({"positions": "x"}, "positions are no list of three"),
        ({"model": ["ridge"]}, "model is .* not a text"),
        ({"evil": 1}, "evil"),
    ],
)
def test_the_json_of_a_model_is_checked_before_anything_is_built(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    path = tmp_path / "x_model.safetensors"
    write_model(path, saved())
    sidecar = path.with_suffix(".json")
    sidecar.write_text(json.dumps(json.loads(sidecar.read_text()) | changes))
    with pytest.raises(BadDataError, match=words):
        read_model(path)


def test_tensors_that_claim_more_than_their_file(tmp_path: Path) -> None:
    head = json.dumps(
        {"a": {"dtype": "F32", "shape": [10**9, 10**3], "data_offsets": [0, 4 * 10**12]}}
    ).encode()
    path = tmp_path / "x.safetensors"
    for content in (
        len(head).to_bytes(8, "little") + head + bytes(64),
        (2**62).to_bytes(8, "little") + head,
        save({"a": np.zeros(3)}, metadata={"record": "[" * 10**5}),
        save({"a": np.zeros(3)}, metadata={"record": "[1]"}),
        save({"a": np.zeros(3)}),
    ):
        path.write_bytes(content)
        with pytest.raises(BadDataError, match="damaged"):
            read_record(path, CleanEeg)


def test_a_table_of_scores_cannot_name_a_file(tmp_path: Path) -> None:
    from bids_eeg2fmri.formats.score_table import write_scores
    from bids_eeg2fmri.records import Score

    path = tmp_path / "scores.tsv"
    score = Score(model="../../x", region="mean", run="all", n_volumes=5, r=0.1, fisher_z=0.1)
    write_scores(path, [score])
    with pytest.raises(BadDataError, match=r"names a model '../../x'"):
        read_scores(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a = " + "[" * 10**5, "not valid TOML"),
        ("random_seed = " + "9" * 5000, "not valid TOML"),
        ("[eeg]\nlowpass = 1" + "0" * 400, "finite number"),
        ("[eeg]\nlowpass = nan", "finite number"),
        ("x" * 2**21, "settings have up to"),
        ("[evaluation]\nn_nulls = 1000000000000", "allowed is 1 to 1000000"),
        ("[eeg]\nsfreq = 1e9", "allowed is up to 5000"),
        ("[bold]\nhighpass = 1e9", "allowed is 0 (off) to 1 (Hz)"),
        ("random_seed = 99999999999999999999", "allowed is 0 or more, below 2^63"),
        ("\x00", "not valid TOML"),
    ],
)
def test_settings_that_are_an_attack_on_their_parser(
    small_dataset: Path, tmp_path: Path, text: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.toml"
    path.write_text(text)
    assert run(small_dataset, tmp_path / "out", "participant", "--config-file", path) == 64
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    "value", ["[" * 5000, "9" * 5000, "1" + "0" * 400, "inf", "__import__('os')", "!!python/object"]
)
def test_set_takes_values_and_nothing_else(small_dataset: Path, tmp_path: Path, value: str) -> None:
    assert run(small_dataset, tmp_path / "out", "participant", "--set", f"eeg.lowpass={value}") == 64


def test_a_name_cannot_command_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path / f"no{ESCAPE}", tmp_path / "out", "participant") == 66
    said = capsys.readouterr().err
    assert "\x1b" not in said
    assert r"\x1b[31mred" in said


@pytest.mark.network
def test_no_pinned_dependency_has_a_known_hole() -> None:
    pytest.importorskip("pip_audit", reason="pip-audit is not installed")
    pins = Path(__file__).parents[1] / "constraints.txt"
    options = ["--no-deps", "--disable-pip", "--format", "json", "--progress-spinner", "off"]
    command = [sys.executable, "-m", "pip_audit", "-r", str(pins), *options]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("the database does not answer within a minute")
    try:
        found = json.loads(done.stdout)["dependencies"]
    except ValueError:
        pytest.skip(f"the database cannot be reached: {done.stderr.strip()[-300:]}")
    audited = [entry for entry in found if "vulns" in entry]
    if not audited:
        pytest.skip(f"the database knows none of {len(found)} packages: {found[0].get('skip_reason')}")
    assert [entry for entry in audited if entry["vulns"]] == []
