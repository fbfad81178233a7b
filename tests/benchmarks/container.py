"""What the container costs: the commands of examples/demo.sh inside it and outside, one after the other.

    python tests/benchmarks/container.py [--participants 4] [--volumes 150] [--repeats 1]

The image is built first. Each command is run by the same few lines of Python inside and outside, which tell
the seconds that passed, the processor time of the command with all its workers, and the memory of the largest
process. Starting the container itself is counted apart: it is the same for any command.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from built_image import ROOT, TAG, Image, find_engine, give_away

#: Runs a command and prints what it took: s, s of processor time, MiB.
MEASURE = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
status = subprocess.run(sys.argv[1:], stdout=sys.stderr).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([status, time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
"""
START = "from {} import main; main()"
Cost = tuple[float, float, float]


def build() -> Image:
    """Return the image, built where it is not there."""
    engine = find_engine()
    if isinstance(engine, str):
        sys.exit(f"Nothing to measure: {engine}.")
    order = [TAG, str(ROOT)] if engine.build[-1] == "-t" else [str(ROOT), TAG]
    subprocess.run([*engine.build, *order], check=True, capture_output=True)
    return Image(tag=TAG, engine=engine)


def read_cost(done: subprocess.CompletedProcess[str]) -> Cost:
    """Return seconds, processor seconds and MiB."""
    status, *cost = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else [1]
    if status:
        sys.exit(done.stderr)
    return tuple(cost)


def run_outside(module: str, args: Sequence[str], folder: Path) -> Cost:
    """Run a command of the package with this Python."""
    args = [arg.replace("/demo", str(folder)) for arg in args]
    line = [sys.executable, "-c", MEASURE, sys.executable, "-c", START.format(module), *args]
    return read_cost(subprocess.run(line, capture_output=True, text=True, check=False))


def run_inside(image: Image, module: str, args: Sequence[str], folder: Path) -> tuple[Cost, float]:
    """Run a command in the container; return also the seconds from the outside."""
    start = time.perf_counter()
    python = "/opt/venv/bin/python"
    flags = ("-v", f"{folder}:/demo")
    done = image.run("-c", MEASURE, python, "-c", START.format(module), *args, flags=flags, command=python)
    return read_cost(done), time.perf_counter() - start


def main() -> None:
    """Print a table: seconds, processor seconds and memory of each command, and the ratios."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--participants", default="4")
    parser.add_argument("--volumes", default="150")
    parser.add_argument("--repeats", type=int, default=1)
    options = parser.parse_args()
    image = build()
    size = ("--participants", options.participants, "--runs", "3", "--volumes", options.volumes)
    work = ("/demo/bids", "/demo/results")
    commands = (
        ("simulate", "bids_eeg2fmri.simulate.command", ("/demo/bids", *size)),
        ("participant", "bids_eeg2fmri.cli", (*work, "participant", "--nprocs", "2")),
        ("group", "bids_eeg2fmri.cli", (*work, "group")),
    )
    print(f"{'':12}{'outside':>30}{'inside':>30}{'ratio':>14}{'start':>8}")
    print(f"{'command':12}" + 2 * f"{'s':>10}{'CPU s':>10}{'MiB':>10}" + f"{'s':>7}{'CPU':>7}{'s':>8}")
    for _ in range(options.repeats):
        with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
            give_away(Path(two))
            for name, module, args in commands:
                out = run_outside(module, args, Path(one))
                inside, seconds = run_inside(image, module, args, Path(two))
                print(
                    f"{name:12}"
                    + "".join(f"{cost[0]:10.1f}{cost[1]:10.1f}{cost[2]:10.0f}" for cost in (out, inside))
                    + f"{inside[0] / out[0]:7.2f}{inside[1] / out[1]:7.2f}{seconds - inside[0]:8.1f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
