"""The sentences follow from the scores: coupled, task-only, null, untested."""

from dataclasses import replace

import numpy as np
import pytest

from bids_eeg2fmri.records import GroupTest, Score
from bids_eeg2fmri.report.verdict import judge_group, judge_participant, judge_region

NAN = float("nan")


def make_score(model, region="M1_L", **figures):
    figures = {"r": 0.3, "r2": 0.0, "r_given_task": NAN, "p": NAN, "p_given_task": NAN} | figures
    z = float(np.arctanh(figures["r"]))
    return Score(model=model, region=region, run="all", n_volumes=300, fisher_z=z, **figures)


TASK = make_score("task", r=0.26, p=0.01)
COUPLED = make_score("ridge", r=0.42, p=0.001, r_given_task=0.31, p_given_task=0.001)
TASK_ONLY = make_score("ridge", r=0.25, p=0.004, r_given_task=-0.02, p_given_task=0.6)
NULL = make_score("ridge", r=-0.04, p=0.7, r_given_task=0.01, p_given_task=0.45)


def test_coupled_scores_are_beyond_the_task():
    kind, text = judge_region(COUPLED, TASK)
    assert kind == "beyond"
    assert text == (
        "EEG (ridge) predicts M1_L beyond the task "
        "(r given task .31, p = .001; r .42, p = .001; task design alone: r .26)."
    )


def test_task_only_scores_are_explained_by_the_task():
    kind, text = judge_region(TASK_ONLY, TASK)
    assert kind == "task"
    assert text.startswith("What ridge predicts of M1_L is explained by the task (r .25, p = .004;")
    assert "r given task \N{MINUS SIGN}.02, p = .600" in text


def test_null_scores_are_nothing():
    kind, text = judge_region(NULL, TASK)
    assert kind == "nothing"
    assert text.startswith("ridge: nothing found in M1_L")


def test_a_significant_negative_correlation_is_no_prediction():
    kind, _ = judge_region(make_score("ridge", r=-0.4, p=0.001), None)
    assert kind == "nothing"


def test_without_a_task_or_a_test_the_verdict_says_so():
    kind, text = judge_region(make_score("ridge", r=0.3, p=0.01), None)
    assert kind == "predicts"
    assert "no task to compare with" in text
    assert judge_region(make_score("ridge"), None)[0] == "unknown"


def make_participant(ridge_r, eegnet_r, task_r):
    scores = []
    for region in ("M1_L", "M1_R", "mean"):
        scores.append(make_score("task", region, r=task_r, p=0.01))
        for model, r in (("ridge", ridge_r), ("eegnet", eegnet_r)):
            given = {"r_given_task": r - 0.1, "p_given_task": 0.01 if region != "M1_R" else 0.2}
            scores.append(make_score(model, region, r=r, p=0.001, **given))
    return scores


def test_a_participants_verdict_counts_regions_beside_chance():
    ridge, eegnet = judge_participant(make_participant(0.42, 0.36, 0.26))
    assert (ridge.kind, ridge.label) == ("beyond", "beyond the task")
    expected = (
        "1 of 2 regions have p < .05 given the task, not corrected over regions (0.1 expected by chance)."
    )
    assert expected in ridge.sentences
    assert eegnet.model == "eegnet"


@pytest.mark.parametrize(
    ("eegnet_r", "sentence"),
    [
        (0.36, "eegnet is not better than the linear model (ridge) (mean r .36 against .42)."),
        (0.43, "eegnet is not clearly better than the linear model (ridge)"),
        (0.50, "eegnet has a higher mean r than the linear model (ridge) (mean r .50 against .42)."),
    ],
)
def test_a_network_is_compared_with_the_linear_model(eegnet_r, sentence):
    ridge, eegnet = judge_participant(make_participant(0.42, eegnet_r, 0.26))
    assert any(text.startswith(sentence) for text in eegnet.sentences)
    assert not any("linear model" in text for text in ridge.sentences)


def test_a_model_below_the_task_baseline_is_said_to_be():
    ridge, eegnet = judge_participant(make_participant(0.20, 0.27, 0.26))
    assert "ridge is not better than the task design alone (mean r .20 against .26)." in ridge.sentences
    assert any(text.startswith("eegnet is not clearly better than the task") for text in eegnet.sentences)


def test_a_higher_r_is_no_praise_when_nothing_is_left_given_the_task():
    scores = [replace(TASK, region="mean"), replace(TASK_ONLY, region="mean", r=0.4, fisher_z=0.42)]
    (verdict,) = judge_participant(scores)
    assert verdict.kind == "task"
    assert not any("higher mean r" in text for text in verdict.sentences)


def make_test(model, measure, region="mean", *, z=0.3, p=0.01):
    corrected = NAN if region == "mean" else p
    return GroupTest(
        model=model,
        measure=measure,
        region=region,
        n_participants=8,
        r=float(np.tanh(z)),
        fisher_z=z,
        fisher_z_sd=0.1,
        p=p,
        p_max_t=corrected,
        p_fdr=corrected,
    )


def test_the_groups_verdict_follows_from_the_tests():
    beyond = [make_test("ridge", "r"), make_test("ridge", "r_given_task", p=0.02)]
    explained = [make_test("ridge", "r"), make_test("ridge", "r_given_task", z=0.01, p=0.4)]
    nothing = [make_test("ridge", "r", z=0.02, p=0.3), make_test("ridge", "r_given_task", z=0.01, p=0.4)]
    untested = [make_test("ridge", "r", p=NAN)]
    kinds = [judge_group(tests)[0].kind for tests in (beyond, explained, nothing, untested, beyond[:1])]
    assert kinds == ["beyond", "task", "nothing", "unknown", "predicts"]


def test_the_groups_verdict_names_regions_and_a_gain_that_is_not_shown():
    tests = [
        make_test("ridge", "r"),
        make_test("ridge", "r_given_task"),
        make_test("ridge", "r_given_task", "M1_L", p=0.01),
        make_test("ridge", "r_given_task", "M1_R", p=0.3),
        make_test("ridge", "r_minus_task", z=-0.02, p=0.6),
    ]
    (verdict,) = judge_group(tests)
    expected = "1 of 2 regions have p < .05 corrected over regions (r given task, max-T): M1_L."
    assert expected in verdict.sentences
    assert verdict.sentences[-1] == (
        "ridge is not shown to predict better than the task design alone "
        "(difference of Fisher z \N{MINUS SIGN}0.02, p = .600)."
    )
