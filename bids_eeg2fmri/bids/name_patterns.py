"""What pybids reads from a file name."""

from __future__ import annotations

from functools import cache
from pathlib import PurePath
from typing import Any

from bids.layout import parse_file_entities
from bids.layout.models import Config

#: pybids' own sets of name patterns.
CONFIGS = ("bids", "derivatives")


def parse_name(path: PurePath) -> dict[str, str]:
    """Return the entities of a file, its path relative to the dataset, under pybids' names."""
    found = parse_file_entities(f"/{path.as_posix()}", entities=_entities())
    return {name: str(value) for name, value in found.items()}


def entity_names() -> tuple[str, ...]:
    """Return the names of all entities that a file can have, as pybids calls them."""
    return tuple(entity.name for entity in _entities())


@cache
def _entities() -> tuple[Any, ...]:
    """Return pybids' entities; they are constants, and loading them takes as long as 100 files."""
    entities: dict[str, Any] = {}
    for name in CONFIGS:
        entities |= dict(Config.load(name).entities)
    return tuple(entities.values())
