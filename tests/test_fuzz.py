"""Thousands of damaged files: each is refused with a reason or understood, quickly, and nothing else happens.

``pytest -m fuzz`` takes 10,000 cases, the whole suite a few hundred; BIDS_EEG2FMRI_FUZZ_CASES says how many,
BIDS_EEG2FMRI_FUZZ_SEED which. A failure prints the case; put it into REPLAY to see it again alone.
"""

from __future__ import annotations

import logging
import os
import random
import sys
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from fuzz_targets import TARGETS, HangError, Watch, cpu_seconds, limits, make_base, run_case
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from mutations import Edit, apply_edits

#: Cases to run in place of drawn ones.
REPLAY: tuple[Case, ...] = ()
_FEW, _MANY = 300, 10_000
#: The share of cases that go through all stages before the models, and through the whole command.
_PREPARED, _COMMANDS = 0.015, 0.003

watch = Watch()
sys.addaudithook(watch.hook)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A kind of file, what is done to it, and how far the damaged dataset is taken."""

    kind: str
    edits: tuple[Edit, ...]
    depth: str


_KINDS = [kind for kind, target in TARGETS.items() for _ in range(target.weight)]


def draw(number: int) -> Case:
    """Return the case of a number: the same for the same number, and as different as can be for the next."""
    rng = random.Random(number)
    kind = rng.choice(_KINDS)
    share = rng.random()
    return Case(
        kind=kind,
        edits=tuple(
            Edit(
                operation=rng.choice(TARGETS[kind].operations),
                where=round(rng.random(), 6),
                first=rng.randrange(2**16),
                second=rng.randrange(2**16),
            )
            for _ in range(rng.choice((1, 1, 1, 2, 3)))
        ),
        depth="command" if share < _COMMANDS else "prepare" if share < _COMMANDS + _PREPARED else "look",
    )


# Hypothesis prefers small and simple values, which in a file are few places and few changes.
CASES = st.integers(0, 2**64 - 1).map(draw)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make_base(tmp_path_factory.mktemp("fuzz"))


def try_case(base: Path, case: Case) -> tuple[str, str]:
    """Return how a case ended, and what was wrong with that: empty if nothing."""
    target = TARGETS[case.kind]
    path = (base / target.path).resolve()
    out = base.parent / "out"
    whole = path.read_bytes()
    path.write_bytes(apply_edits(whole, case.edits))
    fault, ending = "", ""
    try:
        with warnings.catch_warnings(), limits(), watch.over(out, base.parent / "done"):
            warnings.simplefilter("ignore")  # the command takes them into its log
            ending = run_case(base, out, target, case.depth)
    except (Exception, HangError) as error:  # whatever it is, it is what is looked for
        ending = type(error).__name__
        frames = [f for f in traceback.extract_tb(error.__traceback__) if "bids_eeg2fmri" in f.filename]
        place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
        fault = f"{ending} at {place}: {str(error)[-1500:]}"
    finally:
        path.write_bytes(whole)
    if watch.seen and not fault:
        fault = f"did what it must not: {watch.seen[:3]}"
    return ending, fault


#: What earlier runs have found, as it was found: kinds that MNE does not know, a number too long for Python,
#: a marker so late that a step is less than its last digit.
FOUND = (
    Case(
        kind="recording fif",
        edits=(
            Edit(operation="field", where=0.933606, first=17911, second=53988),
            Edit(operation="field", where=0.783603, first=52778, second=6027),
            Edit(operation="byte", where=0.810544, first=49898, second=16338),
        ),
        depth="look",
    ),
    Case(
        kind="recording fif",
        edits=(
            Edit(operation="byte", where=0.513496, first=8174, second=13308),
            Edit(operation="byte", where=0.405977, first=23919, second=35411),
            Edit(operation="field", where=0.755584, first=64965, second=14445),
        ),
        depth="look",
    ),
    Case(
        kind="filter",
        edits=(
            Edit(operation="number", where=0.552593, first=13964, second=64141),
            Edit(operation="line", where=0.045577, first=45400, second=8566),
            Edit(operation="remove", where=0.634202, first=15732, second=43277),
        ),
        depth="look",
    ),
    Case(
        kind="vmrk", edits=(Edit(operation="number", where=0.752111, first=6510, second=5873),), depth="look"
    ),
    Case(
        kind="vhdr",
        edits=(
            Edit(operation="line", where=0.799633, first=45086, second=18376),
            Edit(operation="repeat", where=0.138613, first=33637, second=31976),
        ),
        depth="look",
    ),
)


@pytest.mark.fuzz
@pytest.mark.parametrize("case", FOUND, ids=lambda case: case.kind)
def test_what_was_found_stays_repaired(base: Path, case: Case) -> None:
    assert try_case(base, case)[1] == ""


def n_cases(config: pytest.Config) -> int:
    asked = os.environ.get("BIDS_EEG2FMRI_FUZZ_CASES")
    return int(asked) if asked else _MANY if config.getoption("-m") == "fuzz" else _FEW


@pytest.mark.fuzz
def test_damaged_files_are_refused_or_understood_and_nothing_else(
    base: Path, pytestconfig: pytest.Config, capsys: pytest.CaptureFixture[str]
) -> None:
    start = int(os.environ.get("BIDS_EEG2FMRI_FUZZ_SEED", "0"))
    faults: dict[str, tuple[Case, str]] = {}
    endings: Counter[tuple[str, str]] = Counter()
    slowest = (0.0, "")
    before = {path: path.stat().st_mtime_ns for path in sorted(base.parent.rglob("*")) if path.is_dir()}

    def tell(case: Case) -> None:
        nonlocal slowest
        began = cpu_seconds()
        ending, fault = try_case(base, case)
        slowest = max(slowest, (cpu_seconds() - began, repr(case)[:300]))
        endings[case.kind, ending] += 1
        if fault:
            faults.setdefault(fault.partition(": ")[0], (case, fault))

    if REPLAY:
        for case in REPLAY:
            tell(case)
    else:
        drawn = seed(start)(
            settings(
                max_examples=n_cases(pytestconfig),
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )(given(CASES)(tell))
        )
        began = cpu_seconds()
        logging.disable()
        try:
            drawn()
        finally:
            logging.disable(logging.NOTSET)
        spent = cpu_seconds() - began
        with capsys.disabled():
            print(summary(endings, faults, start=start, spent=spent, slowest=slowest))
    changed = [
        path for path, time in before.items() if path.stat().st_mtime_ns != time and path.name != "logs"
    ]
    assert not faults, "\n\n".join(f"{fault}\n  {case!r}" for case, fault in faults.values())
    assert [path for path in changed if path not in (base.parent, base.parent / "out")] == []


def summary(
    endings: Counter[tuple[str, str]],
    faults: dict[str, tuple[Case, str]],
    *,
    start: int,
    spent: float,
    slowest: tuple[float, str],
) -> str:
    lines = [f"\nfuzz: {sum(endings.values())} cases, seed {start}, {spent:.0f} s CPU, {len(faults)} faults"]
    for kind in TARGETS:
        own = {ending: n for (of, ending), n in sorted(endings.items()) if of == kind}
        lines.append(f"  {kind:22}{sum(own.values()):6}  {', '.join(f'{n} {e}' for e, n in own.items())}")
    return "\n".join([*lines, f"  slowest {slowest[0]:.2f} s CPU: {slowest[1]}"])
