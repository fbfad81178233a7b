"""Figure: is the prediction for a region about this region? Predicted against measured, region by region."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from bids_eeg2fmri.records import Evaluation
from bids_eeg2fmri.report.layout import Margins, label_axes, make_panels
from bids_eeg2fmri.report.style import shorten

_COLUMNS = 3
#: Names of more regions cannot be read.
_MOST_NAMES = 24


def draw_specificity(evaluations: Sequence[Evaluation]) -> Figure:
    """Draw one panel per model: r of the prediction for the region of the row with the BOLD of the column."""
    n_columns = min(_COLUMNS, len(evaluations))
    names = evaluations[0].region_names
    figure, axes = make_panels(
        [2.9] * -(-len(evaluations) // _COLUMNS),
        n_columns,
        margins=Margins(left=1.15, right=0.85, top=0.35, bottom=1.05, between_rows=0.4, between_columns=0.3),
        width=11.0 if n_columns > 1 else 5.5,
        share_x=True,
        share_y=True,
    )
    limit = max(0.1, *(float(np.nanmax(np.abs(e.specificity), initial=0.0)) for e in evaluations))
    colours = mpl.colormaps["RdBu_r"].with_extremes(bad="#dddddd")
    for ax, evaluation in zip(axes.flat, evaluations, strict=False):
        image = ax.imshow(evaluation.specificity, cmap=colours, vmin=-limit, vmax=limit, aspect="auto")
        ax.set_title(shorten(evaluation.model), loc="left", fontweight="bold")
        ax.tick_params(length=0)
        for spine in ax.spines.values():
            spine.set_visible(False)
        if len(names) <= _MOST_NAMES:
            ax.set_xticks(range(len(names)), [shorten(name, 14) for name in names], rotation=90)
            ax.set_yticks(range(len(names)), [shorten(name, 14) for name in names])
        else:
            ax.set_xticks([])
            ax.set_yticks([])
    for ax in axes.flat[len(evaluations) :]:
        ax.set_axis_off()
    width, height = figure.get_size_inches()
    bar = figure.add_axes((1 - 0.65 / width, 1.05 / height, 0.12 / width, 1 - 1.5 / height))
    figure.colorbar(image, cax=bar, label="r")
    label_axes(figure, x="Measured", y="Predicted")
    return figure
