"""EEG that another pipeline has already preprocessed, whatever its files are called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from bids_eeg2fmri.bids.dataset import IndexedFile
from bids_eeg2fmri.bids.names import parse_leniently

#: The file that names a recording, for the formats that pipelines write.
_EXTENSIONS = (".vhdr", ".edf", ".bdf", ".set", ".fif")
#: Epochs, averages, decompositions and further parts of a split recording are no continuous EEG; the truth
#: behind simulated EEG is no recording.
_NO_RECORDING = re.compile(
    r"epo(chs?)?|ave|evoked|ica|proj|cov|fwd|inv|tfr|psd|split-0*[2-9]\d*|events|noise|truth", re.IGNORECASE
)
#: What pipelines call the last of several stages.
_LAST_STAGE = re.compile(r"clean(ed)?|pp|preproc(essed)?|final", re.IGNORECASE)


def find_preprocessed_eeg(roots: Iterable[Path], participant: str) -> tuple[IndexedFile, ...]:
    """Return the preprocessed recordings of a participant, those of the first dataset first.

    A file belongs to the participant if its name, or a folder above it, holds ``sub-<label>``. Of several
    stages of one recording, the one that is called cleaned or preprocessed is taken.
    """
    found: list[IndexedFile] = []
    for root in roots:
        here = [
            IndexedFile(path=path, fields=fields | _fields_of(path))
            for path in _recordings(root, participant)
            if (fields := parse_leniently(path.relative_to(root))).get("subject") == participant
        ]
        found += _last_stages(here)
    return tuple(found)


def find_epochs(roots: Iterable[Path], participant: str) -> tuple[IndexedFile, ...]:
    """Return the files of epochs of a participant: what was cut from the EEG, and is no recording."""
    paths = [(root, path) for root in roots for path in sorted((root / f"sub-{participant}").rglob("*.fif"))]
    return tuple(
        IndexedFile(path=path, fields=parse_leniently(path.relative_to(root)) | {"suffix": "epo"})
        for root, path in paths
        if path.stem.endswith(("_epo", "-epo"))
    )


def _fields_of(path: Path) -> dict[str, str]:
    """Return what a name in BIDS would say of any recording."""
    return {"suffix": "eeg", "extension": path.suffix, "datatype": "eeg"}


def _recordings(root: Path, participant: str) -> Iterator[Path]:
    """Yield what may be a recording: in the participant's folder, and beside the folders of all."""
    own = root / f"sub-{participant}"
    files = [*sorted(root.glob(f"*sub-{participant}*")), *(sorted(own.rglob("*")) if own.is_dir() else ())]
    for path in files:
        words = re.split(r"[_.\-]", path.stem)
        labels = path.stem.split("_")
        is_other = any(_NO_RECORDING.fullmatch(word) for word in (*words[-2:], *labels))
        # A link to content that is not here is a recording all the same.
        if path.suffix.casefold() in _EXTENSIONS and not path.is_dir() and not is_other:
            yield path


def _last_stages(files: Sequence[IndexedFile]) -> list[IndexedFile]:
    """Return one file per recording where one of its stages is called the last; else all."""
    chosen: list[IndexedFile] = []
    for file in files:
        stages = [f for f in files if _same_recording(f, file)]
        last = [f for f in stages if any(_LAST_STAGE.fullmatch(w) for w in re.split(r"[_.\-]", f.path.stem))]
        if len(last) != 1 or last[0] is file:
            chosen.append(file)
    return chosen


def _same_recording(one: IndexedFile, two: IndexedFile) -> bool:
    """Return whether two files have the same entities."""
    return {**one.fields, "extension": ""} == {**two.fields, "extension": ""}
