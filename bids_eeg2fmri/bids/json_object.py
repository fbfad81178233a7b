"""JSON from a dataset, which may be anything: read within limits, and made harmless."""

from __future__ import annotations

import json
import math
import stat
from pathlib import Path
from typing import Any

#: The largest sidecars of real datasets hold a few megabytes of slice times or shim settings.
LARGEST_JSON = 16 * 2**20
#: Metadata are tables of lists; deeper nesting is damage or an attack on the parser's stack.
DEEPEST_JSON = 64


def load_json(path: Path) -> Any:
    """Return what a JSON file holds; numbers are finite, what is not a finite number is None.

    MATLAB writes NaN where JSON has null; numbers beyond the range of a float become None too.

    Raises
    ------
    OSError
        If the file cannot be read; FileNotFoundError if it is not there.
    ValueError
        If it is no JSON, too large or nested too deeply; the text says what was seen and what is allowed.
    """
    state = path.stat()
    if not stat.S_ISREG(state.st_mode):
        raise ValueError("it is no regular file")
    if state.st_size > LARGEST_JSON:
        raise ValueError(f"it has {state.st_size} bytes, allowed are {LARGEST_JSON}")
    text = path.read_text(encoding="utf-8-sig")
    try:
        content = json.loads(text, parse_int=_number, parse_float=_number, parse_constant=lambda _: None)
    except RecursionError:
        raise _too_deep() from None
    _check_depth(content)
    return content


def load_object(path: Path) -> dict[str, Any]:
    """Return a JSON object; raises as :func:`load_json`, and ValueError for anything but an object."""
    content = load_json(path)
    if not isinstance(content, dict):
        raise ValueError("it holds no JSON object")
    return content


def _number(text: str) -> int | float | None:
    """Return a number that arithmetic can be done with, else None."""
    # A whole number of more digits counts nothing; times in nanoseconds have 19.
    if len(text) <= 20 and text.lstrip("-").isdigit():
        return int(text)
    value = float(text)
    return value if math.isfinite(value) else None


def _check_depth(content: Any) -> None:
    """Raise ValueError where lists and objects stand within each other too deeply to be written again."""
    layer = [content]
    for _ in range(DEEPEST_JSON):
        inner = [list(one.values()) if isinstance(one, dict) else one for one in layer]
        layer = [value for values in inner if isinstance(values, list) for value in values]
        if not layer:
            return
    raise _too_deep()


def _too_deep() -> ValueError:
    return ValueError(f"it is nested more than {DEEPEST_JSON} levels deep")
