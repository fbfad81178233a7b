"""From content to one HTML file: no script, no network, every text escaped."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from bids_eeg2fmri.formats.atomic import write_text
from bids_eeg2fmri.report.wording import format_number, format_p, format_r


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFigure:
    """A figure file with the text that goes with it; ``alt`` says what it shows to who cannot see it."""

    path: Path
    alt: str
    caption: str


def write_page(path: Path, template: str, content: Mapping[str, Any]) -> None:
    """Fill a template and write the page, whole or not at all.

    In templates ``figure.path | beside`` is the address of a figure relative to the page.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    environment = Environment(
        loader=PackageLoader("bids_eeg2fmri.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        r=format_r,
        p=format_p,
        number=format_number,
        beside=lambda target: _relative_address(target, path.parent),
        paragraphs=_split_paragraphs,
    )
    write_text(path, environment.get_template(template).render(content))


def _relative_address(target: Path, folder: Path) -> str:
    """Return the address of a file as seen from a folder, percent-encoded."""
    return quote(Path(os.path.relpath(target, folder)).as_posix())


def _split_paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a plain text, DOIs as addresses that can be followed."""
    # The display guidelines of Crossref: a DOI is shown as its address.
    linked = text.replace("https://doi.org/", "doi:").replace("doi:10.", "https://doi.org/10.")
    return [part.strip() for part in linked.split("\n\n") if part.strip()]
