"""Figure: measured BOLD with what each model predicted, region by region over one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.offsetbox import AnchoredOffsetbox, HPacker, TextArea
from matplotlib.patches import Patch

from bids_eeg2fmri.records import AlignedRun, Floats, TaskEvent
from bids_eeg2fmri.report.layout import Margins, label_axes, make_panels
from bids_eeg2fmri.report.style import CONDITION_COLOURS, MEASURED_COLOUR, TASK_MODEL, model_colours, shorten
from bids_eeg2fmri.report.wording import format_r

#: Conditions of rest are the white ground that the others stand out from.
_REST = {"rest", "baseline", "fixation", "iti", "isi"}
#: More panels than this cannot be read on one page.
MOST_REGIONS = 12
#: With more points the file of a figure would pass 500 kB.
_MOST_POINTS = 25_000
#: Volumes that can be told apart in half the width of a page.
_MOST_HALF_WIDTH = 300


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve:
    """What one model predicted of one run, with its r of each region.

    ``values`` is (n_volumes, n_regions) percent signal change, NaN where no fold tested.
    """

    model: str
    values: Floats
    r: Mapping[str, float]


def draw_curves(run: AlignedRun, curves: Sequence[Curve], regions: Sequence[str]) -> Figure:
    """Draw the chosen regions of a run, those of the left and right side by side.

    All panels share one scale; the few measured values beyond it are cut off at the edge.
    """
    grid = arrange_regions(regions) if run.n_volumes <= _MOST_HALF_WIDTH else [[name] for name in regions]
    figure, axes = make_panels(
        [0.78] * len(grid),
        max(len(row) for row in grid),
        margins=Margins(between_rows=0.26, between_columns=0.35, top=0.62),
        share_x=True,
        share_y=True,
    )
    times = np.arange(run.n_volumes, dtype=np.float64) * run.tr
    onset = float(run.volume_samples[0]) / run.sfreq
    colours = model_colours(curve.model for curve in curves)
    conditions = _conditions(run.events)
    for row, names in zip(axes, grid, strict=True):
        for ax, name in zip(row, names, strict=False):
            k = run.region_names.index(name)
            _shade_events(ax, run.events, conditions, onset=onset)
            _draw_region(ax, run, times, k, curves=curves, colours=colours)
            _write_title(ax, name, curves, colours)
        for ax in row[len(names) :]:
            ax.set_axis_off()
    for ax in axes[:-1].flat:
        ax.tick_params(axis="x", length=0)
    top = axes[0, 0]
    top.set_xlim(0, max(times[-1] + run.tr, run.tr))
    limit = _scale(run, regions)
    top.set_ylim(-limit, limit)
    label_axes(figure, x="Time after the first volume (s)", y="BOLD (% signal change)")
    handles = _legend_handles(run, curves, conditions, colours)
    figure.legend(handles=handles, loc="upper left", ncols=min(len(handles), 7), handlelength=1.6)
    return figure


def arrange_regions(regions: Sequence[str]) -> list[list[str]]:
    """Arrange regions in rows: left beside right where names end in ``_L`` and ``_R``, else one or two."""
    bases = list(dict.fromkeys(name[:-2] for name in regions if name.endswith(("_L", "_R"))))
    pairs = [[f"{base}_L", f"{base}_R"] for base in bases]
    if len(bases) > 1 and sorted(name for pair in pairs for name in pair) == sorted(regions):
        return pairs
    if len(regions) <= 6:
        return [[name] for name in regions]
    return [list(regions[k : k + 2]) for k in range(0, len(regions), 2)]


def choose_regions(run: AlignedRun, ranked: Sequence[str], *, n_curves: int) -> tuple[str, ...]:
    """Return the regions to draw, in their own order: all, or the first of ``ranked`` if too many.

    ``n_curves`` is the number of predicted curves beside the measured one.
    """
    most = min(MOST_REGIONS, max(1, _MOST_POINTS // (run.n_volumes * (n_curves + 1))))
    if len(run.region_names) <= most:
        return run.region_names
    chosen = set(ranked[:most])
    return tuple(name for name in run.region_names if name in chosen)


def _conditions(events: Sequence[TaskEvent]) -> dict[str, str]:
    """Return the ground of each condition but rest, in alphabetical order."""
    names = sorted({event.condition for event in events if event.condition.lower() not in _REST})
    return {name: CONDITION_COLOURS[k % len(CONDITION_COLOURS)] for k, name in enumerate(names)}


def _shade_events(
    ax: Axes, events: Sequence[TaskEvent], conditions: Mapping[str, str], *, onset: float
) -> None:
    """Shade the blocks of the task; ``onset`` is the time of the first volume on the EEG's clock, s."""
    for event in events:
        if event.condition in conditions:
            start = event.onset - onset
            ax.axvspan(start, start + event.duration, color=conditions[event.condition], lw=0, zorder=0)


