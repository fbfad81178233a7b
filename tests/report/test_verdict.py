"""The sentences follow from the scores: coupled, task-only, motion, null, untested; participant and group."""

from dataclasses import replace

import numpy as np
import pytest

from bids_eeg2fmri.records import GroupTest, NullTest, Score
from bids_eeg2fmri.report.group_verdict import judge_group, judge_group_baselines
from bids_eeg2fmri.report.region_verdict import judge_regions
from bids_eeg2fmri.report.verdict import judge_baselines, judge_participant, summarise

NAN = float("nan")
NAMES = ("r", "p", "r_given_task", "p_given_task", "r_given_task_nuisance", "p_given_task_nuisance")
#: r, p, r given task, p, r given task and nuisance, p.
COUPLED = (0.42, 0.001, 0.31, 0.001, 0.28, 0.004)
MOTION = (0.30, 0.001, 0.29, 0.001, 0.01, 0.4)
TASK_ONLY = (0.25, 0.004, -0.02, 0.6, 0.01, 0.5)
NULL = (-0.04, 0.7, 0.01, 0.45, 0.02, 0.4)
UNTESTED = (0.3, NAN, 0.2, NAN, 0.2, NAN)
TASK = (0.26, 0.01, NAN, NAN, NAN, NAN)
QUIET = (0.02, 0.5, 0.02, 0.5, NAN, NAN)
ABSENT = (NAN,) * 6


def make_score(model, figures, region="mean", **more):
    values = dict(zip(NAMES, figures, strict=True))
    z = float(np.arctanh(values["r"]))
    return Score(model=model, region=region, run="all", n_volumes=300, fisher_z=z, **values, **more)


def judge_one(figures, *, task=TASK, nuisance=QUIET, **more):
    scores = [
        make_score("task", task),
        make_score("nuisance", nuisance),
        make_score("ridge", figures, **more),
    ]
    (verdict,) = judge_participant(scores)
    return verdict


def test_coupled_scores_are_beyond_task_and_nuisance():
    verdict = judge_one(COUPLED)
    assert (verdict.kind, verdict.label) == ("beyond", "beyond task and nuisance")
    assert verdict.sentences[0] == (
        "EEG (ridge) predicts the BOLD of the regions beyond task and nuisance "
        "(mean r given task and nuisance .28, p = .004; mean r given task .31, p = .001; mean r .42, "
        "p = .001; task design alone: r .26; nuisance alone: r .02)."
    )


@pytest.mark.parametrize(
    ("figures", "kind", "label", "text"),
    [
        (MOTION, "artefact", "explained by motion or artefact", "beyond the task is explained by motion"),
        (TASK_ONLY, "task", "explained by the task", "is explained by the task (mean r given task and"),
        (NULL, "nothing", "nothing found", "ridge: nothing found in the BOLD of the regions"),
        (UNTESTED, "unknown", "not tested", "ridge: the BOLD of the regions not tested"),
        ((-0.4, 0.001, -0.3, 0.001, -0.3, 0.001), "nothing", "nothing found", "nothing found"),
    ],
)
def test_each_kind_of_score_has_its_verdict(figures, kind, label, text):
    verdict = judge_one(figures)
    assert (verdict.kind, verdict.label) == (kind, label)
    assert text in verdict.sentences[0]


def test_what_is_not_there_is_not_compared_with():
    plain = judge_one((0.3, 0.01, 0.3, 0.01, 0.3, 0.01), task=ABSENT, nuisance=ABSENT)
    assert plain.kind == "predicts"
    assert "there is no task to compare with" in plain.sentences[0]
    assert "given" not in plain.sentences[0]
    rest = judge_one((0.3, 0.01, 0.3, 0.01, 0.02, 0.4), task=ABSENT)
    assert rest.kind == "artefact"
    assert "given nuisance" in rest.sentences[0]
    assert "task" not in rest.sentences[0]
    assert judge_one((0.3, 0.01, 0.3, 0.01, 0.2, 0.01), task=ABSENT).label == "beyond nuisance"
    clean = judge_one(COUPLED, nuisance=ABSENT)
    assert clean.label == "beyond the task"
    assert judge_one(TASK_ONLY, nuisance=ABSENT).kind == "task"


def test_what_was_held_out_is_said_where_it_was_no_new_run():
    assert judge_one(COUPLED, held_out="run").mark == ""
    within = judge_one(COUPLED, held_out="block")
    assert within.mark == "within-run"
    assert within.sentences[0].endswith("; within-run).")
    assert judge_one(NULL, held_out="task").mark == "learned on another task"


