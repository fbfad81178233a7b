"""Cleaned EEG as a BIDS derivative: BrainVision with a JSON file that says what was done."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pybv

from bids_eeg2fmri.errors import OutputError
from bids_eeg2fmri.formats.atomic import part_of
from bids_eeg2fmri.formats.json_file import write_json
from bids_eeg2fmri.formats.table import write_table
from bids_eeg2fmri.records import CleanEeg, VolumeClock

_CHANNEL_COLUMNS = {
    "name": {"Description": "Channel"},
    "type": {"Description": "Kind of channel"},
    "units": {"Description": "Unit of the signal"},
    "sampling_frequency": {"Description": "Samples per second", "Units": "Hz"},
    "status": {"Description": "Whether the channel is usable"},
}


def write_clean_eeg(
    header_path: Path, eeg: CleanEeg, clock: VolumeClock, *, task: str, source: str
) -> list[Path]:
    """Write ``*_eeg.vhdr`` with signal, markers, sidecar and channel table; volumes are markers ``R128``.

    Parameters
    ----------
    header_path : Path
        Where the ``.vhdr`` goes; the other files stand beside it.
    task : str
        Task label, for the sidecar.
    source : str
        BIDS URI of the recording it was made from.

    Returns
    -------
    list of Path
        The files written.
    """
    # The header last: whoever finds it finds all of the recording.
    paths = [header_path.with_suffix(extension) for extension in (".eeg", ".vmrk", ".vhdr")]
    folder = part_of(header_path)
    try:
        folder.mkdir(parents=True)
        _write_recording(folder, header_path.stem, eeg, clock)
        for path in paths:
            (folder / path.name).replace(path)
    except OSError as error:
        # The message of a signal that does not fit on the disk holds numbers only.
        reason = error.strerror or "the signal does not fit on the disk"
        raise OutputError(
            f"{header_path} cannot be written: {reason}. Check permissions and free space."
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sidecar = header_path.with_suffix(".json")
    write_json(
        sidecar,
        {
            "TaskName": task,
            "Sources": [source],
            "SamplingFrequency": eeg.sfreq,
            "EEGReference": "average",
            "PowerLineFrequency": "n/a",
            "SoftwareFilters": "n/a",
            "EEGChannelCount": len(eeg.channel_names),
            "RecordingDuration": round(eeg.data.shape[1] / eeg.sfreq, 3),
            "RecordingType": "continuous",
            "Steps": list(eeg.steps),
            "Quality": {name: round(value, 6) for name, value in eeg.quality.items()},
            **_spectrum_fields(eeg),
            "VolumeClock": {
                "Source": clock.source,
                "JitterSeconds": round(clock.jitter, 9),
                "DriftPartsPerMillion": round(clock.drift, 3),
            },
        },
    )
    channels = header_path.with_name(header_path.name.replace("_eeg.vhdr", "_channels.tsv"))
    rows = [(name, "EEG", "uV", eeg.sfreq, "good") for name in eeg.channel_names]
    write_table(channels, rows, _CHANNEL_COLUMNS)
    return [*paths, sidecar, channels, channels.with_suffix(".json")]


def _write_recording(folder: Path, stem: str, eeg: CleanEeg, clock: VolumeClock) -> None:
    """Write signal, markers and header into a folder."""
    pybv.write_brainvision(
        data=eeg.data,
        sfreq=eeg.sfreq,
        ch_names=list(eeg.channel_names),
        fname_base=stem,
        folder_out=folder,
        events=_volume_events(eeg, clock),
        unit="µV",
        fmt="binary_float32",
        resolution=1.0,
    )


def _spectrum_fields(eeg: CleanEeg) -> dict[str, object]:
    """Return the spectra before and after the cleaning as a sidecar's fields."""
    if eeg.spectrum is None:
        return {}
    names = ("FrequencyHz", "PowerBefore", "PowerAfter")
    rows = ([float(f"{value:.4g}") for value in row] for row in eeg.spectrum)
    description = "Median over channels, microvolt squared per hertz, before and after pulse artefact, "
    description += "components and bursts were taken out"
    return {"Spectrum": {"Description": description} | dict(zip(names, rows, strict=True))}


def _volume_events(eeg: CleanEeg, clock: VolumeClock) -> list[dict[str, object]]:
    """Return pybv's events, one per volume inside the recording."""
    samples = np.round(clock.onsets * eeg.sfreq).astype(np.int64)
    inside = samples[(samples >= 0) & (samples < eeg.data.shape[1])]
    return [{"onset": int(s), "duration": 1, "description": 128, "type": "Response"} for s in inside]
