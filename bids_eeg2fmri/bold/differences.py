"""Differences: of two regions as a target, and of two conditions as a contrast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from bids_eeg2fmri.errors import UsageError, did_you_mean
from bids_eeg2fmri.records import Floats

#: The name of the slab of the brain that lies away from the regions.
BACKGROUND = "background"


def split_difference(text: str, known: Sequence[str], *, kind: str) -> tuple[str, str]:
    """Return the two sides of ``A - B`` (the second empty for ``A``); names may hold hyphens themselves.

    Raises
    ------
    UsageError
        If a side is not one of the known names; ``kind`` is what they are called.
    """
    if text.strip() in known:
        return text.strip(), ""
    cuts = [k for k, letter in enumerate(text) if letter == "-"]
    sides = [(text[:k].strip(), text[k + 1 :].strip()) for k in cuts]
    for left, right in sides:
        if left in known and right in known and left != right:
            return left, right
    unknown = next((s for pair in sides for s in pair if s not in known), text)
    shown = ", ".join(known[:20]) + (f" and {len(known) - 20} more" if len(known) > 20 else "")
    raise UsageError(
        f"'{text}' is not understood: expected A - B of two {kind}; '{unknown}' is none of {shown}."
        f"{did_you_mean(unknown, known)}"
    )


def difference_weights(contrasts: Mapping[str, str], names: Sequence[str], *, has_background: bool) -> Floats:
    """Return what each region (the background last) counts in each contrast, (n_contrasts, n_signals).

    Raises
    ------
    UsageError
        If a contrast names no regions, or has the name of one.
    """
    known = [*names, BACKGROUND] if has_background else list(names)
    weights = np.zeros((len(contrasts), len(known)))
    for row, (name, text) in zip(weights, contrasts.items(), strict=True):
        if name in known:
            raise UsageError(f"bold.contrasts: '{name}' is a region already. Give the contrast another name.")
        plus, minus = split_difference(text, known, kind="regions")
        if not minus or plus == BACKGROUND:
            raise UsageError(f"bold.contrasts: {name} = '{text}': expected a region minus another one.")
        row[known.index(plus)], row[known.index(minus)] = 1.0, -1.0
    return weights
