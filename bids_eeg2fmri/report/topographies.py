"""Figure: spatial patterns of a model over the scalp, seen from above."""

from __future__ import annotations

import mne
import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bids_eeg2fmri.records import Explanation, Floats
from bids_eeg2fmri.report.layout import Margins, make_panels
from bids_eeg2fmri.report.map_choice import MapGrid
from bids_eeg2fmri.report.style import shorten

#: Fewer points than this span no surface.
_FEWEST_POSITIONS = 4
#: Two electrodes closer than this (m) are one place: a surface cannot have two values there.
_SAME_PLACE = 1e-4
_COLOURS = "RdBu_r"
#: So few shades are seen as the lines of a map are, and need a tenth of the file.
_N_SHADES = 17
#: Width and height of a map, inches.
_MAP_SIZE = 1.2
_HIGHEST_FREQUENCY = 45.0


def find_positions(explanation: Explanation) -> tuple[NDArray[np.intp], str]:
    """Return the channels that can be drawn, and why none can (or an empty text).

    Channels without a position are left out, as is the second of two at the same place.
    """
    positions = explanation.positions
    known = np.flatnonzero(np.isfinite(positions).all(axis=1))
    kept: list[int] = []
    for k in known:
        if all(np.linalg.norm(positions[k] - positions[j]) > _SAME_PLACE for j in kept):
            kept.append(int(k))
    channels = np.array(kept, dtype=np.intp)
    if len(kept) < _FEWEST_POSITIONS:
        n_all = len(explanation.channel_names)
        return channels[:0], (
            f"The patterns of {explanation.model} cannot be drawn: positions are known for {len(kept)} of "
            f"{n_all} electrodes, at least {_FEWEST_POSITIONS} are needed. They are read from electrodes.tsv "
            "or from standard channel names."
        )
    around = positions[channels, :2] - positions[channels, :2].mean(axis=0)
    if np.linalg.matrix_rank(around, tol=_SAME_PLACE) < 2:
        return channels[:0], (
            f"The patterns of {explanation.model} cannot be drawn: all known electrodes lie on one line."
        )
    return channels, ""


def draw_topographies(explanation: Explanation, grid: MapGrid, channels: NDArray[np.intp]) -> Figure:
    """Draw a grid of maps, with the spectra of the temporal kernels above them where there are any.

    Parameters
    ----------
    channels : array of int, shape (n_drawn,)
        The channels with a position, from :func:`find_positions`.
    """
    # Room for at least four maps, or a lone one would fill the page.
    n_columns = max(4, *(len(row) for row in grid.titles))
    has_kernels = bool(grid.kernels)
    margins = Margins(
        left=0.95, right=1.0, bottom=0.1, top=0.3, between_columns=0.12, between_rows=_gap(grid)
    )
    figure, axes = make_panels(
        [0.5] * has_kernels + [_MAP_SIZE] * len(grid.titles),
        n_columns,
        margins=margins,
        width=margins.left + margins.right + n_columns * (_MAP_SIZE + margins.between_columns),
    )
    if has_kernels:
        _draw_spectra(axes[0], grid.kernels, explanation.filters.kernel_sfreq)
    info = _make_info(explanation, channels)
    cmap = colormaps[_COLOURS].resampled(_N_SHADES)
    sphere = _fit_sphere(explanation.positions[channels])
    for row, patterns, titles, name in zip(
        axes[int(has_kernels) :], grid.patterns, grid.titles, grid.row_names, strict=True
    ):
        for ax, pattern, title in zip(row, patterns, titles, strict=False):
            mne.viz.plot_topomap(
                pattern[channels],
                info,
                axes=ax,
                show=False,
                cmap=cmap,
                vlim=(-1, 1),
                contours=0,
                sphere=sphere,
                sensors="k.",
            )
            _make_lighter(ax)
            _write_title(ax, title)
        for ax in row[len(titles) :]:
            ax.set_axis_off()
        if name:
            row[0].text(
                -0.12,
                0.5,
                shorten(name, 14),
                transform=row[0].transAxes,
                ha="right",
                va="center",
                weight="bold",
            )
    _draw_scale(figure, _say_scale(explanation), cmap)
    return figure


def _gap(grid: MapGrid) -> float:
    """Return the room between rows that the titles of the lower rows need, inches."""
    below = [title for row in grid.titles[not grid.kernels :] for title in row]
    return 0.12 + 0.12 * max(
        (len(title.split("\n")) + bool(grid.kernels) for title in below if title), default=0
    )


