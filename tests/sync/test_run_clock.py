from __future__ import annotations

from pathlib import Path

import mne
import numpy as np
import pybv
import pytest

from bids_eeg2fmri.bids.dataset import IndexedFile
from bids_eeg2fmri.errors import MissingInputError
from bids_eeg2fmri.records import VolumeClock
from bids_eeg2fmri.settings import SyncSettings
from bids_eeg2fmri.sync.recordings import BoldSide, EegSide, read_eeg_side
from bids_eeg2fmri.sync.run_clock import check_against_artefact, find_run_clock


def write_eeg(folder: Path, data: np.ndarray, sfreq: float) -> EegSide:
    path = folder / "sub-1_task-a_eeg.vhdr"
    pybv.write_brainvision(
        data=data * 1e-6,
        sfreq=sfreq,
        ch_names=[f"C{k}" for k in range(1, len(data) + 1)],
        fname_base=path.stem,
        folder_out=str(folder),
        overwrite=True,
    )
    return read_eeg_side(IndexedFile(path=path, fields={"subject": "1"}), folder)


def bold_of(n_volumes: int, tr: float) -> BoldSide:
    file = IndexedFile(path=Path("sub-1_task-a_bold.nii.gz"), fields={"subject": "1"})
    return BoldSide(file=file, header=None, metadata={}, n_volumes=n_volumes, tr=tr, problems=())


def test_uncorrected_eeg_without_any_marker(tmp_path: Path, scanner_eeg) -> None:
    recording = scanner_eeg(sfreq=1000.0)
    eeg = write_eeg(tmp_path, recording.data(np.random.default_rng(0), n_channels=4), recording.sfreq)
    assert not eeg.markers
    clock = find_run_clock(eeg, bold_of(recording.n_volumes, recording.tr), SyncSettings())
    assert "gradient artefact" in clock.source
    assert np.abs(clock.onsets - recording.volume_onsets).max() < 0.02
    assert clock.uncertainty < 0.02


def test_a_clock_is_checked_against_the_artefact(tmp_path: Path, scanner_eeg) -> None:
    recording = scanner_eeg(sfreq=1000.0)
    eeg = write_eeg(tmp_path, recording.data(np.random.default_rng(1), n_channels=4), recording.sfreq)
    clock = VolumeClock(onsets=recording.volume_onsets + 0.030, source="markers", jitter=0.0, drift=0.0)
    (told,) = check_against_artefact(eeg.path, clock, tr=recording.tr)
    lag = float(told.split(" lies ")[1].split(" ms")[0])
    assert lag == pytest.approx(-30, abs=10)


def test_corrected_eeg_has_no_artefact_to_tell_the_time_by(tmp_path: Path) -> None:
    data = 20 * np.random.default_rng(2).standard_normal((4, 60_000))
    eeg = write_eeg(tmp_path, data, 1000.0)
    clock = VolumeClock(onsets=np.arange(20) * 2.0 + 5, source="markers", jitter=0.0, drift=0.0)
    assert check_against_artefact(eeg.path, clock, tr=2.0) == ()
    with pytest.raises(MissingInputError, match=r"No marker of the EEG .* No gradient artefact"):
        find_run_clock(eeg, bold_of(20, 2.0), SyncSettings())


def test_channels_are_read_in_blocks_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bids_eeg2fmri.formats import eeg_recording

    data = np.random.default_rng(3).standard_normal((4, 1234))
    eeg = write_eeg(tmp_path, data, 100.0)
    monkeypatch.setattr(eeg_recording, "_BLOCK", 500)
    read, sfreq = eeg_recording.read_first_channels(eeg.path, n_channels=3)
    expected = mne.io.read_raw(eeg.path, verbose="error").get_data()[:3]
    assert sfreq == 100.0
    np.testing.assert_allclose(read, expected, rtol=1e-6)
