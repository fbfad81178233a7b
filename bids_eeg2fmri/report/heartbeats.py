"""Figure: what of the EEG is locked to the heartbeat, before and after its correction."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from bids_eeg2fmri.records import Floats
from bids_eeg2fmri.report.layout import Margins, label_axes, make_panels
from bids_eeg2fmri.report.style import shorten

#: Panels side by side.
_MOST_COLUMNS = 4
BEFORE_COLOUR, AFTER_COLOUR = "#b0a090", "#0072B2"


def draw_locked(locked: Sequence[Floats], labels: Sequence[str]) -> Figure:
    """Draw, per run, the amplitude locked to the heartbeat over the lag from it.

    Parameters
    ----------
    locked : sequence of array, shape (3, n_lags)
        Lag (s), root mean square over channels before and after the correction (µV).
    """
    n_columns = min(len(locked), _MOST_COLUMNS)
    n_rows = -(-len(locked) // n_columns)
    figure, axes = make_panels(
        [1.3] * n_rows, n_columns, margins=Margins(left=0.95, top=0.3, between_rows=0.5), share_y=True
    )
    for ax, (lags, before, after), label in zip(axes.flat, locked, labels, strict=False):
        ax.axvline(0, color="#d0d0d0", lw=0.7)
        ax.plot(lags, before, color=BEFORE_COLOUR, lw=1.4, label="before")
        ax.plot(lags, after, color=AFTER_COLOUR, lw=1.4, label="after")
        ax.set_title(shorten(label, 40), loc="left", fontweight="bold", y=1.0)
        ax.set_ylim(bottom=0)
        ax.margins(x=0)
    axes.flat[0].legend(loc="upper right", handlelength=1.2)
    for ax in axes.flat[len(locked) :]:
        ax.set_axis_off()
    label_axes(figure, x="Time from the heartbeat (s)", y="Locked amplitude\n(µV)")
    return figure
