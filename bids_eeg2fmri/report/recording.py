"""Figures: how regular the volumes came, and what is left in the cleaned EEG."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from scipy.signal import welch

from bids_eeg2fmri.records import AlignedRun, Floats, VolumeClock
from bids_eeg2fmri.report.layout import Margins, label_axes, make_panels
from bids_eeg2fmri.report.style import MEASURED_COLOUR, shorten

#: Panels side by side.
_MOST_COLUMNS = 4
#: Resolution of the spectra, s of data per window: 0.25 Hz.
_WINDOW = 4.0
_HIGHEST_FREQUENCY = 45.0
#: A lone late marker may be far off: no scale is finer than this, ms.
_FINEST_SCALE = 1.0


def draw_clocks(clocks: Sequence[VolumeClock], labels: Sequence[str]) -> Figure:
    """Draw, per run, how far each volume's onset lies from a regular grid, ms."""
    n_columns = min(len(clocks), _MOST_COLUMNS)
    n_rows = -(-len(clocks) // n_columns)
    figure, axes = make_panels(
        [1.1] * n_rows, n_columns, margins=Margins(left=0.95, top=0.3, between_rows=0.5), share_y=True
    )
    residuals = [_residuals(clock) for clock in clocks]
    limit = max(_FINEST_SCALE, *(1.1 * float(np.abs(r).max(initial=0.0)) for r in residuals))
    for ax, residual, label in zip(axes.flat, residuals, labels, strict=False):
        ax.axhline(0, color="#b0b0b0", lw=0.7)
        ax.plot(np.arange(1, len(residual) + 1), residual, ".", ms=3.5, color=MEASURED_COLOUR, mew=0)
        ax.set_title(shorten(label, 40), loc="left", fontweight="bold", y=1.0)
        ax.set_ylim(-limit, limit)
    for ax in axes.flat[len(clocks) :]:
        ax.set_axis_off()
    label_axes(figure, x="Volume", y="Distance from a\nregular grid (ms)")
    return figure


def _residuals(clock: VolumeClock) -> np.ndarray:
    """Return the distance of each onset from the straight line through all, (n_volumes,) ms."""
    volumes = np.arange(len(clock.onsets), dtype=np.float64)
    if len(volumes) < 3:
        return np.zeros(len(volumes))
    line = np.polynomial.Polynomial.fit(volumes, clock.onsets, 1)
    return np.asarray((clock.onsets - line(volumes)) * 1000)


def measure_spectrum(run: AlignedRun) -> Floats:
    """Return the power spectrum of the cleaned EEG, (2, n_frequencies): Hz; median over channels, µV²/Hz."""
    n_window = min(round(_WINDOW * run.sfreq), run.eeg.shape[1])
    frequencies, power = welch(run.eeg.astype(np.float64), run.sfreq, nperseg=n_window, axis=1)
    return np.stack([frequencies, np.median(power, axis=0)])


def draw_spectra(
    runs: Sequence[AlignedRun],
    labels: Sequence[str],
    spectra: Sequence[Floats | None] = (),
    measured: Sequence[Floats | None] = (),
) -> Figure:
    """Draw the power spectrum of the cleaned EEG of each run, the median over channels, dB.

    Parameters
    ----------
    spectra : sequence of array, shape (3, n_frequencies), or None
        Where given, the second row is drawn too, dotted: the power before pulse artefact, components and
        bursts were taken out.
    measured : sequence of array, shape (2, n_frequencies), or None
        Where given, taken in the place of the runs' own EEG.
    """
    figure, axes = make_panels([2.4], 1, margins=Margins(right=2.2, top=0.15))
    ax = axes[0, 0]
    for low, high, name in ((8, 12, "alpha"), (12, 30, "beta")):
        ax.axvspan(low, high, color="#f0f4f8" if name == "alpha" else "#f8f6f0", lw=0, zorder=0)
        ax.text(
            (low + high) / 2,
            0.98,
            name,
            transform=ax.get_xaxis_transform(),
            ha="center",
            va="top",
            fontsize=8,
        )
    colours = colormaps["viridis"](np.linspace(0.05, 0.8, len(runs)))
    for spectrum, colour in zip(spectra, colours, strict=False):
        if spectrum is not None:
            shown = (spectrum[0] >= 1) & (spectrum[0] <= _HIGHEST_FREQUENCY)
            before = np.maximum(spectrum[1][shown], np.finfo(np.float64).tiny)
            ax.plot(spectrum[0][shown], 10 * np.log10(before), ":", color=colour, lw=1.2)
    own = measured or [None] * len(runs)
    for run, label, colour, known in zip(runs, labels, colours, own, strict=True):
        frequencies, power = known if known is not None else measure_spectrum(run)
        shown = (frequencies >= 1) & (frequencies <= min(_HIGHEST_FREQUENCY, run.sfreq / 2))
        middle = np.maximum(power, np.finfo(np.float64).tiny)
        ax.plot(
            frequencies[shown], 10 * np.log10(middle[shown]), color=colour, lw=1.2, label=shorten(label, 40)
        )
    ax.set_xlabel("Frequency (Hz)")
    ax.set_ylabel("Power (dB re 1 µV²/Hz)")
    ax.set_xlim(0, _HIGHEST_FREQUENCY)
    ax.margins(y=0.12)
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0)
    return figure
