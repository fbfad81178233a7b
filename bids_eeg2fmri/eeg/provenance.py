"""What was done to a recording before it came here, as its name and its sidecar say."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bids_eeg2fmri.bids.json_object import load_object
from bids_eeg2fmri.bids.names import dataset_root
from bids_eeg2fmri.bids.sidecars import read_sidecar
from bids_eeg2fmri.errors import BadDataError

_logger = logging.getLogger(__name__)

Step = Literal["gradient", "pulse", "bad channels", "components", "bursts"]
ALL_STEPS: frozenset[Step] = frozenset(("gradient", "pulse", "bad channels", "components", "bursts"))

#: How names and descriptions speak of each step.
_WORDS: Mapping[Step, str] = {
    "gradient": r"gradient|\bAAS\b|FASTR|imaging artefact|imaging artifact|scanner artefact|scanner artifact"
    r"|MR artefact|MR artifact",
    "pulse": r"pulse|cardiac|ballisto|\bBCG\b|\bCBA\b|\bCB artefact|heartbeat|\bOBS\b|optimal basis",
    "bad channels": r"bad channel|channels? interpolated|interpolated channel|\bPREP\b",
    "components": r"\bICA\b|independent component|\bSSP\b|ocular|\bEOG\b|blink",
    "bursts": r"\bASR\b|artifact subspace|artefact subspace|burst",
}
#: Labels of files that are the last of several stages.
_FINISHED = re.compile(r"clean(ed)?|pp|preproc(essed)?|final", re.IGNORECASE)
#: Short labels of files behind which one step is meant.
_LABELS: Mapping[str, tuple[Step, ...]] = {
    "gradient": ("gradient",),
    "gac": ("gradient",),
    "ga": ("gradient",),
    "aas": ("gradient",),
    "bcg": ("gradient", "pulse"),
    "pulse": ("gradient", "pulse"),
    "obs": ("gradient", "pulse"),
    # MNE-BIDS-Pipeline's stages before the one that it calls clean.
    "filt": (),
    "regress": ("components",),
}
#: Keys of a sidecar that speak of processing; others speak of the experiment, where "pulse" means a sensor.
_KEYS = re.compile(
    r"step|process|filter|correct|clean|description$|method|artefact_?removal|artifact_?removal", re.I
)
_OTHER_KEYS = re.compile(r"hardware|subjectarte?i?fact|task|instruction|institution|columns", re.I)
_DENIAL = re.compile(r"\b(no|not|non|never|without|un\w*|n/a|none|before)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What is known of a recording's past.

    Attributes
    ----------
    done : frozenset of str
        Steps that another pipeline did and that are therefore left out.
    evidence : str
        Where that is said, in words; empty where nothing was done.
    reference : str
        ``EEGReference`` of the sidecar.
    """

    done: frozenset[Step] = frozenset()
    evidence: str = ""
    reference: str = ""

    @property
    def steps(self) -> tuple[str, ...]:
        """What to tell of it in the list of steps."""
        if not self.done:
            return ()
        names = [step for step in ALL_STEPS_IN_ORDER if step in self.done]
        return (f"already done by another pipeline ({self.evidence}) and left out here: {', '.join(names)}",)


ALL_STEPS_IN_ORDER: tuple[Step, ...] = ("gradient", "pulse", "bad channels", "components", "bursts")


def read_provenance(path: Path) -> Provenance:
    """Return what name, sidecar and dataset of a recording say of its past.

    A label such as ``desc-clean``, ``proc-clean`` or ``_pp``, or standing in a derivative dataset without a
    word of what was done, means that all was; labels and sidecars that name steps mean those.
    """
    root = dataset_root(path)
    try:
        sidecar = read_sidecar(path, root)
    except BadDataError as error:
        _logger.warning("%s Its past is judged without it.", error)
        sidecar = {}
    reference = str(sidecar.get("EEGReference", ""))
    labels = [word.rpartition("-")[2] for word in re.split(r"[_.]", path.stem)]
    finished = [label for label in labels if _FINISHED.fullmatch(label)]
    if finished:
        return Provenance(done=ALL_STEPS, evidence=f"'{finished[-1]}' in its name", reference=reference)
    known = [_LABELS[label.casefold()] for label in labels if label.casefold() in _LABELS]
    named = {step for steps in known for step in steps}
    told = {step for text in _texts(sidecar) for step in _steps_in(text)}
    if not known and not told and _is_derivative(root):
        return Provenance(done=ALL_STEPS, evidence="it stands in a derivative dataset", reference=reference)
    sources = [w for w, found in (("its name", named), ("its sidecar", told)) if found]
    return Provenance(
        done=frozenset(named | told),
        evidence=f"said by {' and '.join(sources)}" if sources else "",
        reference=reference,
    )


def _texts(sidecar: Mapping[str, Any]) -> Iterator[str]:
    """Yield the texts of a sidecar that speak of processing, one sentence each."""
    for key, value in sidecar.items():
        if _KEYS.search(key) and not _OTHER_KEYS.search(key):
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            yield from re.split(r"[.;,]\s+|\",|\"\s*:", text)


def _steps_in(sentence: str) -> Iterator[Step]:
    """Yield the steps that a sentence says were done."""
    if _DENIAL.search(sentence):
        return
    for step, words in _WORDS.items():
        if re.search(words, sentence, re.IGNORECASE):
            yield step


def _is_derivative(root: Path) -> bool:
    """Return whether a dataset says that it is a derivative, or lies in a folder of that name."""
    try:
        description = load_object(root / "dataset_description.json")
    except (OSError, ValueError):
        return "derivatives" in root.parts
    kind = description.get("DatasetType", "")
    return kind == "derivative" or (not kind and "derivatives" in root.parts)