def _draw_region(
    ax: Axes,
    run: AlignedRun,
    times: Floats,
    k: int,
    *,
    curves: Sequence[Curve],
    colours: Mapping[str, str],
) -> None:
    """Draw the measured and predicted curves of region ``k``; volumes without weight are gaps."""
    measured = np.where(run.weights > 0, run.bold[:, k], np.nan)
    ax.axhline(0, color="#d0d0d0", lw=0.6, zorder=1)
    ax.plot(times, measured, color=MEASURED_COLOUR, lw=0.8, alpha=0.65, zorder=2)
    for curve in curves:
        is_task = curve.model == TASK_MODEL
        ax.plot(
            times,
            curve.values[:, k],
            color=colours[curve.model],
            lw=1.1 if is_task else 1.5,
            ls=(0, (3, 1.5)) if is_task else "-",
            zorder=3 if is_task else 4,
        )
    ax.locator_params(axis="y", nbins=3)


def _write_title(ax: Axes, name: str, curves: Sequence[Curve], colours: Mapping[str, str]) -> None:
    """Write the region's name above a panel, and each model's r in its colour at the right."""
    ax.set_title(shorten(name), loc="left", fontweight="bold", y=1.0, pad=3)
    parts: list[Artist] = [
        TextArea(
            f"{shorten(curve.model, 12)} {format_r(curve.r[name])}",
            textprops={"color": colours[curve.model], "fontsize": 8},
        )
        for curve in curves
        if name in curve.r
    ]
    if parts:
        parts.insert(0, TextArea("r:", textprops={"fontsize": 8}))
        box = HPacker(children=parts, pad=0, sep=6)
        ax.add_artist(
            AnchoredOffsetbox(
                "lower right",
                child=box,
                pad=0.0,
                borderpad=0.25,
                frameon=False,
                bbox_to_anchor=(1, 1),
                bbox_transform=ax.transAxes,
            )
        )


def _scale(run: AlignedRun, regions: Sequence[str]) -> float:
    """Return the limit of the vertical axis: 99.5 % of the measured values lie within."""
    columns = [run.region_names.index(name) for name in regions]
    values = np.abs(run.bold[run.weights > 0][:, columns])
    values = values[np.isfinite(values)]
    return float(np.percentile(values, 99.5)) * 1.1 if values.any() else 1.0


def _legend_handles(
    run: AlignedRun, curves: Sequence[Curve], conditions: Mapping[str, str], colours: Mapping[str, str]
) -> list[Line2D | Patch]:
    """Return the legend's entries: measured, models, the task baseline, conditions."""
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=MEASURED_COLOUR, alpha=0.65, lw=0.9, label="measured")
    ]
    for curve in curves:
        is_task = curve.model == TASK_MODEL
        label = "task design alone" if is_task else f"{shorten(curve.model)} (from the EEG)"
        line = Line2D([], [], color=colours[curve.model], lw=1.6, label=label)
        line.set_linestyle((0, (3, 1.5)) if is_task else "-")
        handles.append(line)
    shaded = {event.condition for event in run.events}
    handles += [Patch(color=c, label=shorten(name)) for name, c in conditions.items() if name in shaded][:6]
    return handles
