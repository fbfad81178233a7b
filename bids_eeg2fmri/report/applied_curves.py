"""Figure: what trained models predict of one EEG recording, region by region; there is nothing measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from bids_eeg2fmri.records import AppliedModel
from bids_eeg2fmri.report.curves import MOST_REGIONS, arrange_regions
from bids_eeg2fmri.report.layout import Margins, label_axes, make_panels
from bids_eeg2fmri.report.style import model_colours, shorten

#: The haemodynamic response is over by then: before, a prediction rests on part of its EEG, s.
SETTLING = 25.0
#: With more points the file of a figure would pass 500 kB.
_MOST_POINTS = 25_000
_GROUND = "#eeeeee"


def choose_applied_regions(applied: Sequence[AppliedModel]) -> tuple[str, ...]:
    """Return the regions to draw, in their own order: all, or those that the first model moves most."""
    first = applied[0]
    most = min(MOST_REGIONS, max(1, _MOST_POINTS // max(1, sum(len(item.times) for item in applied))))
    ranked = np.argsort(-first.values.std(axis=0), kind="stable")[:most]
    return tuple(first.region_names[k] for k in sorted(ranked))


def draw_applied(applied: Sequence[AppliedModel], regions: Sequence[str]) -> Figure:
    """Draw the chosen regions of one recording as all models predict them; all panels share one scale."""
    grid = arrange_regions(regions)
    figure, axes = make_panels(
        [0.78] * len(grid),
        max(len(row) for row in grid),
        margins=Margins(between_rows=0.26, between_columns=0.35, top=0.62),
        share_x=True,
        share_y=True,
    )
    colours = model_colours(item.model for item in applied)
    for row, names in zip(axes, grid, strict=True):
        for ax, name in zip(row, names, strict=False):
            ax.axvspan(0, SETTLING, color=_GROUND, lw=0, zorder=0)
            ax.axhline(0, color="#d0d0d0", lw=0.6, zorder=1)
            for item in applied:
                if name in item.region_names:
                    values = item.values[:, item.region_names.index(name)]
                    shown = np.where(item.weights > 0, values, np.nan)
                    ax.plot(item.times, shown, color=colours[item.model], lw=1.3, zorder=3)
            ax.locator_params(axis="y", nbins=3)
            ax.set_title(shorten(name), loc="left", fontweight="bold", y=1.0, pad=3)
        for ax in row[len(names) :]:
            ax.set_axis_off()
    for ax in axes[:-1].flat:
        ax.tick_params(axis="x", length=0)
    values = np.concatenate([np.abs(item.values[item.weights > 0]).ravel() for item in applied])
    # Everything fits, unless a few wild values would press all else flat.
    limit = 1.05 * min(float(values.max()), 2 * float(np.percentile(values, 99.5))) if values.any() else 1.0
    axes[0, 0].set_ylim(-limit, limit)
    axes[0, 0].set_xlim(0, max(float(item.times[-1]) for item in applied) + applied[0].tr)
    label_axes(figure, x="Time after the EEG's start (s)", y="Predicted BOLD (% signal change)")
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=colours[item.model], lw=1.6, label=f"{shorten(item.model)} (from the EEG)")
        for item in applied
    ]
    handles.append(Patch(color=_GROUND, label="little EEG before"))
    figure.legend(handles=handles, loc="upper left", ncols=min(len(handles), 7), handlelength=1.6)
    return figure
