"""Panels placed by their size in inches: an automatic layout would draw every figure twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure
from numpy.typing import NDArray

#: Width of a figure that fills the page, inches.
PAGE_WIDTH = 11.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Margins:
    """Room around and between panels, inches."""

    left: float = 0.75
    right: float = 0.15
    bottom: float = 0.5
    top: float = 0.45
    between_columns: float = 0.35
    between_rows: float = 0.3


def make_panels(
    heights: Sequence[float],
    n_columns: int,
    *,
    margins: Margins,
    width: float = PAGE_WIDTH,
    share_x: bool = False,
    share_y: bool = False,
) -> tuple[Figure, NDArray[Any]]:
    """Return a figure and its axes, (n_rows, n_columns); ``heights`` are those of the rows, inches."""
    n_rows = len(heights)
    height = sum(heights) + (n_rows - 1) * margins.between_rows + margins.bottom + margins.top
    panel_width = (
        width - margins.left - margins.right - (n_columns - 1) * margins.between_columns
    ) / n_columns
    figure = Figure(figsize=(width, height))
    grid = figure.add_gridspec(
        n_rows,
        n_columns,
        left=margins.left / width,
        right=1 - margins.right / width,
        bottom=margins.bottom / height,
        top=1 - margins.top / height,
        wspace=margins.between_columns / panel_width,
        hspace=margins.between_rows / (sum(heights) / n_rows),
        height_ratios=list(heights),
    )
    return figure, grid.subplots(sharex=share_x, sharey=share_y, squeeze=False)


def label_axes(figure: Figure, *, x: str, y: str) -> None:
    """Write one label for all horizontal axes at the bottom, and one for all vertical axes at the left."""
    width, height = figure.get_size_inches()
    figure.text(0.5, 0.08 / height, x, ha="center", va="bottom")
    figure.text(0.08 / width, 0.5, y, ha="left", va="center", rotation="vertical")
