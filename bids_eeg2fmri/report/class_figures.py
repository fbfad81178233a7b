"""Figures of classes: matrices of confusion, and precision and recall per class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bids_eeg2fmri.records import ClassEvaluation, Floats
from bids_eeg2fmri.report.layout import PAGE_WIDTH, Margins, label_axes, make_panels
from bids_eeg2fmri.report.style import model_colours, shorten

#: More are not drawn; the tables have them all.
MOST_TARGETS = 12
_COLUMNS = 6
#: Numbers are written into matrices up to this many classes.
_MOST_WRITTEN = 6


def choose_targets(evaluations: Sequence[ClassEvaluation]) -> tuple[str, ...]:
    """Return the targets to draw, in their own order: all, or those told apart best by any classifier."""
    names = evaluations[0].predictions.target_names
    best = {
        name: max(
            np.nan_to_num(s.balanced_accuracy - s.chance)
            for e in evaluations
            for s in e.scores
            if (s.region, s.run) == (name, "all")
        )
        for name in names
    }
    kept = sorted(names, key=lambda name: -best[name])[:MOST_TARGETS]
    return tuple(name for name in names if name in kept)


def draw_confusions(evaluation: ClassEvaluation, targets: Sequence[str]) -> Figure:
    """Draw one matrix per target, over all runs: rows what it was, each adding up to 1."""
    predictions = evaluation.predictions
    n_columns = min(len(targets), _COLUMNS)
    n_rows = -(-len(targets) // n_columns)
    margins = Margins(left=1.05, right=0.3, bottom=0.75, top=0.5, between_columns=0.2, between_rows=0.45)
    width = 1.05 + 0.3 + n_columns * 1.5 + (n_columns - 1) * 0.2
    figure, axes = make_panels(
        [1.5] * n_rows, n_columns, margins=margins, width=width, share_x=True, share_y=True
    )
    balanced = {s.region: s.balanced_accuracy for s in evaluation.scores if s.run == "all"}
    for ax, name in zip(axes.flat, targets, strict=False):
        counts = evaluation.confusions["all"][predictions.target_names.index(name)]
        _draw_matrix(ax, counts)
        ax.set_title(f"{shorten(name, 12)}  {balanced[name]:.2f}", loc="left", fontweight="bold", pad=3)
    for ax in axes.flat[len(targets) :]:
        ax.set_visible(False)
    ticks = range(len(predictions.class_names))
    axes[0, 0].set_xticks(ticks, [shorten(name, 10) for name in predictions.class_names])
    axes[0, 0].set_yticks(ticks, [shorten(name, 10) for name in predictions.class_names])
    label_axes(figure, x="Predicted", y="True")
    return figure


def draw_classes(evaluations: Sequence[ClassEvaluation], targets: Sequence[str]) -> Figure:
    """Draw recall (filled) and precision (hollow) of every class, one panel per target, over all runs."""
    predictions = evaluations[0].predictions
    colours = model_colours(e.predictions.model for e in evaluations)
    n_columns = min(len(targets), _COLUMNS)
    n_rows = -(-len(targets) // n_columns)
    figure, axes = make_panels(
        [1.35] * n_rows,
        n_columns,
        margins=Margins(left=0.6, bottom=0.6, top=0.75, between_columns=0.2, between_rows=0.4),
        width=min(PAGE_WIDTH, max(6.0, 1.8 * n_columns)),
        share_x=True,
        share_y=True,
    )
    n_classes = len(predictions.class_names)
    places = np.arange(n_classes, dtype=np.float64)
    for ax, name in zip(axes.flat, targets, strict=False):
        t = predictions.target_names.index(name)
        ax.axhline(1 / n_classes, color="#8a8a8a", lw=0.8, ls=(0, (3, 2)))
        for k, evaluation in enumerate(evaluations):
            figures = evaluation.per_class["all"]
            colour = colours[evaluation.predictions.model]
            x = places + (k - (len(evaluations) - 1) / 2) * 0.22
            for figure_name, face in (("recall", colour), ("precision", "white")):
                ax.plot(x, figures[figure_name][t], ls="", marker="o", ms=5, mec=colour, mfc=face, mew=1.2)
        ax.set_title(shorten(name), loc="left", fontweight="bold", pad=3)
        ax.grid(axis="y", color="#e6e6e6", lw=0.6)
    for ax in axes.flat[len(targets) :]:
        ax.set_visible(False)
    axes[0, 0].set_ylim(-0.03, 1.03)
    axes[0, 0].set_xticks(places, [shorten(name, 10) for name in predictions.class_names])
    axes[0, 0].set_xlim(-0.6, n_classes - 0.4)
    label_axes(figure, x="Class", y="Precision, recall")
    figure.legend(handles=_handles(colours), loc="upper left", ncols=6)
    return figure


def draw_levels_over_time(evaluation: ClassEvaluation, targets: Sequence[str], k: int) -> Figure:
    """Draw measured and predicted levels of one run over time, one panel per target."""
    predictions = evaluation.predictions
    run = predictions.runs[k]
    times = (run.volume_samples - run.volume_samples[0]) / run.sfreq
    colour = model_colours([predictions.model])[predictions.model]
    figure, axes = make_panels(
        [0.8] * len(targets),
        1,
        margins=Margins(left=0.7, bottom=0.5, top=0.5, between_rows=0.3),
        share_x=True,
        share_y=True,
    )
    said = predictions.predicted(k)
    for ax, name in zip(axes[:, 0], targets, strict=True):
        t = predictions.target_names.index(name)
        for values, style in (
            (predictions.labels[k][:, t], {"color": "#1f1f1f", "lw": 1.0}),
            (said[:, t], {"color": colour, "lw": 0, "marker": "o", "ms": 2.5}),
        ):
            ax.plot(times, np.where(values >= 0, values, np.nan), **style)
        ax.set_title(shorten(name), loc="left", fontweight="bold", pad=2)
    axes[0, 0].set_ylim(-0.3, len(predictions.class_names) - 0.7)
    label_axes(figure, x="Time after the first volume (s)", y="Level")
    figure.legend(
        handles=[
            Line2D([], [], color="#1f1f1f", lw=1.0, label="measured"),
            Line2D(
                [], [], color=colour, ls="", marker="o", ms=3, label=f"{predictions.model} (from the EEG)"
            ),
        ],
        loc="upper left",
        ncols=2,
    )
    return figure


def _draw_matrix(ax: Axes, counts: Floats) -> None:
    """Draw a matrix of confusion, each row as shares."""
    support = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, support, out=np.zeros_like(counts), where=support > 0)
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="equal")
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    if len(counts) > _MOST_WRITTEN:
        return
    for (row, column), share in np.ndenumerate(shares):
        text = "n/a" if support[row] == 0 else f"{share:.2f}"[1:] if share < 0.995 else "1"
        ax.text(column, row, text, ha="center", va="center", color="white" if share > 0.55 else "#222222")


def _handles(colours: dict[str, str]) -> list[Line2D]:
    """Return the legend's entries."""
    models = [Line2D([], [], ls="", marker="o", ms=5, color=c, label=shorten(m)) for m, c in colours.items()]
    grey = "#444444"
    return [
        *models,
        Line2D([], [], ls="", marker="o", ms=5, color=grey, label="recall"),
        Line2D([], [], ls="", marker="o", ms=5, mec=grey, mfc="white", mew=1.2, label="precision"),
        Line2D([], [], color="#8a8a8a", lw=0.8, ls=(0, (3, 2)), label="1 / number of classes"),
    ]
