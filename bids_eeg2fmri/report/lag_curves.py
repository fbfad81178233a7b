"""Figure: is the prediction on time? r over delays, what chance gives, and the acausal side as control."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from bids_eeg2fmri.records import Evaluation, Floats
from bids_eeg2fmri.report.layout import Margins, label_axes, make_panels
from bids_eeg2fmri.report.style import model_colours, shorten

_COLUMNS = 3
_BAND_COLOUR = "#d9d9d9"
_CONTROL_COLOUR = "#f4ead9"
#: More thin lines than this are a cloud.
_MOST_REGIONS = 24


def draw_lags(evaluations: Sequence[Evaluation]) -> Figure:
    """Draw one panel per model: the mean over regions, thick, with its band, and each region, thin."""
    n_rows = -(-len(evaluations) // _COLUMNS)
    figure, axes = make_panels(
        [1.9] * n_rows,
        min(_COLUMNS, len(evaluations)),
        margins=Margins(top=0.6, between_rows=0.4, left=0.8),
        share_x=True,
        share_y=True,
    )
    colours = model_colours(evaluation.model for evaluation in evaluations)
    for ax, evaluation in zip(axes.flat, evaluations, strict=False):
        _draw_model(ax, evaluation, colour=colours[evaluation.model])
    for ax in axes.flat[len(evaluations) :]:
        ax.set_axis_off()
    label_axes(figure, x="Measured BOLD this much later than the predicted (s)", y="r over runs")
    figure.legend(handles=_legend_handles(), loc="upper left", ncols=4)
    return figure


def mean_curve(evaluation: Evaluation) -> Floats:
    """Return the mean over regions (of Fisher z) as correlations, (n_lags,); NaN where nothing is known."""
    z = np.arctanh(np.clip(evaluation.lags.r, -0.999999, 0.999999))
    known = np.isfinite(z).all(axis=0)
    if not known.any():
        return np.full(len(z), np.nan)
    curve: Floats = np.tanh(z[:, known].mean(axis=1))
    return curve


def _draw_model(ax: Axes, evaluation: Evaluation, *, colour: str) -> None:
    """Draw the curves of one model."""
    lags, high = evaluation.lags.lags, evaluation.lags.mean_null_high
    ax.axvspan(lags[0], 0, color=_CONTROL_COLOUR, lw=0, zorder=0)
    if np.isfinite(high):
        ax.axhspan(-high, high, color=_BAND_COLOUR, alpha=0.75, lw=0, zorder=1)
    ax.axhline(0, color="#8a8a8a", lw=0.6, zorder=2)
    ax.axvline(0, color="#8a8a8a", lw=0.6, zorder=2)
    for curve in evaluation.lags.r.T[:_MOST_REGIONS]:
        ax.plot(lags, curve, color=colour, lw=0.6, alpha=0.35, zorder=3)
    ax.plot(lags, mean_curve(evaluation), color=colour, lw=2.2, zorder=4)
    ax.set_xlim(lags[0], lags[-1])
    ax.set_title(shorten(evaluation.model), loc="left", fontweight="bold")


def _legend_handles() -> list[Line2D | Patch]:
    """Return the legend's entries."""
    grey = "#444444"
    return [
        Line2D([], [], color=grey, lw=2.2, label="mean over regions"),
        Line2D([], [], color=grey, lw=0.6, alpha=0.6, label="one region"),
        Patch(color=_BAND_COLOUR, label="95 % of shifted predictions (mean over regions)"),
        Patch(color=_CONTROL_COLOUR, label="control side: BOLD before the EEG could drive it"),
    ]
