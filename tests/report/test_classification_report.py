from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from simulated_runs import make_run

from bids_eeg2fmri.evaluation.class_scores import evaluate_classes
from bids_eeg2fmri.records import ClassEvaluation, ClassPredictions
from bids_eeg2fmri.report.class_figures import (
    MOST_TARGETS,
    choose_targets,
    draw_classes,
    draw_confusions,
    draw_levels_over_time,
)
from bids_eeg2fmri.report.classification import judge_classes
from bids_eeg2fmri.report.style import report_style, save_svg
from bids_eeg2fmri.settings import EvaluationSettings


def make_evaluation(
    share: float, *, n_targets: int = 2, n_classes: int = 3, model: str = "logistic"
) -> ClassEvaluation:
    """Return two runs of which a share of volumes is right, the others anything."""
    rng = np.random.default_rng(0)
    runs = [make_run(rng, run=k + 1, n_volumes=80, n_regions=n_targets, n_channels=1) for k in range(2)]
    labels = [np.repeat(rng.integers(0, n_classes, (20, n_targets)), 4, axis=0) for _ in runs]
    said = [
        np.where(rng.random(known.shape) < share, known, rng.integers(0, n_classes, known.shape))
        for known in labels
    ]
    predictions = ClassPredictions(
        model=model,
        runs=tuple(runs),
        target_names=runs[0].region_names,
        class_names=tuple(str(k) for k in range(n_classes)),
        labels=tuple(labels),
        probabilities=tuple(np.eye(n_classes)[s] for s in said),
        folds=tuple(np.full(80, k) for k in range(2)),
        unit="run",
    )
    return evaluate_classes(predictions, EvaluationSettings(n_nulls=99), rng=rng)


@pytest.mark.parametrize(
    ("share", "kind", "words"), [(0.6, "predicts", "tells levels"), (0.0, "nothing", "cannot tell")]
)
def test_the_verdict_says_what_the_scores_say(share: float, kind: str, words: str) -> None:
    evaluation = make_evaluation(share)
    verdict = judge_classes(evaluation)
    (score,) = [s for s in evaluation.scores if (s.region, s.run) == ("mean", "all")]
    assert verdict.kind == kind
    assert words in verdict.sentences[0]
    assert f"{score.balanced_accuracy:.2f}, {score.chance:.2f} by chance" in verdict.sentences[0]


@pytest.mark.parametrize(("n_targets", "n_classes"), [(1, 2), (14, 3), (3, 10)])
def test_figures_are_drawn_for_few_and_many(tmp_path: Path, n_targets: int, n_classes: int) -> None:
    evaluation = make_evaluation(0.5, n_targets=n_targets, n_classes=n_classes)
    targets = choose_targets([evaluation])
    assert len(targets) == min(n_targets, MOST_TARGETS)
    with report_style():
        for name, figure in {
            "confusion": draw_confusions(evaluation, targets),
            "classes": draw_classes([evaluation, evaluation], targets),
            "levels": draw_levels_over_time(evaluation, targets, 0),
        }.items():
            save_svg(figure, tmp_path / f"{name}.svg")
            assert (tmp_path / f"{name}.svg").stat().st_size > 2000
            assert len([ax for ax in figure.axes if ax.get_visible()]) == len(targets)


def test_a_matrix_shows_the_shares_of_its_rows() -> None:
    evaluation = make_evaluation(0.5, n_targets=1, n_classes=2)
    (ax,) = draw_confusions(evaluation, ("r0",)).axes
    counts = evaluation.confusions["all"][0]
    np.testing.assert_allclose(ax.images[0].get_array(), counts / counts.sum(axis=1, keepdims=True))
    assert ax.texts[0].get_text() == f"{counts[0, 0] / counts[0].sum():.2f}"[1:]
