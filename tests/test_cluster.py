"""The scripts for a Slurm cluster: what they ask Slurm and Apptainer for, and a whole study on a real one.

BIDS_EEG2FMRI_SLURM may name a folder with the programs ``start STATE`` and ``stop STATE`` that make a
cluster of this machine; without it a cluster that is there is used.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bids_eeg2fmri import cli
from bids_eeg2fmri.simulate.dataset import simulate_dataset
from bids_eeg2fmri.simulate.options import SimulationOptions

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "examples" / "07_cluster"
#: Answers like Slurm and Apptainer, and notes what they were asked for.
FAKE = r"""#!/usr/bin/env bash
printf '%s\n' "$(basename "$0")" "$@" >> "$FAKE_NOTES"
case $(basename "$0") in
  sbatch) wc -l < "$FAKE_NOTES" | tr -d ' ' ;;
  scontrol) echo "MaxArraySize            = 4" ;;
  squeue) cat "$FAKE_QUEUE" 2>/dev/null || true ;;
esac
"""


def write_settings(folder: Path, **values: str) -> Path:
    """Write a copy of settings.sh with other values."""
    text = (SCRIPTS / "settings.sh").read_text()
    for name, value in values.items():
        text, n_found = re.subn(rf"^{name}=.*$", f"{name}={value}", text, flags=re.MULTILINE)
        assert n_found == 1
    path = folder / "study.sh"
    path.write_text(text)
    return path


def call(script: str, *args: object, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    line = ["bash", str(SCRIPTS / script), *(str(arg) for arg in args)]
    return subprocess.run(line, env=env, capture_output=True, text=True, check=False)


@pytest.fixture
def fake(tmp_path: Path) -> dict[str, str]:
    """An environment in which Slurm and Apptainer only note what they are asked for."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("sbatch", "scontrol", "squeue", "apptainer"):
        (programs / name).write_text(FAKE)
        (programs / name).chmod(0o755)
    return {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "FAKE_NOTES": str(tmp_path / "notes"),
        "FAKE_QUEUE": str(tmp_path / "queue"),
    }


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Settings of a dataset with three participants."""
    for label in ("01", "02", "x3"):
        (tmp_path / "my bids" / f"sub-{label}").mkdir(parents=True)
    (tmp_path / "my bids" / "sub-04.html").touch()
    return write_settings(
        tmp_path,
        BIDS_DIR=f"'{tmp_path}/my bids'",
        OUTPUT_DIR=f"'{tmp_path}/out'",
        OPTIONS="(-d '/prep/my fmriprep' --set 'bold.confounds=[\"none\"]')",
        BINDS="('/prep/my fmriprep')",
        SCRATCH="/scratch",
        LOGS=f"'{tmp_path}/my logs'",
    )


def read_notes(env: dict[str, str]) -> list[str]:
    return Path(env["FAKE_NOTES"]).read_text().splitlines()


def test_shellcheck_finds_nothing() -> None:
    tool = shutil.which("shellcheck", path=str(Path(sys.executable).parent)) or shutil.which("shellcheck")
    if tool is None:
        pytest.skip("shellcheck is not installed")
    names = sorted(path.name for path in SCRIPTS.iterdir() if path.suffix in (".sh", ".sbatch"))
    assert len(names) == 6
    done = subprocess.run([tool, "-x", *names], cwd=SCRIPTS, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_every_participant_is_a_task_and_the_group_waits(
    study: Path, tmp_path: Path, fake: dict[str, str]
) -> None:
    done = call("submit.sh", study, env=fake)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("3 participants in job ")
    notes = read_notes(fake)
    assert "--array=1-3%50" in notes
    assert "--kill-on-invalid-dep=yes" in notes
    assert any(re.fullmatch(r"--dependency=afterok:\d+", note) for note in notes)
    (lines,) = (tmp_path / "my logs").glob("participants-*.txt")
    assert lines.read_text().split() == ["01", "02", "x3"]


def test_labels_are_taken_with_and_without_prefix_and_counted(study: Path, fake: dict[str, str]) -> None:
    assert call("submit.sh", study, "sub-02", "x3", env=fake).returncode == 0
    assert "--array=1-2%50" in read_notes(fake)
    many = call("submit.sh", study, "1", "2", "3", "4", env=fake)
    assert many.returncode == 64
    assert "takes 3 in one array" in many.stderr


def test_who_failed_was_killed_or_never_ran_is_submitted_again(
    study: Path, tmp_path: Path, fake: dict[str, str]
) -> None:
    assert call("submit.sh", study, env=fake).returncode == 0
    logs = tmp_path / "my logs"
    for label, status in (("01", "0"), ("02", "running")):
        (logs / f"sub-{label}.status").write_text(f"{status}\n")
    Path(fake["FAKE_QUEUE"]).write_text("7 eeg2fmri\n")
    waiting = call("resubmit.sh", study, env=fake)
    assert waiting.returncode == 1
    assert "still waiting or running" in waiting.stderr
    Path(fake["FAKE_QUEUE"]).unlink()
    Path(fake["FAKE_NOTES"]).unlink()
    done = call("resubmit.sh", study, env=fake)
    assert "sub-02: killed while running" in done.stdout
    assert "sub-x3: never ran" in done.stdout
    assert "sub-01" not in done.stdout
    assert "--array=1-2%50" in read_notes(fake)
    for label in ("02", "x3"):
        (logs / f"sub-{label}.status").write_text("0\n")
    assert "All 3 participants ended well" in call("resubmit.sh", study, env=fake).stdout


def test_the_container_sees_what_it_needs_and_nothing_of_the_caller(
    study: Path, tmp_path: Path, fake: dict[str, str]
) -> None:
    done = call("run.sh", study, "participant", "--participant-label", "01", env=fake)
    assert done.returncode == 0, done.stderr
    bids, out = f"{tmp_path}/my bids", f"{tmp_path}/out"
    assert read_notes(fake) == [
        *("apptainer", "run", "--cleanenv", "--no-home", "--env", "TMPDIR=/scratch"),
        *("--bind", f"{bids}:{bids}:ro", "--bind", f"{out}:{out}", "--bind", "/scratch:/scratch"),
        *("--bind", "/prep/my fmriprep:/prep/my fmriprep:ro", "/data/images/bids_eeg2fmri.sif"),
        *(bids, out, "participant", "--participant-label", "01"),
        *("-d", "/prep/my fmriprep", "--set", 'bold.confounds=["none"]'),
    ]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a running cluster, in which the command is the code that is tested."""
    env = dict(os.environ)
    folder = os.environ.get("BIDS_EEG2FMRI_SLURM")
    if folder is None:
        if (
            not shutil.which("sinfo")
            or subprocess.run(["sinfo"], capture_output=True, check=False).returncode
        ):
            pytest.skip("BIDS_EEG2FMRI_SLURM is not set and there is no Slurm cluster here")
    elif os.geteuid() != 0:
        pytest.skip("the programs in BIDS_EEG2FMRI_SLURM need root")
    programs = tmp_path / "programs"
    programs.mkdir()
    command = programs / "bids_eeg2fmri"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bids_eeg2fmri "$@"\n')
    command.chmod(0o755)
    env |= {"PATH": f"{programs}:{env['PATH']}", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    if folder is None:
        yield env
        return
    state = tmp_path / "slurm"
    try:
        # Its daemons keep the streams open that they are given.
        with (tmp_path / "start.log").open("w") as log:
            subprocess.run([Path(folder) / "start", state], stdout=log, stderr=log, check=True)
        yield env | {"SLURM_CONF": str(state / "slurm.conf")}
    finally:
        subprocess.run([Path(folder) / "stop", state], check=False)


def wait_for(jobs: list[str], env: dict[str, str], *, most: float = 240) -> None:
    """Wait until no job is left in the queue."""
    end = time.monotonic() + most
    line = ["squeue", "--noheader", "--jobs", ",".join(jobs)]
    while subprocess.run(line, env=env, capture_output=True, text=True, check=False).stdout.strip():
        assert time.monotonic() < end, "the jobs do not end"
        time.sleep(1)


def submit(script: str, settings: Path, env: dict[str, str]) -> tuple[str, list[str]]:
    """Submit, wait until all has ended, and return what was said and the numbers of the jobs."""
    done = call(script, settings, env=env)
    assert done.returncode == 0, done.stderr
    jobs = re.findall(r"job (\d+)", done.stdout)
    wait_for(jobs, env)
    return done.stdout, jobs


def state_of(job: str, env: dict[str, str]) -> str:
    text = subprocess.run(
        ["scontrol", "show", "job", job], env=env, capture_output=True, text=True, check=True
    )
    return re.findall(r"JobState=(\w+)", text.stdout)[0]


@pytest.mark.slurm
def test_a_study_with_a_broken_participant_on_a_cluster(tmp_path: Path, cluster: dict[str, str]) -> None:
    bids, out, logs = (tmp_path / name for name in ("bids", "out", "logs"))
    simulate_dataset(bids, SimulationOptions(participants=3, runs=2, volumes=60, channels=16, seed=3))
    regions = tmp_path / "two.tsv"
    regions.write_text("name\tx\ty\tz\nM1_L\t-37\t-25\t62\nM1_R\t37\t-25\t62\n")
    options = ("--model", "ridge", "--n-nulls", "99", "--regions", str(regions))
    settings = write_settings(
        tmp_path,
        BIDS_DIR=str(bids),
        OUTPUT_DIR=str(out),
        LOGS=str(logs),
        IMAGE="",
        MEMORY="1G",
        GROUP_MEMORY="1G",
        SCRATCH=str(tmp_path),
        OPTIONS=f"({' '.join(options)})",
    )
    signal = bids / "sub-02" / "eeg" / "sub-02_task-imagery_run-1_eeg.eeg"
    signal.rename(tmp_path / "fetched.eeg")

    said, (array, group) = submit("submit.sh", settings, cluster)
    assert said.startswith("3 participants")
    assert [(logs / f"sub-0{k}.status").read_text().strip() for k in (1, 2, 3)] == ["0", "66", "0"]
    assert "sub-02" in (logs / f"{array}_2.log").read_text()
    assert state_of(group, cluster) == "CANCELLED"
    assert not (out / "group.html").exists()

    shutil.move(tmp_path / "fetched.eeg", signal)
    said, (array, group) = submit("resubmit.sh", settings, cluster)
    assert said.startswith("sub-02: 66\n1 participants")
    assert [path.name for path in logs.glob(f"{array}_*.log")] == [f"{array}_1.log"]
    assert state_of(group, cluster) == "COMPLETED"
    assert "3 of 3 participants have results" in (logs / f"{group}_group.log").read_text()
    assert "nothing to submit" in call("resubmit.sh", settings, env=cluster).stdout

    alone = tmp_path / "alone"
    with pytest.raises(SystemExit, match="0"):
        cli.main([str(bids), str(alone), "participant", "--participant-label", "02", *options])
    direct = contents(alone)
    assert len(direct) > 20
    assert contents(out) == direct


def contents(root: Path) -> dict[str, bytes]:
    """Return the files of sub-02 in an output dataset, its marks among the logs left out."""
    files = (path.relative_to(root) for path in sorted(root.rglob("*sub-02*")) if path.is_file())
    return {name.as_posix(): (root / name).read_bytes() for name in files if name.parts[0] != "logs"}
