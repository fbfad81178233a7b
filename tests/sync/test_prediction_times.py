from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bids_eeg2fmri.bids.dataset import IndexedFile
from bids_eeg2fmri.errors import BadDataError, MissingInputError
from bids_eeg2fmri.formats.eeg_recording import EegHeader
from bids_eeg2fmri.records import Marker
from bids_eeg2fmri.settings import SyncSettings
from bids_eeg2fmri.sync.prediction_times import find_prediction_clock
from bids_eeg2fmri.sync.recordings import EegSide

DURATION = 120.0


def side(markers: dict[str, np.ndarray]) -> EegSide:
    path = Path("sub-01_task-a_eeg.vhdr")
    listed = [Marker(onset=float(t), description=name) for name, onsets in markers.items() for t in onsets]
    header = EegHeader(
        n_channels=8, sfreq=250.0, duration=DURATION, markers=tuple(sorted(listed, key=lambda m: m.onset))
    )
    return EegSide(
        file=IndexedFile(path=path, fields={}), path=path, header=header, metadata={}, problems=(), notes=()
    )


def times(markers: dict[str, np.ndarray], **settings: object) -> tuple[np.ndarray, str]:
    clock = find_prediction_clock(
        side(markers), SyncSettings(**settings), tr=2.0, start_time=0.5, duration=DURATION
    )
    return clock.onsets, clock.source


def test_without_markers_a_grid_from_the_start_to_the_end() -> None:
    onsets, source = times({"S 1": np.array([3.0, 10.0, 30.5])})
    np.testing.assert_allclose(onsets, np.arange(60) * 2.0)
    assert onsets[-1] + 0.5 <= DURATION < onsets[-1] + 2.0 + 0.5
    assert "no volume marker" in source


def test_volume_markers_are_the_moments_gaps_filled() -> None:
    marked = 7.25 + 2.0004 * np.arange(50)
    onsets, source = times({"R128": np.delete(marked, [8, 9]), "S 1": np.array([3.0])})
    np.testing.assert_allclose(onsets, marked, atol=1e-6)
    assert "'R128'" in source
    assert "2 missing filled" in source


def test_a_metronome_is_a_scan_only_if_it_spans_half_of_the_eeg() -> None:
    onsets, _ = times({"beat": 40.0 + 2.0 * np.arange(15)})
    assert onsets[0] == 0
    onsets, _ = times({"beat": 40.0 + 2.0 * np.arange(15)}, volume_marker="beat")
    np.testing.assert_allclose(onsets, 40.0 + 2.0 * np.arange(15), atol=1e-6)
    onsets, _ = times({"pulse 7": 11.0 + 2.0 * np.arange(45)})
    np.testing.assert_allclose(onsets[0], 11.0, atol=1e-6)


def test_an_offset_goes_before_markers() -> None:
    onsets, source = times({"R128": 7.0 + 2.0 * np.arange(40)}, eeg_offset=1.5)
    np.testing.assert_allclose(onsets[:2], [1.5, 3.5])
    assert "sync.eeg_offset" in source


def test_markers_of_another_tr_are_no_volumes() -> None:
    onsets, _ = times({"R128": 7.0 + 1.5 * np.arange(60)})
    assert onsets[0] == 0


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(MissingInputError, match=r"no marker 'R1' comes every 2 s.*R128"):
        times({"R128": 7.0 + 2.0 * np.arange(40)}, volume_marker="R1")
    with pytest.raises(BadDataError, match=r"no moment to predict lies within the EEG of 120\.0 s"):
        times({}, eeg_offset=150.0)
    with pytest.raises(BadDataError, match="no moment to predict"):
        find_prediction_clock(side({}), SyncSettings(), tr=2.0, start_time=0.5, duration=0.2)
