"""Where names leave open which recordings belong together, or say what the recordings contradict."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bids_eeg2fmri.bids.names import entities_of
from bids_eeg2fmri.bids.pairing import NamedPair, Undecided, Unpaired, make_pair
from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.settings import SyncSettings
from bids_eeg2fmri.sync.acquisition_times import Began, is_simultaneous, overlap
from bids_eeg2fmri.sync.marker_fit import volume_surplus
from bids_eeg2fmri.sync.recordings import BoldSide, EegSide

_CHOOSE = "select with --task-label, --run-label or --bids-filter-file"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """All that is known beside the names of a participant's recordings."""

    eeg: Mapping[Path, EegSide]
    bold: Mapping[Path, BoldSide]
    times: Mapping[Path, Began]
    settings: SyncSettings

    def shared_time(self, eeg: Path, bold: Path) -> float | None:
        """Return how long (s) two recordings overlap by ``acq_time``; None where it is not known."""
        one, two = self.eeg[eeg], self.bold[bold]
        if eeg not in self.times or bold not in self.times or not one.duration or not two.n_volumes * two.tr:
            return None
        return overlap(self.times[eeg], one.duration, self.times[bold], two.n_volumes * two.tr)

    def same_time(self, eeg: Path, bold: Path) -> bool | None:
        """Return whether two recordings ran at the same time by ``acq_time``; None where it is not known."""
        shared = self.shared_time(eeg, bold)
        if shared is None:
            return None
        return is_simultaneous(shared, self.eeg[eeg].duration, self.bold[bold].n_volumes * self.bold[bold].tr)

    def surplus(self, eeg: Path, bold: Path) -> int | None:
        """Return how many more volumes the markers say than the image holds; None where they do not fit."""
        if self.settings.eeg_offset is not None:
            return None  # the user's word: markers are not looked at
        return volume_surplus(self.eeg[eeg], self.bold[bold], self.settings)


def decide(group: Undecided, evidence: Evidence) -> tuple[list[NamedPair], list[Unpaired]]:
    """Pair what the names leave open: by acquisition times, else by the number of volumes.

    Only pairs in which each recording is the other's only choice are taken; the rest stays unpaired.
    """
    eeg = {f.path: f for f in group.eeg}
    bold = {f.path: f for f in group.bold}
    pairs: list[NamedPair] = []
    rungs: tuple[tuple[str, Callable[[Path, Path], bool]], ...] = (
        ("acq_time: the recordings overlap", lambda e, b: evidence.same_time(e, b) is True),
        ("its number of markers is that of the volumes", lambda e, b: evidence.surplus(e, b) == 0),
        ("its markers fit the volumes", lambda e, b: evidence.surplus(e, b) is not None),
    )
    for words, fits in rungs:
        table = {e: [b for b in bold if fits(e, b)] for e in eeg}
        for e, partners in table.items():
            if len(partners) == 1 and sum(partners[0] in others for others in table.values()) == 1:
                text = f"names leave open which of {len(group.bold)} BOLD and {len(group.eeg)} EEG; {words}"
                pairs.append(make_pair(eeg.pop(e), bold.pop(partners[0]), f"{text}, and of no other"))
    unpaired = [
        Unpaired(modality="eeg", file=f, reason=_open([b.path for b in bold.values()], "BOLD"))
        for f in eeg.values()
    ]
    unpaired += [
        Unpaired(modality="bold", file=f, reason=_open([e.path for e in eeg.values()], "EEG"))
        for f in bold.values()
    ]
    return pairs, unpaired


def find_contradictions(pairs: Sequence[NamedPair], evidence: Evidence) -> dict[Path, BadDataError]:
    """Return, by the EEG's path, why a pair by name is contradicted by times or by markers."""
    surplus = {pair.eeg.path: evidence.surplus(pair.eeg.path, pair.bold.path) for pair in pairs}
    found: dict[Path, BadDataError] = {}
    for pair in pairs:
        error = _contradicting_times(pair, evidence) or _contradicting_markers(pair, evidence, surplus)
        if error is not None:
            found[pair.eeg.path] = error
    return found


def describe_times(pair: NamedPair, evidence: Evidence) -> tuple[str, ...]:
    """Return in words what the acquisition times say of a pair; nothing where they are not known."""
    shared = evidence.shared_time(pair.eeg.path, pair.bold.path)
    if shared is None:
        return ()
    if evidence.same_time(pair.eeg.path, pair.bold.path):
        return (f"acq_time: they overlap by {shared:.0f} s",)
    return (
        f"acq_time contradicts: by {shared:.0f} s of overlap they were not recorded together, unless the "
        "clocks of the two computers differ",
    )


def _contradicting_times(pair: NamedPair, evidence: Evidence) -> BadDataError | None:
    """Return what is wrong if an EEG ran at the time of another BOLD run and not of its own."""
    if evidence.same_time(pair.eeg.path, pair.bold.path) is not False:
        return None
    others = [
        b for b in evidence.bold if b != pair.bold.path and evidence.same_time(pair.eeg.path, b) is True
    ]
    if not others:
        return None
    return BadDataError(
        f"By their names {pair.eeg.path.name} and {pair.bold.path.name} belong together, but by acq_time in "
        f"scans.tsv the EEG ran at the time of {', '.join(b.name for b in others)}. Correct the names or the "
        "times; the app does not choose."
    )


def _contradicting_markers(
    pair: NamedPair, evidence: Evidence, surplus: Mapping[Path, int | None]
) -> BadDataError | None:
    """Return what is wrong if the markers are exactly the volumes of another run and not of their own.

    Where another pair has as many volumes too many, every run has the same dummies, and the numbers agree by
    chance.
    """
    own = surplus[pair.eeg.path]
    n_volumes = evidence.bold[pair.bold.path].n_volumes
    has_usual_dummies = own is not None and list(surplus.values()).count(own) > 1
    if own == 0 or not n_volumes or has_usual_dummies:
        return None
    session = entities_of(pair.eeg.fields).session
    for path, bold in evidence.bold.items():
        other_session = entities_of(bold.file.fields).session
        is_far = bool(session and other_session and session != other_session)
        if path == pair.bold.path or is_far or evidence.surplus(pair.eeg.path, path) != 0:
            continue
        return BadDataError(
            f"By their names {pair.eeg.path.name} and {pair.bold.path.name} belong together, but the markers "
            f"of the EEG are exactly the {bold.n_volumes} volumes of {path.name} and not the "
            f"{n_volumes} of its namesake. Correct the names; or, if they are "
            "right, give --eeg-offset."
        )
    return None


def _open(rivals: Sequence[Path], other: str) -> str:
    """Return why a recording of an undecided group has no partner."""
    if not rivals:
        return f"the {other} that fit its name belong to other recordings by times or markers"
    names = ", ".join(path.name for path in rivals)
    return f"not unique: {names} fit too, and neither acq_time nor the volume markers decide; {_CHOOSE}"
