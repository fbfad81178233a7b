"""How the image is built, and run as a strict cluster would.

BIDS_EEG2FMRI_CONTAINER may name a folder with the programs ``build FOLDER TAG`` and
``run TAG [FLAGS] -- ARGUMENTS``; without it docker or podman are used where they work.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
TAG = "localhost/bids_eeg2fmri:test"
#: What the image is built from.
BASE = "docker.io/library/debian:bookworm-slim"
#: Nobody on this machine.
UID = 1234


@dataclass(frozen=True, kw_only=True)
class Engine:
    """The programs that build and run an image."""

    name: str
    build: tuple[str, ...]
    run: tuple[str, ...]
    separator: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image that was built."""

    tag: str
    engine: Engine

    def run(
        self, *args: object, flags: Sequence[object] = (), command: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run the app, or another command of the image; flags are those of ``docker run``."""
        words = [*flags, *(("--entrypoint", command) if command else ())]
        if self.engine.separator:
            line = [*self.engine.run, self.tag, *words, *self.engine.separator, *args]
        else:
            line = [*self.engine.run, *words, self.tag, *args]
        return subprocess.run([str(word) for word in line], capture_output=True, text=True, check=False)


def find_engine() -> Engine | str:
    """Return what builds and runs images here, or why nothing does."""
    folder = os.environ.get("BIDS_EEG2FMRI_CONTAINER")
    if folder:
        if os.geteuid() != 0:
            return "the programs in BIDS_EEG2FMRI_CONTAINER need root"
        build, run = Path(folder) / "build", Path(folder) / "run"
        return Engine(name="podman", build=(str(build),), run=(str(run),), separator=("--",))
    strict = ("--network", "none", "--read-only", "--cap-drop", "all", "--security-opt", "no-new-privileges")
    for name in ("docker", "podman"):
        tmp = () if name == "podman" else ("--tmpfs", "/tmp")
        run = (name, "run", "--rm", *strict, *tmp, "-u", f"{UID}:{UID}")
        if (
            shutil.which(name)
            and not subprocess.run([*run, BASE, "true"], capture_output=True, check=False).returncode
        ):
            return Engine(name=name, build=(name, "build", "-t"), run=run)
    return f"BIDS_EEG2FMRI_CONTAINER is not set, and neither docker nor podman runs {BASE} here"


def give_away(folder: Path) -> None:
    """Let the user of the container write into a folder."""
    if os.geteuid() == 0:
        os.chown(folder, UID, UID)
    else:
        folder.chmod(0o777)
