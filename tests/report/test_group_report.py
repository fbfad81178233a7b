"""The group's page: who is in it, what the tests say, figures that exist."""

from dataclasses import replace

import numpy as np
import pytest

from bids_eeg2fmri.records import GroupTest, Score
from bids_eeg2fmri.report.group import GroupReport, ParticipantStatus, write_group_report

NAN = float("nan")


def make_score(model, region, r):
    return Score(
        model=model,
        region=region,
        run="all",
        n_volumes=300,
        r=r,
        fisher_z=float(np.arctanh(r)),
        r2=0.0,
        r_given_task=NAN if model == "task" else r - 0.1,
        p=0.01,
        p_given_task=0.01,
    )


def make_test(model, measure, region, z):
    corrected = NAN if region == "mean" else 0.0625
    return GroupTest(
        model=model,
        measure=measure,
        region=region,
        n_participants=3,
        r=float(np.tanh(z)),
        fisher_z=z,
        fisher_z_sd=0.1,
        p=0.0625,
        p_max_t=corrected,
        p_fdr=corrected,
    )


@pytest.fixture
def report():
    regions = ("M1_L", "M1_R", "mean")
    scores = [
        (who, make_score(model, region, r))
        for who, r in (("01", 0.2), ("02", 0.4), ("03", 0.5))
        for model in ("ridge", "task")
        for region in regions
    ]
    tests = [make_test(model, "r", region, 0.3) for model in ("ridge", "task") for region in regions]
    tests += [
        make_test("ridge", measure, region, 0.2)
        for measure in ("r_given_task", "r_minus_task")
        for region in regions
    ]
    image = np.zeros((10, 12, 10), dtype=np.float32)
    image[3, 5, 6], image[7, 5, 6] = 0.3, 0.2
    return GroupReport(
        version="1.2.3",
        participants=(
            *(ParticipantStatus(label=label, status="included") for label in ("01", "02", "03")),
            ParticipantStatus(label="04", status="failed", reason="<b>the EEG</b> is cut short"),
            ParticipantStatus(label="05", status="missing", reason="no scores yet"),
        ),
        scores=tuple(scores),
        tests=tuple(tests),
        smallest_p_text="With 3 participants the smallest possible p is .12.",
        maps={"ridge": image},
        affine=np.array([[15.0, 0, 0, -70], [0, 15, 0, -100], [0, 0, 15, -60], [0, 0, 0, 1]]),
        methods_text="Sign-flip.",
    )


def test_the_page_says_who_is_in_it_and_what_can_be_shown(report, tmp_path):
    paths = write_group_report(report, html_path=tmp_path / "group.html", figures_dir=tmp_path / "figures")
    text = paths[0].read_text(encoding="utf-8")
    assert "3 participants included, 1 missing, 1 failed" in text
    assert "&lt;b&gt;the EEG&lt;/b&gt; is cut short" in text
    assert "no scores yet" in text
    assert "smallest possible p is .12" in text
    assert "ridge: nothing found across 3 participants" in text
    assert [path.name for path in paths[1:]] == [
        "group_desc-scores_metrics.svg",
        "group_desc-r_glassbrain.svg",
    ]
    for path in paths[1:]:
        assert f'src="figures/{path.name}"' in text
        assert 1_000 < path.stat().st_size < 500_000


def test_two_writes_give_the_same_bytes(report, tmp_path):
    first, second = (
        write_group_report(
            report, html_path=tmp_path / n / "group.html", figures_dir=tmp_path / n / "figures"
        )
        for n in ("a", "b")
    )
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


def test_scores_within_a_run_are_marked(report, tmp_path):
    marked = replace(report, within_run=("02",), maps={})
    (path, *_) = write_group_report(marked, html_path=tmp_path / "group.html", figures_dir=tmp_path)
    text = path.read_text(encoding="utf-8")
    assert "sub-02" in text
    assert text.count("Includes within-run scores.") == 2
    assert "glassbrain" not in text


def test_a_group_without_anyone_still_has_a_page(report, tmp_path):
    empty = replace(report, scores=(), tests=(), maps={}, participants=report.participants[3:])
    paths = write_group_report(empty, html_path=tmp_path / "group.html", figures_dir=tmp_path)
    assert len(paths) == 1
    assert "0 participants included" in paths[0].read_text(encoding="utf-8")
