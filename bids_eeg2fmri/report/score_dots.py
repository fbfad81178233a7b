"""Figure: r of every region and model, with the spread over runs or participants behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from bids_eeg2fmri.records import Floats
from bids_eeg2fmri.report.layout import Margins, make_panels
from bids_eeg2fmri.report.style import model_colours, model_markers, name_model, shorten

#: Largest height of one model's line within the row of a region, and what all lines may take, in rows.
_STEP = 0.22
_FILLED = 0.86
#: Entries of the legend that fit side by side.
_LEGEND_COLUMNS = 7


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DotRow:
    """Scores of one model in all regions.

    Attributes
    ----------
    centre : array, shape (n_regions,)
        Over all runs, or the mean over participants.
    dots : array, shape (n_dots, n_regions)
        Each run or participant.
    is_significant : array of bool, shape (n_regions,)
        Filled where True, else hollow.
    """

    model: str
    centre: Floats
    dots: Floats
    is_significant: NDArray[np.bool_]


def draw_score_dots(
    regions: Sequence[str], panels: Mapping[str, Sequence[DotRow]], *, dot_name: str, significance: str
) -> Figure:
    """Draw one panel per score (``panels``: axis label to rows), regions from top to bottom.

    ``dot_name`` says what a small dot is ("one run"), ``significance`` what a filled one means ("p < .05").
    """
    models = list(dict.fromkeys(row.model for rows in panels.values() for row in rows))
    colours = model_colours(models)
    step = min(_STEP, _FILLED / max(len(models), 1))
    n_lines = -(-(len(models) + 3) // _LEGEND_COLUMNS)
    figure, axes = make_panels(
        [(0.13 * len(models) + 0.1) * len(regions)],
        len(panels),
        margins=Margins(left=0.95, between_columns=0.3, top=0.22 + 0.2 * n_lines),
        share_x=True,
        share_y=True,
    )
    for ax, (label, rows) in zip(axes[0], panels.items(), strict=True):
        for row in rows:
            lane = (models.index(row.model) - (len(models) - 1) / 2) * step
            _draw_row(ax, row, lane=lane, colour=colours[row.model])
        ax.axvline(0, color="#555555", lw=0.8, zorder=1)
        ax.set_xlabel(label)
        ax.grid(axis="x", color="#e6e6e6", lw=0.6)
        ax.set_axisbelow(True)
        ax.tick_params(axis="y", length=0)
        for k in range(len(regions)):
            if k % 2 == 0:
                ax.axhspan(k - 0.5, k + 0.5, color="#f6f6f6", lw=0, zorder=0)
    axes[0, 0].set_yticks(range(len(regions)), [shorten(name) for name in regions])
    axes[0, 0].set_ylim(len(regions) - 0.5, -0.5)
    handles = _legend_handles(models, colours, dot_name=dot_name, significance=significance)
    n_columns = min(len(handles), _LEGEND_COLUMNS)
    # A legend fills its columns one after the other; it is read line by line.
    by_line = [handle for column in range(n_columns) for handle in handles[column::n_columns]]
    figure.legend(handles=by_line, loc="upper left", ncols=n_columns)
    return figure


def _draw_row(ax: Axes, row: DotRow, *, lane: float, colour: str) -> None:
    """Draw one model's dots at a small vertical distance from the middle of each region's row."""
    y = np.arange(len(row.centre)) + lane
    marker = model_markers([row.model])[row.model]
    for dots in row.dots:
        ax.plot(dots, y, ls="", marker="|", ms=6, mew=1.1, color=colour, alpha=0.7, zorder=2)
    filled = row.is_significant
    for chosen, face in ((filled, colour), (~filled, "white")):
        ax.plot(
            row.centre[chosen], y[chosen], ls="", marker=marker, ms=6, mew=1.3, mec=colour, mfc=face, zorder=3
        )


def _legend_handles(
    models: Sequence[str], colours: Mapping[str, str], *, dot_name: str, significance: str
) -> list[Line2D]:
    """Return the legend's entries: one per model, then what the marks mean."""
    markers = model_markers(models)
    handles = [
        Line2D([], [], ls="", marker=markers[model], ms=6, color=colours[model], label=name_model(model))
        for model in models
    ]
    grey = "#444444"
    return [
        *handles,
        Line2D([], [], ls="", marker="|", ms=6, mew=1.2, color=grey, label=dot_name),
        Line2D([], [], ls="", marker="o", ms=6, color=grey, label=significance),
        Line2D([], [], ls="", marker="o", ms=6, mec=grey, mfc="white", mew=1.3, label="otherwise"),
    ]
