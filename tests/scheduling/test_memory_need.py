from __future__ import annotations

import json
from pathlib import Path

from bids_eeg2fmri.scheduling.memory_need import estimate_memory
from bids_eeg2fmri.settings import Job, Running, Selection, Settings


def need(root: Path, *derivatives: Path) -> int:
    job = Job(
        bids_dir=root,
        output_dir=root / "out",
        derivatives={path.name: path for path in derivatives},
        selection=Selection(),
        running=Running(),
        settings=Settings(),
    )
    return estimate_memory(job, "01")


def make_file(path: Path, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(size)  # takes no space on the disk


def test_more_and_longer_recordings_need_more_and_rates_count(tmp_path: Path) -> None:
    folder = tmp_path / "sub-01" / "eeg"
    folder.mkdir(parents=True)
    least = need(tmp_path)
    assert 500 << 20 < least < 2 << 30
    make_file(folder / "sub-01_task-x_run-1_eeg.eeg", 10**8)
    one = need(tmp_path)
    assert one - least == 4 * 10**8
    make_file(folder / "sub-01_task-x_run-2_eeg.edf", 10**8)
    assert need(tmp_path) - one == 4 * 10**8
    for run in (1, 2):
        sidecar = folder / f"sub-01_task-x_run-{run}_eeg.json"
        sidecar.write_text(json.dumps({"SamplingFrequency": 5000}))
    assert need(tmp_path) - least == 2 * 4 * 10**8 // 5
    sidecar.write_text("no JSON")
    assert need(tmp_path) - least == 4 * 10**8 + 4 * 10**8 // 5


def test_other_participants_and_broken_links_do_not_count(tmp_path: Path) -> None:
    least = need(tmp_path)
    make_file(tmp_path / "sub-011" / "eeg" / "sub-011_task-x_eeg.eeg", 10**9)
    (tmp_path / "sub-01").mkdir()
    (tmp_path / "sub-01" / "sub-01_task-x_eeg.eeg").symlink_to(tmp_path / "nowhere")
    assert need(tmp_path) == least
    derivative = tmp_path / "derivatives" / "fmriprep"
    make_file(derivative / "sub-01" / "func" / "sub-01_task-x_desc-preproc_bold.nii.gz", 10**8)
    assert need(tmp_path, derivative) == least + 10**8
