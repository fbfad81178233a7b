"""The clock of one run from the best source there is: markers, sidecar, gradient artefact, scans.tsv."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

from bids_eeg2fmri.errors import BadDataError, Eeg2FmriError, MissingInputError
from bids_eeg2fmri.formats.eeg_recording import read_first_channels
from bids_eeg2fmri.records import VolumeClock
from bids_eeg2fmri.settings import SyncSettings
from bids_eeg2fmri.sync.acquisition_times import Began, offset_of
from bids_eeg2fmri.sync.artefact_clock import check_clock, find_artefact_clock
from bids_eeg2fmri.sync.clock import find_volume_clock
from bids_eeg2fmri.sync.recordings import BoldSide, EegSide

_logger = logging.getLogger(__name__)


def find_run_clock(
    eeg: EegSide,
    bold: BoldSide,
    settings: SyncSettings,
    *,
    eeg_began: Began | None = None,
    bold_began: Began | None = None,
) -> VolumeClock:
    """Return the onsets of the stored volumes on the EEG's clock.

    The user's offset, then the markers. Without markers: ``StartTime`` of the EEG's sidecar (as BIDS defines
    it for recordings made during a scan: seconds from the first volume to the first sample), the gradient
    artefact of uncorrected EEG, and last the acquisition times, which are as exact as they are written and
    as the clocks of the two computers agree. Markers that contradict the BOLD are never passed over.

    Raises
    ------
    MissingInputError
        If there is no source.
    BadDataError
        If the markers contradict the BOLD.
    """
    duration = eeg.header.duration if eeg.header is not None else 0.0
    offset = settings.eeg_offset
    try:
        return find_volume_clock(
            eeg.markers,
            n_volumes=bold.n_volumes,
            tr=bold.tr,
            duration=duration,
            n_slices=bold.n_slices,
            volume_marker=settings.volume_marker or None,
            eeg_offset=offset,
            dummies=settings.dummies,
        )
    except MissingInputError as error:
        if settings.volume_marker:
            raise
        missing = error
    tried: list[str] = []
    stated = eeg.metadata.get("StartTime")
    if isinstance(stated, int | float):
        return _clock_at(-float(stated), bold, duration, "StartTime of the EEG's sidecar", float("nan"))
    try:
        data, sfreq = read_first_channels(eeg.path)
        return find_artefact_clock(data, sfreq, n_volumes=bold.n_volumes, tr=bold.tr)
    except Eeg2FmriError as error:
        tried.append(f"No gradient artefact: {error}")
    if eeg_began is not None and bold_began is not None:
        seconds, resolution = offset_of(eeg_began, bold_began)
        source = f"acq_time in scans.tsv (right within {resolution:g} s if the computers' clocks agree)"
        try:
            return _clock_at(seconds, bold, duration, source, resolution)
        except Eeg2FmriError as error:
            tried.append(f"acq_time in scans.tsv is of no use: {error}")
    raise MissingInputError(" ".join([str(missing), *tried])) from None


def check_against_artefact(path: Path, clock: VolumeClock, *, tr: float) -> tuple[str, ...]:
    """Return in words how the gradient artefact lies to a clock; nothing where there is no artefact.

    Parameters
    ----------
    path : Path
        The EEG; if its gradient artefact is corrected, there is nothing to compare with.
    clock : VolumeClock
    tr : float
        Seconds from volume to volume.
    """
    try:
        data, sfreq = read_first_channels(path)
        check = check_clock(data, sfreq, clock, tr=tr)
    except Eeg2FmriError as error:
        _logger.debug("The clock is not checked against the gradient artefact: %s", error)
        return ()
    text = (
        f"the gradient artefact lies {1e3 * check.lag:+.1f} ms from the clock at the first volume, "
        f"{1e3 * check.last_lag:+.1f} ms at the last"
    )
    if check.n_before != clock.n_dummies:
        text += (
            f"; it begins {check.n_before} volumes before the first stored one, but the clock has "
            f"{clock.n_dummies} dummies: check sync.dummies"
        )
        _logger.warning("Volume clock of %s: %s.", path.name, text)
    return (text,)


def _clock_at(offset: float, bold: BoldSide, duration: float, source: str, uncertainty: float) -> VolumeClock:
    """Return the clock of an offset (s) of the first volume, named for where the offset is from."""
    try:
        clock = find_volume_clock(
            (), n_volumes=bold.n_volumes, tr=bold.tr, duration=duration, eeg_offset=offset
        )
    except BadDataError as error:
        raise BadDataError(str(error).replace("sync.eeg_offset", source)) from None
    words = f"{source}: first volume {offset:+.3f} s after the EEG's start, TR {bold.tr:g} s; no marker used"
    return replace(clock, source=words, uncertainty=uncertainty)