def test_baselines_that_predict_are_named():
    scores = [make_score("task", TASK), make_score("nuisance", (0.2, 0.005, 0.2, 0.005, NAN, NAN))]
    task, nuisance = judge_baselines(scores)
    assert task.startswith("The task design alone predicts the BOLD of the regions (mean r .26, p = .010)")
    assert nuisance.startswith("Nuisance alone (motion, heart beat, artefacts) predicts the BOLD")
    assert judge_baselines([make_score("nuisance", QUIET), make_score("drift", NULL)]) == ()


def test_the_headline_says_plainly_that_nothing_was_found():
    assert summarise([judge_one(NULL)]) == (
        "Nothing was found: no model predicts the BOLD of the regions (ridge)."
    )
    assert summarise([judge_one(MOTION)]).startswith("Nothing of the brain was found in the EEG")
    assert summarise([judge_one(COUPLED)]) == "Beyond task and nuisance: ridge."
    assert summarise([]) == "No model of the EEG was tested."


def make_regions(figures_by_region):
    return [
        make_score(model, figures, region)
        for region, own in figures_by_region.items()
        for model, figures in (("task", TASK), ("nuisance", QUIET), ("ridge", own))
    ]


def make_null(region, p_max_t, *, null="shift", n_draws=1000, measure="r_given_task_nuisance"):
    return NullTest(
        model="ridge",
        region=region,
        measure=measure,
        null=null,
        fisher_z=0.3,
        n_draws=n_draws,
        null_mean=0.0,
        null_sd=0.1,
        p=0.001,
        p_max_t=p_max_t,
    )


def test_regions_that_hold_after_correction_are_named_others_counted():
    scores = make_regions({"M1_L": COUPLED, "M1_R": COUPLED, "mean": COUPLED})
    (counted,) = judge_participant(scores)
    assert counted.sentences[1] == (
        "2 of 2 regions have p < .05 given task and nuisance, not corrected over regions "
        "(0.1 expected by chance)."
    )
    nulls = [make_null("M1_L", 0.012), make_null("M1_R", 0.2), make_null("M1_R", 0.01, measure="r")]
    (named,) = judge_participant(scores, nulls)
    assert named.sentences[1] == (
        "1 of 2 regions hold by themselves (r given task and nuisance, p corrected over regions by max-T): "
        "M1_L (.28, p = .012)."
    )
    (none,) = judge_participant(scores, [make_null("M1_L", 0.2)])
    assert none.sentences[1].endswith("; none holds after correction.")
    by_region = {v.region: v for v in judge_regions(scores, nulls)}
    assert [by_region[name].is_corrected for name in ("M1_L", "M1_R")] == [True, False]
    assert by_region["M1_R"].sentence.startswith(
        "EEG (ridge) predicts M1_R beyond task and nuisance (r given"
    )


def test_enough_refits_take_the_place_of_shifts_in_the_correction():
    scores = make_regions({"M1_L": COUPLED, "M1_R": NULL, "mean": COUPLED})
    shift = make_null("M1_L", 0.01)
    for n_draws, holds in ((199, False), (50, True)):
        (verdict,) = judge_participant(scores, [shift, make_null("M1_L", 0.3, null="refit", n_draws=n_draws)])
        assert ("hold by themselves" in verdict.sentences[1]) is holds


def test_a_single_region_is_no_verdict_on_all():
    scores = make_regions({"M1_L": COUPLED, "M1_R": NULL, "mean": NULL})
    (verdict,) = judge_participant(scores, [make_null("M1_L", 0.01)])
    assert (verdict.kind, verdict.label) == ("regions", "single regions only")
    assert verdict.sentences[0].startswith("ridge: nothing found in the BOLD of the regions")
    assert "M1_L (.28, p = .010)" in verdict.sentences[1]


def judge_many(**headlines):
    scores = [make_score("task", TASK), make_score("nuisance", QUIET)]
    for model, r in headlines.items():
        scores.append(make_score(model, (r + 0.1, 0.001, r, 0.01, r, 0.01)))
    return {verdict.model: verdict.sentences for verdict in judge_participant(scores)}


@pytest.mark.parametrize(
    ("eegnet", "sentence"),
    [
        (
            0.26,
            "eegnet is not better than the linear model (ridge) (mean r given task and nuisance .26 against",
        ),
        (0.33, "eegnet is not clearly better than the linear model (ridge)"),
        (0.40, "eegnet has a higher mean r given task and nuisance than the linear model (ridge) ("),
    ],
)
def test_a_network_is_compared_with_the_linear_model_by_the_headline(eegnet, sentence):
    found = judge_many(eegnet=eegnet, ridge=0.32)
    assert any(text.startswith(sentence) for text in found["eegnet"])
    assert not any("linear model" in text for text in found["ridge"])


