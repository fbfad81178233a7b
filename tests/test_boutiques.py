from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from bids_eeg2fmri import __version__, boutiques
from bids_eeg2fmri.boutiques import describe_command
from bids_eeg2fmri.cli import command


@pytest.fixture
def descriptor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """The descriptor as a user makes it."""
    with pytest.raises(SystemExit, match="0"):
        boutiques.main(["--image", "localhost/bids_eeg2fmri"])
    path = tmp_path / "bids_eeg2fmri.json"
    path.write_text(capsys.readouterr().out)
    return path


def bosh(*args: object) -> str:
    tool = shutil.which("bosh", path=str(Path(sys.executable).parent)) or shutil.which("bosh")
    assert tool is not None, "boutiques is not installed: pip install -e '.[test]'"
    done = subprocess.run([tool, *map(str, args)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def simulate(descriptor: Path, invocation: dict[str, object]) -> list[str]:
    """Return the arguments that Boutiques makes of an invocation."""
    path = descriptor.with_name("invocation.json")
    path.write_text(json.dumps(invocation))
    name, *args = bosh("exec", "simulate", "-i", path, descriptor).splitlines()[1].split()
    assert name == "bids_eeg2fmri"
    return args


def test_the_descriptor_is_valid_and_complete(descriptor: Path) -> None:
    assert bosh("validate", descriptor).strip() == "OK"
    content = json.loads(descriptor.read_text())
    assert content["tool-version"] == __version__
    assert content["container-image"] == {"type": "docker", "image": "localhost/bids_eeg2fmri"}
    named = {entry["id"]: entry for entry in content["inputs"]}
    assert set(named) == {str(param.name) for param in command.params} - {"version", "help"}
    assert [name for name, entry in named.items() if not entry["optional"]] == [
        "bids_dir",
        "output_dir",
        "analysis_level",
    ]
    assert named["analysis_level"]["value-choices"] == ["participant", "group"]
    assert named["cv"]["value-choices"] == ["auto", "session", "run", "block"]
    assert named["config_file"]["type"] == "File"
    assert named["work_dir"]["type"] == "String"
    assert named["nprocs"] | {"minimum": 1, "integer": True, "type": "Number"} == named["nprocs"]
    assert [entry["code"] for entry in content["error-codes"]] == [1, 16, 17, 18, 64, 65, 66, 73]


def test_without_an_image_none_is_named() -> None:
    assert "container-image" not in describe_command()


def test_the_command_takes_every_line_that_boutiques_makes(descriptor: Path) -> None:
    """An example with every option comes through bosh and click as it went in."""
    asked = json.loads(bosh("example", "--complete", descriptor))
    asked |= {"random_seed": 7, "eeg_offset": 1.25}  # Boutiques leaves a 0 out
    context = command.make_context("bids_eeg2fmri", simulate(descriptor, asked))
    for name, value in asked.items():
        taken = context.params[name]
        if isinstance(value, list):
            assert list(taken) == value, name
        elif name == "verbose":
            assert taken == 1
        else:
            assert str(taken) == str(value), name


def test_lists_with_one_flag_and_lists_with_one_flag_each(descriptor: Path) -> None:
    args = simulate(
        descriptor,
        {
            "bids_dir": "b",
            "output_dir": "o",
            "analysis_level": "participant",
            "participant_label": ["01", "02"],
            "assignments": ["eeg.lowpass=30", "eeg.ica=true"],
        },
    )
    assert " ".join(args) == (
        "b o participant --participant-label 01 02 --set eeg.lowpass=30 --set eeg.ica=true"
    )


def test_kinds_of_options() -> None:
    kinds = {
        click.Option(["--a"], type=int): {"type": "Number", "integer": True},
        click.Option(["--a"], type=float): {"type": "Number"},
        click.Option(["--a"], metavar="NAME|FILE"): {"type": "String"},
        click.Option(["--a"], metavar="auto|raw"): {"type": "String", "value-choices": ["auto", "raw"]},
        click.Option(["--a"], is_flag=True): {"type": "Flag"},
    }
    for option, expected in kinds.items():
        assert boutiques._kind(option) == expected
