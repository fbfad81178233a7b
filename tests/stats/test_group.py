"""Scores of participants become tests of groups and painted regions."""

import numpy as np
import pytest

from bids_eeg2fmri.records import Score
from bids_eeg2fmri.stats.group import paint_regions, run_group_tests
from bids_eeg2fmri.stats.signflip import sign_flip_test

NAN = float("nan")


def make_score(model, region, r, *, given_task=NAN, run="all"):
    return Score(
        model=model,
        region=region,
        run=run,
        n_volumes=150,
        r=r,
        fisher_z=float(np.arctanh(r)),
        r2=0.0,
        r_given_task=given_task,
        p=0.1,
        p_given_task=0.1,
    )


def make_scores(rng, n_participants=6):
    scores = []
    for who in range(n_participants):
        for region in ("M1_L", "SMA_L", "mean"):
            ridge, task = rng.uniform(0.3, 0.5), rng.uniform(0.0, 0.2)
            scores.append((f"{who:02d}", make_score("ridge", region, ridge, given_task=ridge - 0.1)))
            scores.append((f"{who:02d}", make_score("task", region, task)))
            scores.append((f"{who:02d}", make_score("ridge", region, -0.9, run="run-1")))
    return scores


def test_every_measure_of_every_model_is_tested_from_the_overall_scores():
    scores = make_scores(np.random.default_rng(0))
    tests = run_group_tests(scores, rng=np.random.default_rng(1))
    found = {(test.model, test.measure) for test in tests}
    assert found == {("ridge", "r"), ("task", "r"), ("ridge", "r_given_task"), ("ridge", "r_minus_task")}
    assert len(tests) == 4 * 3
    by_place = {(test.model, test.measure, test.region): test for test in tests}
    ridge, task = (
        np.array([s.fisher_z for _, s in scores if s.run == "all" and s.model == m and s.region == "M1_L"])
        for m in ("ridge", "task")
    )
    assert by_place["ridge", "r", "M1_L"].fisher_z == pytest.approx(ridge.mean())
    difference = by_place["ridge", "r_minus_task", "M1_L"]
    assert difference.fisher_z == pytest.approx((ridge - task).mean())
    assert difference.fisher_z_sd == pytest.approx((ridge - task).std(ddof=1))
    assert difference.p == 1 / 64
    given = by_place["ridge", "r_given_task", "M1_L"]
    partial = [
        s.r_given_task for _, s in scores if s.run == "all" and s.model == "ridge" and s.region == "M1_L"
    ]
    assert given.fisher_z == pytest.approx(np.arctanh(partial).mean())


def test_a_participant_without_a_baseline_is_missing_from_the_comparison_alone():
    scores = make_scores(np.random.default_rng(0))
    scores = [(who, s) for who, s in scores if not (who == "03" and s.model == "task")]
    tests = run_group_tests(scores, rng=np.random.default_rng(1))
    n = {(t.measure, t.model): t.n_participants for t in tests}
    assert n == {
        ("r", "ridge"): 6,
        ("r", "task"): 5,
        ("r_given_task", "ridge"): 6,
        ("r_minus_task", "ridge"): 5,
    }


def test_without_a_task_only_r_is_tested():
    scores = [(f"{k:02d}", make_score("ridge", "M1_L", 0.1 * k)) for k in range(1, 5)]
    tests = run_group_tests(scores, rng=np.random.default_rng(1))
    z = np.array([[s.fisher_z] for _, s in scores])
    expected = sign_flip_test(z, model="ridge", region_names=["M1_L"], rng=np.random.default_rng(1))
    assert tests == expected


def test_two_scores_of_the_same_thing_are_refused():
    scores = [("01", make_score("ridge", "M1_L", 0.1)), ("01", make_score("ridge", "M1_L", 0.2))]
    with pytest.raises(ValueError, match="01 has two scores"):
        run_group_tests(scores, rng=np.random.default_rng(1))


def test_regions_are_painted_with_their_values():
    labels = np.zeros((4, 3, 2), dtype=np.int32)
    labels[0, 0, 0], labels[1:3, 1, 1], labels[3, 2, 0] = 1, 2, 3
    image = paint_regions(labels, [0.25, -0.5, NAN])
    assert image.dtype == np.float32
    assert image[0, 0, 0] == np.float32(0.25)
    assert np.all(image[1:3, 1, 1] == -0.5)
    assert image[3, 2, 0] == 0
    assert np.count_nonzero(image) == 3
    with pytest.raises(ValueError, match="expected 0 to 2"):
        paint_regions(labels, [0.1, 0.2])
