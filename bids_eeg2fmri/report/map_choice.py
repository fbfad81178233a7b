"""Which spatial patterns a report shows: few enough to be read, arranged as a lab would want to see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bids_eeg2fmri.records import Explanation, Floats

#: A row of maps is no longer than this, and a figure of maps without an order of its own no taller.
MOST_COLUMNS = 8
MOST_ROWS = 5
#: Beside the mean over regions, the regions that are predicted best.
MOST_REGIONS = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MapGrid:
    """Maps in rows and columns.

    Attributes
    ----------
    row_names, titles : tuple of str
        One per row (may be empty), one per map in each row (empty where the row above says it).
    patterns : tuple of array, shape (n_maps, n_channels), one per row
    kernels : tuple of array, shape (n_taps,)
        Temporal kernel above each column, empty if there is none.
    note : str
        What was left out or averaged, in words.
    """

    row_names: tuple[str, ...]
    titles: tuple[tuple[str, ...], ...]
    patterns: tuple[Floats, ...]
    kernels: tuple[Floats, ...] = ()
    note: str = ""


def choose_maps(
    explanation: Explanation, region_names: Sequence[str], best_regions: Sequence[str]
) -> MapGrid:
    """Choose and arrange the patterns of one model.

    Filters named after a region ("M1_L alpha"): bands from left to right; the mean over regions above the
    regions predicted best. Filters behind temporal kernels: one column per kernel. Others: all in a grid.

    Parameters
    ----------
    region_names : sequence of str
    best_regions : sequence of str
        The regions from the best predicted to the worst.
    """
    by_region = _split_by_region(explanation, region_names)
    if by_region:
        return _grid_of_regions(explanation, by_region, best_regions)
    if explanation.filters.kernels is not None:
        return _grid_of_kernels(explanation, explanation.filters.kernels)
    return _plain_grid(explanation)


def _split_by_region(explanation: Explanation, region_names: Sequence[str]) -> dict[str, dict[str, int]]:
    """Return region to rest of the name to filter, empty if not all names begin with a region's."""
    by_region: dict[str, dict[str, int]] = {}
    longest_first = sorted(region_names, key=len, reverse=True)
    for k, name in enumerate(explanation.filters.names):
        region = next((r for r in longest_first if name == r or name.startswith(f"{r} ")), None)
        if region is None:
            return {}
        by_region.setdefault(region, {})[name[len(region) + 1 :]] = k
    same = len({tuple(filters) for filters in by_region.values()}) == 1
    return by_region if same else {}


def _grid_of_regions(
    explanation: Explanation, by_region: dict[str, dict[str, int]], best_regions: Sequence[str]
) -> MapGrid:
    """Arrange bands in columns, the mean over regions and the best regions in rows."""
    ranked = [r for r in best_regions if r in by_region] or list(by_region)
    chosen = ranked[:MOST_REGIONS]
    rows = {region: explanation.patterns[list(by_region[region].values())] for region in chosen}
    note = ""
    if len(by_region) > 1:
        every = [explanation.patterns[list(filters.values())] for filters in by_region.values()]
        rows = {f"mean of {len(by_region)}": np.mean(every, axis=0), **rows}
        note = (
            "The first row is the mean over all regions of their patterns (each scaled by itself), "
            "below it the regions that this model predicts best."
        )
    bands = explanation.filters.bands
    columns = list(next(iter(by_region.values())).items())[:MOST_COLUMNS]
    titles = tuple(f"{rest}\n{_say_band(bands[k])}".strip() for rest, k in columns)
    return MapGrid(
        row_names=tuple(rows),
        titles=(titles, *((("",) * len(titles),) * (len(rows) - 1))),
        patterns=tuple(patterns[: len(columns)] for patterns in rows.values()),
        note=note,
    )


def _grid_of_kernels(explanation: Explanation, kernels: Floats) -> MapGrid:
    """Arrange the filters that share a temporal kernel in a column below it."""
    columns: list[list[int]] = []
    for k in range(len(kernels)):
        column = next((c for c in columns if np.array_equal(kernels[c[0]], kernels[k])), None)
        if column is None:
            columns.append([k])
        else:
            column.append(k)
    shown = columns[:MOST_COLUMNS]
    depth = min(max(len(column) for column in shown), MOST_ROWS)
    rows = [[column[row] for column in shown if row < len(column)] for row in range(depth)]
    left_out = len(kernels) - sum(len(row) for row in rows)
    names = explanation.filters.names
    return MapGrid(
        row_names=("",) * depth,
        titles=tuple(tuple(names[k] for k in row) for row in rows),
        patterns=tuple(explanation.patterns[row] for row in rows),
        kernels=tuple(kernels[column[0]] for column in shown),
        note=_say_left_out(left_out),
    )


def _plain_grid(explanation: Explanation) -> MapGrid:
    """Arrange all filters in their own order."""
    filters = explanation.filters
    shown = range(min(len(filters.names), MOST_COLUMNS * MOST_ROWS))
    rows = [list(shown[k : k + MOST_COLUMNS]) for k in range(0, len(shown), MOST_COLUMNS)]
    return MapGrid(
        row_names=("",) * len(rows),
        titles=tuple(
            tuple(f"{filters.names[k]}\n{_say_band(filters.bands[k])}" for k in row) for row in rows
        ),
        patterns=tuple(explanation.patterns[row] for row in rows),
        note=_say_left_out(len(filters.names) - len(shown)),
    )


def _say_band(band: Floats) -> str:
    """Return a band in words: from edge to edge, Hz."""
    return f"{band[0]:g}\N{EN DASH}{band[1]:g} Hz"


def _say_left_out(count: int) -> str:
    """Say how many filters are not shown."""
    return f"{count} more filters are not shown." if count else ""
