"""What the JSON of a trained model may say: checked before anything is built of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from bids_eeg2fmri.formats.recording_limits import LARGEST_SFREQ, LEAST_SFREQ, MOST_CHANNELS

#: Regions of the finest atlases are 1,000; values of all tensors of a network that fits a GPU are 10^9.
MOST_REGIONS = 5000
LARGEST_MODEL = 4 * 2**30
_TEXTS = ("model", "version", "objective", "bold")
_LISTS = {"channel_names": MOST_CHANNELS, "region_names": MOST_REGIONS, "trained_on": 100_000}
#: Least and most of each number: Hz and seconds.
_NUMBERS = {
    "sfreq": (LEAST_SFREQ, LARGEST_SFREQ),
    "tr": (0.01, 100.0),
    "start_time": (-1000.0, 1000.0),
    "lookahead": (0.0, 1e6),
}
#: Least and most of the scores of a model, one per region: correlation, error in % signal change.
SCORES = {"held_out_r": (-1.0, 1.0), "held_out_error": (0.0, 1e6)}
#: Larger whole numbers are no setting of a model: a network is built of them.
_LARGEST_OPTION = 1e6


def check_model_content(content: Mapping[str, Any]) -> None:
    """Raise ValueError unless every entry that is there is of its kind and within what models have.

    Parameters
    ----------
    content : mapping
        The JSON of a model; entries that are missing or unknown are told when the record is made of it.
    """
    _check_lists(content)
    for name in _TEXTS:
        if not isinstance(content.get(name, ""), str):
            raise ValueError(f"{name} is {content[name]!r}, not a text")
    _check_numbers(content)
    for name in ("options", "preprocessing", "tensors"):
        if not isinstance(content.get(name, {}), dict):
            raise ValueError(f"{name} is {content[name]!r}, not a table")
    _check_options(content.get("options", {}))
    positions = content.get("positions", [])
    if not isinstance(positions, list) or not all(_is_place(row) for row in positions):
        raise ValueError("positions are no list of three numbers (or null) each")


def _check_numbers(content: Mapping[str, Any]) -> None:
    """Raise ValueError unless numbers are numbers, and neither too small nor too large."""
    for name, (least, most) in _NUMBERS.items():
        value = content.get(name, least)
        if not _is_within(value, least, most):
            raise ValueError(f"{name} is {value!r}; allowed is {least:g} to {most:g}")
    for name, (least, most) in SCORES.items():
        values = content.get(name, [])
        if not isinstance(values, list) or len(values) > MOST_REGIONS:
            raise ValueError(f"{name} is no list of up to {MOST_REGIONS} numbers")
        for value in values:
            if value is not None and not _is_within(value, least, most):
                raise ValueError(f"{name} holds {value!r}; allowed is {least:g} to {most:g}, or null")


def _is_within(value: Any, least: float, most: float) -> bool:
    """Return whether this is a number from least to most."""
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def _check_lists(content: Mapping[str, Any]) -> None:
    """Raise ValueError unless names are texts, each once, and no more than there can be."""
    for name, most in _LISTS.items():
        values = content.get(name, [])
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise ValueError(f"{name} is no list of texts")
        if len(values) > most or len(set(values)) < len(values):
            raise ValueError(f"{name} has {len(values)} entries; allowed are {most}, each once")


def _check_options(options: Any) -> None:
    """Raise ValueError for numbers that would make a network larger than any machine."""
    if isinstance(options, dict | list):
        for value in options.values() if isinstance(options, dict) else options:
            _check_options(value)
    elif isinstance(options, int | float) and not abs(options) <= _LARGEST_OPTION:
        raise ValueError(f"an option is {options:g}; allowed is up to {_LARGEST_OPTION:g}")


def _is_place(row: Any) -> bool:
    """Return whether this is a place in metres, of which what is not known is None."""
    return (
        isinstance(row, list)
        and len(row) == 3
        and all(x is None or (isinstance(x, int | float) and math.isfinite(x)) for x in row)
    )
