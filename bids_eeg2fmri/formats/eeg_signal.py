"""The signal of an EEG recording with the types, flags and positions of its channels, tidy or not."""

from __future__ import annotations

import logging
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bids_eeg2fmri.bids.names import dataset_root
from bids_eeg2fmri.bids.sidecars import find_table
from bids_eeg2fmri.errors import BadDataError, Eeg2FmriError, printable
from bids_eeg2fmri.formats.eeg_recording import check_opened, check_recording, open_eeg
from bids_eeg2fmri.formats.text_table import TextTable, read_text_table

_logger = logging.getLogger(__name__)

#: Channel types of BIDS as MNE calls them; all others are left out of the EEG.
_TYPES = {
    "EEG": "eeg",
    "ECG": "ecg",
    "EKG": "ecg",
    "EOG": "eog",
    "VEOG": "eog",
    "HEOG": "eog",
    "EMG": "emg",
    "TRIG": "stim",
    "GSR": "gsr",
    "RESP": "resp",
    "TEMP": "temperature",
    "REF": "misc",
}
#: Names that no electrode on the scalp has.
_OTHERS = {
    r"E[CK]G.*|cardio.*": "ecg",
    r"[VH]?EOG.*": "eog",
    r"EMG.*": "emg",
    r"resp.*|.*breath.*|.*belt.*": "resp",
    r"GSR.*|EDA.*": "gsr",
    r"status|trig(ger)?|stim?( ?\d+)?": "stim",
    r"acc.*|.*carbon.*|CW[L\d].*|photo.*|aux.*": "misc",
}
#: Positions of the 10-05 system, which datasets write in any case.
_POSITION = re.compile(
    r"(N|AFp|AFF|AF|Fp|F|FFT|FFC|FT|FTT|FC|FCC|T|TTP|TP|TPP|C|CCP|CP|CPP|P|PPO|PO|POO|O|OI|I)(z|\d{1,2}h?)",
    re.IGNORECASE,
)


def read_eeg(path: Path) -> Any:
    """Open a recording with channel types, bad channels and positions; the signal is not loaded yet.

    MNE-BIDS reads tidy datasets. Where it fails, and for files that follow no BIDS name, the recording is
    read by MNE and the table of channels as far as it can be understood; the log says so.

    Raises
    ------
    MissingInputError
        If a file of the recording is not here.
    BadDataError
        If it cannot be read.
    """
    check_recording(path)
    raw = _read_tidy(path) if _has_bids_name(path) else None
    if raw is None:
        raw = open_eeg(path)
    _rename(raw, {name: printable(name) for name in raw.ch_names})
    table = _channels_table(path)
    if table is not None:
        _apply_channels(raw, table)
    _type_by_name(raw)
    _spell_positions(raw)
    return raw


def _has_bids_name(path: Path) -> bool:
    """Return whether MNE-BIDS could know this file: ``sub-*/[ses-*/]eeg/sub-*_eeg.*``, no ``.fif``."""
    return path.parent.name == "eeg" and path.stem.endswith("_eeg") and path.suffix != ".fif"


def _read_tidy(path: Path) -> Any:
    """Return the recording as MNE-BIDS sees it, None where it cannot."""
    import mne_bids  # noqa: PLC0415  (heavy)

    with warnings.catch_warnings(record=True) as caught, _no_lock_files():
        warnings.simplefilter("always")
        try:
            bids_path = mne_bids.get_bids_path_from_fname(path, check=False, verbose="error")
            raw = mne_bids.read_raw_bids(bids_path, verbose="error")
        except Exception as error:  # whatever untidy sidecars lead to; MNE reads the recording itself
            _logger.warning("%s: MNE-BIDS cannot read it (%s); read without it.", path.name, error)
            return None
    check_opened(path, raw)
    for warning in caught:
        _logger.debug("%s: %s", path.name, warning.message)
    return raw


@contextmanager
def _no_lock_files() -> Iterator[None]:
    """Keep MNE-BIDS from writing into the dataset it reads.

    It locks each sidecar by a file beside it, if it finds the package filelock; a job that is killed would
    leave that file, and the next one wait for it.
    """
    name = "filelock"
    installed = sys.modules.get(name)
    sys.modules[name] = None  # type: ignore[assignment]  # Python's own sign of a package that is not there
    try:
        yield
    finally:
        del sys.modules[name]
        if installed is not None:
            sys.modules[name] = installed


def _channels_table(path: Path) -> TextTable | None:
    """Return the table of channels that applies to a recording, None where none can be read."""
    found = find_table(path, dataset_root(path), "channels")
    if found is None:
        return None
    try:
        table = read_text_table(found)
        table.texts("name")
    except Eeg2FmriError as error:
        _logger.warning("%s Channel types are taken from the names.", error)
        return None
    if table.repairs:
        _logger.warning("%s is untidy (%s); understood all the same.", found, ", ".join(table.repairs))
    return table


def _apply_channels(raw: Any, table: TextTable) -> None:
    """Set types and bad channels; names are compared without regard to case."""
    by_name = {name.casefold(): name for name in raw.ch_names}
    listed = [by_name.get(name.casefold()) for name in table.texts("name")]
    unknown = [n for n, own in zip(table.texts("name"), listed, strict=True) if own is None and n]
    if unknown:
        _logger.warning("%s names channels that are not recorded: %s.", table.path, ", ".join(unknown[:8]))
    if "type" in table:
        kinds = {
            own: _TYPES.get(kind.upper(), "misc")
            for own, kind in zip(listed, table.texts("type"), strict=True)
            if own is not None and kind
        }
        _set_types(raw, kinds)
    if "status" in table:
        raw.info["bads"] = [
            own
            for own, status in zip(listed, table.texts("status"), strict=True)
            if own is not None and status.casefold() == "bad"
        ]


def _type_by_name(raw: Any) -> None:
    """Take channels for what their names say where they stand as EEG and cannot be."""
    kinds: dict[str, str] = {}
    for name, kind in zip(raw.ch_names, raw.get_channel_types(), strict=True):
        if kind == "eeg":
            meant = [k for pattern, k in _OTHERS.items() if re.fullmatch(pattern, name, re.IGNORECASE)]
            kinds |= dict.fromkeys([name], meant[0]) if meant else {}
    if kinds:
        _logger.info("Taken for other than EEG by their names: %s.", ", ".join(kinds))
    _set_types(raw, kinds)


def _spell_positions(raw: Any) -> None:
    """Spell the names of electrodes as the 10-05 system does (``FP1`` is ``Fp1``), so that runs agree."""
    _rename(raw, {name: _spelling(name) for name in raw.ch_names})


def _rename(raw: Any, names: dict[str, str]) -> None:
    """Rename channels, unless two would have one name."""
    if len(set(names.values())) == len(names):
        raw.rename_channels({old: new for old, new in names.items() if old != new}, verbose="error")


def _spelling(name: str) -> str:
    """Return the name of an electrode in the spelling of the 10-05 system; any other name as it is."""
    match = _POSITION.fullmatch(name.strip())
    if match is None:
        return name
    return match[1].upper().replace("FP", "Fp") + match[2].lower()


def _set_types(raw: Any, kinds: dict[str, str]) -> None:
    """Set channel types; units stay as they are."""
    present = dict(zip(raw.ch_names, raw.get_channel_types(), strict=True))
    changed = {name: kind for name, kind in kinds.items() if present[name] != kind}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            raw.set_channel_types(changed, on_unit_change="ignore", verbose="error")
    except (ValueError, RuntimeError) as error:
        raise BadDataError(f"The channel types {changed} cannot be set: {error}") from error
