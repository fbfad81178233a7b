"""How figures look: colours, sizes, and SVG files whose bytes depend on their content alone."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from bids_eeg2fmri.evaluation.baselines import BASELINE_NAMES, TaskDesign
from bids_eeg2fmri.formats.atomic import write_text
from bids_eeg2fmri.records import Entities
from bids_eeg2fmri.registry import model_names

#: The task baseline is no model of the EEG: grey, dashed.
TASK_MODEL = TaskDesign.name
TASK_COLOUR = "#6b6b6b"
MEASURED_COLOUR = "#1f1f1f"
#: Okabe and Ito's colours that tell apart for every kind of colour vision, on white.
_MODEL_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
#: Pale grounds for the blocks of up to four conditions.
CONDITION_COLOURS = ("#faebcd", "#dcecf7", "#e4f2df", "#f1e4f1")
#: Digits after the point of coordinates in a figure (1/72 inch) beyond what can be seen.
_DIGITS = re.compile(r"(\.\d)\d+")
_PATH_DATA = re.compile(r' d="[^"]*"')

#: Resolution of what is pixels within a figure, per inch.
_DPI = 144

_RC: dict[Any, Any] = {
    "axes.edgecolor": "#8a8a8a",
    "axes.labelcolor": "#222222",
    "axes.labelsize": 9,
    "axes.linewidth": 0.7,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 9,
    "figure.facecolor": "white",
    "font.size": 9,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "svg.fonttype": "path",
    "svg.hashsalt": "bids_eeg2fmri",
    "text.color": "#222222",
    # Names from the dataset may hold a dollar sign.
    "text.parse_math": False,
    "xtick.color": "#555555",
    "xtick.labelsize": 8,
    "ytick.color": "#555555",
    "ytick.labelsize": 8,
}


@contextmanager
def report_style() -> Iterator[None]:
    """Draw and save within this: the style of reports, whatever the user's own matplotlib settings."""
    with mpl.rc_context(), warnings.catch_warnings():
        # A name in a script that the font lacks is drawn as boxes; the page itself has it right.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        mpl.rcdefaults()
        mpl.rcParams.update(_RC)
        yield


def save_svg(figure: Figure, path: Path) -> None:
    """Write a figure as SVG: the same bytes for the same content, without a date.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    buffer = BytesIO()
    figure.savefig(buffer, format="svg", dpi=_DPI, metadata={"Date": None})
    text = buffer.getvalue().decode("utf-8")
    write_text(path, _PATH_DATA.sub(lambda match: _DIGITS.sub(r"\1", match[0]), text))


def model_colours(models: Iterable[str]) -> dict[str, str]:
    """Return the colour of each model: by its place in the registry, so the same in all reports."""
    models = tuple(models)
    known = list(model_names())
    known += sorted(set(models) - {*known, TASK_MODEL})
    colours = {name: _MODEL_COLOURS[k % len(_MODEL_COLOURS)] for k, name in enumerate(known)}
    return {name: TASK_COLOUR if name == TASK_MODEL else colours[name] for name in models}


def is_shown(model: str) -> bool:
    """Return whether figures show a predictor: the models of the EEG, and of the baselines the task."""
    return model == TASK_MODEL or model not in BASELINE_NAMES


def shorten(text: str, longest: int = 24) -> str:
    """Return a name that fits into a figure."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def short_run_labels(entities: Sequence[Entities]) -> tuple[str, ...]:
    """Return what tells the runs apart: ``run-1`` where all are of the same session and task."""
    parts = [label.run_label.split("_") for label in entities]
    shared = set(parts[0]).intersection(*parts[1:]) if len(parts) > 1 else set()
    return tuple("_".join(p for p in each if p not in shared) or "run" for each in parts)
