"""The image as a strict cluster runs it: no network, read-only root, an unknown user, no home."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from built_image import UID, Image, give_away

from bids_eeg2fmri import __version__

pytestmark = pytest.mark.container

#: Those of examples/demo.sh.
DEMO = ("--participants", "4", "--runs", "3", "--volumes", "150")
#: What imports of these names would run.
TRAP = "raise SystemExit('a module of the host was imported')\n"


@pytest.fixture(scope="module")
def demo(image: Image, shared: Path) -> Path:
    """The folder in which examples/demo.sh has been followed, every command in the container."""
    out = shared / "demo"
    out.mkdir()
    give_away(out)
    mount = ("-v", f"{out}:/demo")
    made = image.run("/demo/bids", *DEMO, flags=mount, command="bids_eeg2fmri_simulate")
    assert made.returncode == 0, made.stderr
    work = ("/demo/bids", "/demo/results")
    for args in ((*work, "participant", "--nprocs", "2"), (*work, "group")):
        done = image.run(*args, flags=mount)
        assert done.returncode == 0, done.stdout + done.stderr
        # No warning of a cache that cannot be written, of a home that is not there.
        assert not [line for line in done.stderr.splitlines() if " INFO " not in line]
    return out


def test_it_says_its_version_in_command_and_labels(image: Image) -> None:
    done = image.run("--version")
    assert done.stdout.strip() == f"bids_eeg2fmri, version {__version__}"
    text = subprocess.run([image.engine.name, "image", "inspect", image.tag], capture_output=True, check=True)
    config = json.loads(text.stdout)[0]["Config"]
    labels = config["Labels"]
    assert labels["org.opencontainers.image.version"] == __version__
    assert labels["org.label-schema.version"] == __version__
    assert labels["org.opencontainers.image.title"] == labels["org.label-schema.name"] == "bids_eeg2fmri"
    assert config["Entrypoint"] == ["/opt/venv/bin/bids_eeg2fmri"]
    assert not config.get("User")
    assert {"OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1", "MKL_NUM_THREADS=1"} <= set(config["Env"])


def test_nothing_of_cuda_and_no_compiler_is_inside(image: Image) -> None:
    program = (
        "import importlib.metadata as m, json, shutil, torch;"
        "names = [d.metadata['Name'].lower() for d in m.distributions()];"
        "print(json.dumps([names, torch.__version__, torch.get_num_threads(),"
        " [t for t in ('gcc', 'pip', 'curl') if shutil.which(t)]]))"
    )
    done = image.run("-c", program, command="/opt/venv/bin/python")
    names, torch, n_threads, tools = json.loads(done.stdout)
    assert "torch" in names
    assert not [name for name in names if name.startswith(("nvidia", "triton", "cuda"))]
    assert torch.endswith("+cpu")
    assert n_threads == 1
    assert tools == []


def test_the_demo_runs_inside(demo: Path) -> None:
    results = demo / "results"
    pages = sorted(path.name for path in results.glob("*.html"))
    assert pages == ["group.html", "sub-01.html", "sub-02.html", "sub-03.html", "sub-04.html"]
    scores = pd.read_csv(results / "group_scores.tsv", sep="\t")
    assert set(scores["participant_id"]) == {"sub-01", "sub-02", "sub-03", "sub-04"}
    assert {path.stat().st_uid for path in results.rglob("*")} == {UID}
    assert not [path for path in results.rglob("*") if ".part." in path.name]
    assert not list((results / "logs").glob("*crash*"))


def test_what_the_demo_wrote_is_valid(demo: Path) -> None:
    validator = shutil.which("bids-validator-deno", path=str(Path(sys.executable).parent))
    assert validator is not None
    done = subprocess.run(
        [validator, str(demo / "results"), "--format", "json"], capture_output=True, text=True, check=False
    )
    issues = json.loads(done.stdout)["issues"]["issues"]
    assert [issue for issue in issues if issue["severity"] == "error"] == []


@pytest.mark.parametrize(
    ("args", "status", "words"),
    [
        (("/data", "/out", "subject"), 17, "participant and group"),
        (("/data", "/out", "participant", "--participant-label", "99"), 18, "no participant '99'"),
        (("/data", "/out", "participant", "--modle", "ridge"), 64, "--model"),
        (("/nowhere", "/out", "participant"), 66, "/nowhere"),
        (("/out", "/data", "participant"), 16, "dataset_description.json"),
        (("/data", "/opt/results", "participant"), 73, "/opt/results"),
    ],
)
def test_exit_statuses_reach_the_caller(
    image: Image, demo: Path, tmp_path: Path, args: tuple[str, ...], status: int, words: str
) -> None:
    give_away(tmp_path)
    done = image.run(*args, flags=("-v", f"{demo / 'bids'}:/data:ro", "-v", f"{tmp_path}:/out"))
    assert done.returncode == status, done.stderr
    assert words in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_apptainer_with_all_that_a_host_passes_on(image: Image, demo: Path, tmp_path: Path) -> None:
    """Without --cleanenv: variables, home and working directory of the host; /tmp not writable either."""
    home, here, out, scratch = (tmp_path / name for name in ("home", "here", "out", "scratch"))
    for folder in (home / ".local/lib/python3.11/site-packages", here, out, scratch):
        folder.mkdir(parents=True)
    for folder in (here, home / ".local/lib/python3.11/site-packages"):
        for name in ("numpy", "click", "torch"):
            (folder / f"{name}.py").write_text(TRAP)
    for folder in (out, scratch):
        give_away(folder)
    no_tmp = ("--read-only-tmpfs=false",) if image.engine.name == "podman" else ("--tmpfs", "/tmp:ro")
    flags = [
        *no_tmp,
        *("-v", f"{demo / 'bids'}:{tmp_path}/bids:ro"),
        *(word for folder in (out, scratch) for word in ("-v", f"{folder}:{folder}")),
        *(word for folder in (home, here) for word in ("-v", f"{folder}:{folder}:ro")),
        *("-w", here, "-e", f"HOME={home}", "-e", f"TMPDIR={scratch}", "-e", f"PYTHONPATH={here}"),
        *("-e", "PYTHONSTARTUP=/nowhere.py", "-e", "OMP_NUM_THREADS=8", "-e", "MPLBACKEND=TkAgg"),
    ]
    args = [tmp_path / "bids", out, "participant", "--participant-label", "01", "--run-label", "1", "2"]
    done = image.run(*args, "--model", "ridge", "--n-nulls", "99", "-w", scratch, flags=flags)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (out / "sub-01.html").is_file()
    made = {path.relative_to(tmp_path).parts[0] for path in tmp_path.rglob("*") if path.stat().st_uid == UID}
    assert made == {"out", "scratch"}


def test_a_disk_that_is_not_writable_at_all_is_said(image: Image, demo: Path) -> None:
    done = image.run(
        "/data", "/out", "participant", flags=("-v", f"{demo / 'bids'}:/data:ro", "-v", f"{demo}:/out:ro")
    )
    assert done.returncode == 73
    assert "/out" in done.stderr
