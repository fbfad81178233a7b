"""Numbers as they are read in a paper."""

from __future__ import annotations

import math

#: How names of figures end, and the unit that is meant.
_UNITS = {
    "uv": "µV",
    "db": "dB",
    "percent": "%",
    "per_minute": "per minute",
    "hz": "Hz",
    "s": "s",
    "ms": "ms",
}


def format_r(r: float) -> str:
    """Return a correlation with two digits: ``.31``, ``-.05`` (with a true minus), ``n/a``."""
    if not math.isfinite(r):
        return "n/a"
    rounded = f"{abs(r):.2f}"
    digits = rounded if rounded.startswith("1") else rounded[1:]
    return f"\N{MINUS SIGN}{digits}" if r < 0 and rounded != "0.00" else digits


def format_p(p: float) -> str:
    """Return a p value with three digits: ``.012``, ``< .001``, ``n/a``."""
    if not math.isfinite(p):
        return "n/a"
    if p < 0.0005:
        return "< .001"
    return "1" if p > 0.9995 else f"{p:.3f}"[1:]


def state_p(p: float) -> str:
    """Return a p value as part of a sentence: ``p = .012``, ``p < .001``."""
    text = format_p(p)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def format_number(value: float) -> str:
    """Return a figure with up to four significant digits, never in exponents for everyday sizes."""
    if not math.isfinite(value):
        return "n/a"
    text = f"{round(value, 6) + 0.0:.4g}"  # below a millionth of the unit there is only rounding
    return text if "e" not in text else f"{value:.2e}"


def name_quality(name: str) -> str:
    """Return a figure of quality as a reader would write it: ``largest_uv`` is ``largest (µV)``."""
    for ending, unit in _UNITS.items():
        if name.endswith(f"_{ending}"):
            return f"{name.removesuffix(f'_{ending}').replace('_', ' ')} ({unit})"
    return name.replace("_", " ")
