"""Write the raw recording of an amplifier block by block, so that no run has to fit into memory twice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bids_eeg2fmri.formats.atomic import whole_file, write_text
from bids_eeg2fmri.simulate.scanner import SCANNER_RESOLUTION, SCANNER_SFREQ, ScannerEeg

#: The clock box reports every 2 s that it follows the scanner; it is no volume.
_SYNC_INTERVAL = 2.0
_INITIALS = {"Response": "R", "Stimulus": "S"}


def write_scanner_eeg(
    folder: Path,
    stem: str,
    recording: ScannerEeg,
    *,
    names: Sequence[str],
    markers: Sequence[tuple[int, str, int]],
    rng: np.random.Generator,
    sfreq: float = SCANNER_SFREQ,
) -> Path:
    """Write a BrainVision recording of 16-bit integers; return its header file.

    Parameters
    ----------
    names : sequence of str
        Of all channels, the ECG last.
    markers : sequence of (sample, type, number)
        ``(0, "Response", 128)`` is written as ``R128``.
    sfreq : float
        Sampling rate of the amplifier, a multiple of 250 Hz.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with whole_file(folder / f"{stem}.eeg") as part, part.open("wb") as file:
        for block in recording.blocks(rng, sfreq):
            file.write(np.ascontiguousarray(block.T, dtype="<i2").tobytes())
    write_text(folder / f"{stem}.vmrk", _marker_text(stem, markers, recording.duration, sfreq))
    header = folder / f"{stem}.vhdr"
    write_text(header, _header_text(stem, names, sfreq))
    return header


def _header_text(stem: str, names: Sequence[str], sfreq: float) -> str:
    channels = [f"Ch{k}={name},,{SCANNER_RESOLUTION:g},µV" for k, name in enumerate(names, start=1)]
    lines = [
        "Brain Vision Data Exchange Header File Version 1.0",
        "; Simulated: nothing was recorded",
        "",
        "[Common Infos]",
        "Codepage=UTF-8",
        f"DataFile={stem}.eeg",
        f"MarkerFile={stem}.vmrk",
        "DataFormat=BINARY",
        "DataOrientation=MULTIPLEXED",
        f"NumberOfChannels={len(names)}",
        f"SamplingInterval={1e6 / sfreq:g}",
        "",
        "[Binary Infos]",
        "BinaryFormat=INT_16",
        "",
        "[Channel Infos]",
        *channels,
    ]
    return "\n".join(lines) + "\n"


def _marker_text(stem: str, markers: Sequence[tuple[int, str, int]], duration: float, sfreq: float) -> str:
    rows = [(sample, kind, f"{_INITIALS[kind]}{number:>3}") for sample, kind, number in markers]
    ticks = np.arange(0, duration, _SYNC_INTERVAL)
    rows += [(round(float(tick) * sfreq), "SyncStatus", "Sync On") for tick in ticks]
    entries = [
        f"Mk{k}={kind},{text},{sample + 1},1,0"
        for k, (sample, kind, text) in enumerate(sorted(rows), start=2)
    ]
    lines = [
        "Brain Vision Data Exchange Marker File, Version 1.0",
        "",
        "[Common Infos]",
        "Codepage=UTF-8",
        f"DataFile={stem}.eeg",
        "",
        "[Marker Infos]",
        "Mk1=New Segment,,1,1,0,20000101000000000000",
        *entries,
    ]
    return "\n".join(lines) + "\n"
