from dataclasses import replace

import numpy as np
import pytest
from simulated_runs import make_runs

from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.models.inner_folds import contiguous_blocks, inner_folds


def test_each_run_is_held_out_once() -> None:
    runs = make_runs(3)
    runs[1] = replace(runs[1], weights=np.zeros(60))  # cannot be learned from
    folds = inner_folds(runs)
    assert [[bool(v.any()) for v in validation] for _, validation in folds] == [
        [True, False, False],
        [False, False, True],
    ]
    for train, validation in folds:
        assert [t.any() or v.any() for t, v in zip(train, validation, strict=True)] == [True, False, True]
        assert not any(np.any((t > 0) & (v > 0)) for t, v in zip(train, validation, strict=True))


def test_blocks_of_a_single_run_keep_their_distance() -> None:
    usable = np.ones(150, dtype=bool)
    usable[40:50] = False
    folds = contiguous_blocks(usable, 2.0)
    assert len(folds) == 5
    np.testing.assert_array_equal(sum(held_out for _, held_out in folds), usable.astype(float))
    for train, held_out in folds:
        t, h = np.flatnonzero(train), np.flatnonzero(held_out)
        assert np.abs(t[:, None] - h).min() * 2.0 > 20.0
        assert not np.any(train[40:50])
    assert len(contiguous_blocks(np.ones(50, dtype=bool), 2.0)) == 2


def test_one_run_with_a_masked_block_falls_back_to_blocks() -> None:
    (run,) = make_runs(1, n_volumes=100)
    weights = np.ones(100)
    weights[30:60] = 0
    folds = inner_folds([replace(run, weights=weights)])
    assert len(folds) >= 2
    assert not any(np.any(part[0][30:60]) for fold in folds for part in fold)


def test_too_little_is_said() -> None:
    (run,) = make_runs(1, n_volumes=20)
    with pytest.raises(BadDataError, match="20 volumes of one run: too few"):
        inner_folds([run])
