"""The image, built once per test process; where nothing has changed, it is there already."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from built_image import ROOT, TAG, Image, find_engine, give_away


@pytest.fixture(scope="session")
def image() -> Image:
    engine = find_engine()
    if isinstance(engine, str):
        pytest.skip(engine)
    order = [TAG, str(ROOT)] if engine.build[-1] == "-t" else [str(ROOT), TAG]
    done = subprocess.run([*engine.build, *order], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return Image(tag=TAG, engine=engine)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the user of the container may write into."""
    folder = tmp_path_factory.mktemp("shared")
    give_away(folder)
    return folder
