from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from simulated_runs import make_run, make_runs

from bids_eeg2fmri.errors import BadDataError, UsageError
from bids_eeg2fmri.training.splits import GAP, apply_split, choose_splits


def two_sessions() -> list:
    rng = np.random.default_rng(0)
    return [make_run(rng, run=r, session=s, n_channels=1) for s in ("1", "2") for r in (1, 2)]


def test_auto_takes_the_strictest() -> None:
    assert [s.unit for s in choose_splits(two_sessions())] == ["session", "session"]
    assert [s.unit for s in choose_splits(make_runs(3))] == ["run"] * 3
    assert {s.unit for s in choose_splits(make_runs(1, n_volumes=150))} == {"block"}


@pytest.mark.parametrize("scheme", ["session", "run", "block"])
def test_every_volume_is_tested_once_and_never_learned_from_then(scheme: str) -> None:
    runs = two_sessions()
    splits = choose_splits(runs, scheme=scheme)
    for k in range(len(runs)):
        np.testing.assert_array_equal(sum(s.test[k] for s in splits), 1)
        for split in splits:
            assert not np.any((split.test[k] > 0) & (split.train[k] > 0))


def test_blocks_keep_their_distance() -> None:
    (run,) = make_runs(1, n_volumes=150)
    splits = choose_splits([run])
    assert len(splits) == 5
    for split in splits:
        tested, learned = np.flatnonzero(split.test[0]), np.flatnonzero(split.train[0])
        nearest = np.abs(tested[:, None] - learned[None]).min() * run.tr
        assert nearest > GAP


@pytest.mark.parametrize(
    ("n_runs", "scheme", "error", "words"),
    [
        (3, "session", UsageError, "two sessions"),
        (1, "run", UsageError, "two runs"),
        (3, "shuffled", UsageError, "without any coupling give r = 0.5 to 0.7"),
        (3, "loo", UsageError, "allowed are auto, session, run and block"),
    ],
)
def test_impossible_schemes_are_refused(n_runs: int, scheme: str, error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        choose_splits(make_runs(n_runs), scheme=scheme)


def test_a_single_short_run_cannot_be_tested() -> None:
    with pytest.raises(BadDataError, match="too short"):
        choose_splits(make_runs(1, n_volumes=30))


def test_a_run_without_usable_volumes_is_named() -> None:
    runs = make_runs(2)
    runs[1] = replace(runs[1], weights=np.zeros(60))
    with pytest.raises(BadDataError, match="No volume of sub-01_task-a_run-2"):
        choose_splits(runs)


def test_bold_that_must_not_be_seen_is_blanked() -> None:
    runs = make_runs(2)
    runs[1] = replace(runs[1], weights=np.where(np.arange(60) < 5, 0.0, 1.0))
    split = choose_splits(runs)[0]
    train, test = apply_split(split, runs)
    assert [run.entities.run for run in train] == [2]
    assert not np.any(train[0].bold[:5])
    assert np.all(train[0].bold[5:] == runs[1].bold[5:])
    assert all(not np.any(run.bold) for run in test)