def _make_lighter(ax: Axes) -> None:
    """Make the file of a drawn map small and its electrodes less prominent than the map."""
    for image in ax.images:
        # Shades first, pixels after: few colours, which compress.
        image.set_interpolation_stage("data")
    for line in ax.lines:
        if line.get_marker() == ".":
            line.set_markersize(2.5)


def _write_title(ax: Axes, title: str) -> None:
    """Write the lines of a map's title above it."""
    lines = "\n".join(shorten(line, 20) for line in title.split("\n"))
    ax.set_title(lines, fontsize=8, y=1.0, pad=2)


def _draw_scale(figure: Figure, label: str, cmap: Colormap) -> None:
    """Draw the colour bar at the right, of one size in every figure."""
    width, height = figure.get_size_inches()
    ax = figure.add_axes((1 - 0.75 / width, 0.5 - 0.75 / height, 0.12 / width, 1.5 / height))
    bar = figure.colorbar(ScalarMappable(Normalize(-1, 1), cmap), cax=ax, ticks=[-1, 0, 1])
    bar.outline.set_visible(False)
    bar.set_label(label, fontsize=8)


def _say_scale(explanation: Explanation) -> str:
    """Return the label of the colour bar."""
    if explanation.filters.domain == "power":
        return "pattern (red: more power, more BOLD)"
    return "pattern (polarity is arbitrary)"


def _draw_spectra(row: NDArray[np.object_], kernels: tuple[Floats, ...], sfreq: float) -> None:
    """Draw the amplitude spectrum of each temporal kernel, scaled to 1."""
    for k, (ax, kernel) in enumerate(zip(row, kernels, strict=False)):
        n_fft = max(len(kernel), round(4 * sfreq))
        frequencies = np.fft.rfftfreq(n_fft, 1 / sfreq)
        spectrum = np.abs(np.fft.rfft(kernel, n_fft))
        shown = frequencies <= min(_HIGHEST_FREQUENCY, sfreq / 2)
        peak = spectrum.max()
        ax.fill_between(frequencies[shown], spectrum[shown] / (peak or 1.0), color="#8da9bf", lw=0)
        ax.set_ylim(0, 1.05)
        ax.set_xticks(np.arange(0, frequencies[shown][-1], 10))
        ax.set_xlim(0, frequencies[shown][-1])
        ax.set_yticks([])
        _style_spectrum(ax, k)
    for ax in row[len(kernels) :]:
        ax.set_axis_off()


def _style_spectrum(ax: Axes, k: int) -> None:
    """Label a small spectrum; the first says what the axes are."""
    ax.tick_params(labelsize=7, length=2, pad=1)
    ax.set_title(f"kernel {k + 1}", fontsize=8, y=1.0, pad=2)
    ax.set_xlabel("Hz", fontsize=7, labelpad=0)
    if k == 0:
        ax.set_ylabel("gain", fontsize=8)


def _make_info(explanation: Explanation, channels: NDArray[np.intp]) -> mne.Info:
    """Return the description of the drawn channels as MNE wants it."""
    # Channel names are not drawn; numbers cannot clash with anything MNE knows.
    names = [f"E{k}" for k in channels]
    info = mne.create_info(names, explanation.sfreq, "eeg", verbose="error")
    places = dict(zip(names, explanation.positions[channels], strict=True))
    info.set_montage(mne.channels.make_dig_montage(places, coord_frame="head"), verbose="error")
    return info


def _fit_sphere(positions: Floats) -> tuple[float, float, float, float]:
    """Return centre and radius (m) of the sphere nearest to the electrodes, or a usual head's.

    The drawn outline of the head is this sphere's, so that the maps fill it whatever the size of the head.
    """
    usual = (0.0, 0.0, 0.0, 0.095)
    if len(positions) < 8:
        return usual
    matrix = np.column_stack([2 * positions, np.ones(len(positions))])
    x, y, z, rest = np.linalg.lstsq(matrix, np.sum(positions**2, axis=1), rcond=None)[0]
    radius = float(np.sqrt(max(rest + x**2 + y**2 + z**2, 0.0)))
    is_head = 0.05 < radius < 0.15 and np.linalg.norm([x, y, z]) < 0.06
    return (float(x), float(y), float(z), radius) if is_head else usual