def test_the_linear_model_to_beat_is_not_chosen_by_its_score():
    found = judge_many(eegnet=0.36, spoc=0.40, ridge=0.30, efp=0.10)
    assert any(text.startswith("eegnet has a higher mean r given") for text in found["eegnet"])
    assert "1 of 2 other linear models are as good or better (spoc .40)." in found["eegnet"]
    assert any(
        text.startswith("spoc has a higher mean r given task and nuisance than ridge (")
        for text in found["spoc"]
    )
    without = judge_many(eegnet=0.36, spoc=0.40, efp=0.10)
    assert any("the linear model (efp)" in text for text in without["eegnet"])
    assert not any("linear" in text for text in judge_many(eegnet=0.36)["eegnet"])


def test_a_model_below_the_task_baseline_is_said_to_be():
    found = judge_many(ridge=0.10, eegnet=0.17)
    assert "ridge is not better than the task design alone (mean r .20 against .26)." in found["ridge"]
    assert any(text.startswith("eegnet is not clearly better than the task") for text in found["eegnet"])


def test_a_higher_r_is_no_praise_when_nothing_is_left_given_the_task():
    verdict = judge_one((0.4, *TASK_ONLY[1:]))
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


BASELINES = [make_test("task", "r"), make_test("nuisance", "r", p=0.2)]


def make_tests(*p_values):
    measures = ("r", "r_given_task", "r_given_task_nuisance")
    return [
        make_test("ridge", measure, p=p, z=0.3 if p < 0.05 else 0.01)
        for measure, p in zip(measures, p_values, strict=False)
    ]


@pytest.mark.parametrize(
    ("tests", "kind"),
    [
        (BASELINES + make_tests(0.01, 0.02, 0.03), "beyond"),
        (BASELINES + make_tests(0.01, 0.02, 0.4), "artefact"),
        (BASELINES + make_tests(0.01, 0.3, 0.4), "task"),
        (BASELINES + make_tests(0.3, 0.3, 0.4), "nothing"),
        (BASELINES + make_tests(NAN, NAN, NAN), "unknown"),
        (BASELINES[:1] + make_tests(0.01, 0.02), "beyond"),
        (make_tests(0.01), "predicts"),
    ],
)
def test_the_groups_verdict_follows_from_the_tests(tests, kind):
    (verdict,) = judge_group(tests)
    assert verdict.kind == kind
    assert "across 8 participants" in verdict.sentences[0]


@pytest.mark.parametrize(("n", "kind"), [(1, "unknown"), (4, "unknown"), (5, "nothing")])
def test_a_group_too_small_for_the_test_is_not_said_to_have_nothing(n, kind):
    tests = [replace(t, n_participants=n) for t in BASELINES + make_tests(0.3, 0.3, 0.4)]
    (verdict,) = judge_group(tests)
    assert verdict.kind == kind
    assert (verdict.label == "too few participants") is (kind == "unknown")
    assert ("cannot show anything" in verdict.sentences[0]) is (kind == "unknown")


def test_the_groups_verdict_names_regions_and_a_gain_that_is_not_shown():
    tests = [
        *BASELINES,
        *make_tests(0.01, 0.01, 0.01),
        make_test("ridge", "r_given_task_nuisance", "M1_L", p=0.01),
        make_test("ridge", "r_given_task_nuisance", "M1_R", p=0.3),
        make_test("ridge", "r_given_task", "M1_R", p=0.01),
        make_test("ridge", "r_minus_task", z=-0.02, p=0.6),
    ]
    (verdict,) = judge_group(tests)
    expected = (
        "1 of 2 regions have p < .05 corrected over regions (r given task and nuisance, max-T): "
        "M1_L (.29, p = .010)."
    )
    assert expected in verdict.sentences
    assert verdict.sentences[-1] == (
        "ridge is not shown to predict better than the task design alone "
        "(difference of Fisher z \N{MINUS SIGN}0.02, p = .600)."
    )


def test_the_group_names_baselines_that_predict_and_compares_networks():
    tests = [*BASELINES, *make_tests(0.01, 0.01, 0.01)]
    tests += [make_test("eegnet", m, z=0.2) for m in ("r", "r_given_task", "r_given_task_nuisance")]
    assert judge_group_baselines(tests) == (
        "The task design alone predicts BOLD across 8 participants (mean r .29, p = .010).",
    )
    _, eegnet = judge_group(tests)
    assert (
        "eegnet is not better than the linear model (ridge) (mean r given task and nuisance .20 against .29)."
        in eegnet.sentences
    )
