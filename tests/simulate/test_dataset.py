import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import mne_bids
import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from bids_eeg2fmri.errors import OutputError
from bids_eeg2fmri.simulate.dataset import simulate_dataset
from bids_eeg2fmri.simulate.design import SFREQ
from bids_eeg2fmri.simulate.options import SimulationOptions

TINY = {"participants": 1, "runs": 1, "volumes": 40, "channels": 16}
NAME = "sub-01_task-imagery_run-1"


def _digests(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def _markers(root: Path, description: str) -> list[int]:
    """Return the samples of a marker as the .vmrk file has them, counted from 0."""
    lines = (root / f"sub-01/eeg/{NAME}_eeg.vmrk").read_text(encoding="utf-8").splitlines()
    fields = [line.partition("=")[2].split(",") for line in lines if line.startswith("Mk")]
    return [int(field[2]) - 1 for field in fields if field[1] == description]


def test_same_seed_same_bytes_whatever_the_number_of_participants(tiny, tmp_path):
    simulate_dataset(tmp_path, SimulationOptions(**{**TINY, "participants": 2}))
    again, first = _digests(tmp_path), _digests(tiny)
    of_sub_01 = {name for name in first if "sub-01" in name}
    assert len(of_sub_01) > 15
    assert {name: again[name] for name in of_sub_01} == {name: first[name] for name in of_sub_01}
    assert set(again) - set(first) == {name.replace("sub-01", "sub-02") for name in of_sub_01}
    eeg = "sub-01/eeg/" + NAME + "_eeg.eeg"
    assert again[eeg] != again[eeg.replace("sub-01", "sub-02")]


def test_other_seed_other_data(tiny, tmp_path):
    simulate_dataset(tmp_path, SimulationOptions(**TINY, seed=1))
    first, other = _digests(tiny), _digests(tmp_path)
    assert set(first) == set(other)
    data = [name for name in first if name.endswith((".eeg", "bold.nii.gz"))]
    assert len(data) == 3
    assert all(first[name] != other[name] for name in data)


@pytest.mark.skipif(
    shutil.which("bids-validator-deno") is None, reason="bids-validator-deno is not installed"
)
@pytest.mark.parametrize("part", [".", "derivatives/fmriprep", "derivatives/truth"])
def test_validator_finds_no_error(tiny, part):
    done = subprocess.run(
        ["bids-validator-deno", "--json", str(tiny / part)], capture_output=True, text=True, check=False
    )
    issues = json.loads(done.stdout)["issues"]["issues"]
    assert [issue for issue in issues if issue["severity"] == "error"] == []
    assert done.returncode == 0


def test_mne_bids_reads_the_eeg(tiny):
    path = mne_bids.BIDSPath(root=tiny, subject="01", task="imagery", run="1", datatype="eeg", suffix="eeg")
    raw = mne_bids.read_raw_bids(path, verbose="error")
    assert raw.info["sfreq"] == SFREQ
    assert raw.get_channel_types() == ["eeg"] * 16 + ["ecg"]
    assert np.isfinite(raw.get_montage().get_positions()["ch_pos"]["C3"]).all()
    assert sorted(set(raw.annotations.description)) == ["imagery", "rest"]
    data = raw.get_data(picks="eeg") * 1e6
    assert np.all((data.std(axis=1) > 3) & (data.std(axis=1) < 200))


def test_one_marker_per_volume_and_events_on_both_clocks(tiny):
    volumes = _markers(tiny, "R128")
    assert len(volumes) == 40
    assert np.all(np.diff(volumes) == 500)
    eeg = pd.read_csv(tiny / f"sub-01/eeg/{NAME}_events.tsv", sep="\t")
    func = pd.read_csv(tiny / f"sub-01/func/{NAME}_events.tsv", sep="\t")
    assert list(func["trial_type"]) == ["rest", "imagery"] * 2
    assert np.allclose(eeg["onset"] - func["onset"], volumes[0] / SFREQ)
    assert list(eeg["sample"][eeg["trial_type"] == "imagery"]) == _markers(tiny, "S  2")


def test_images_and_sidecars_agree(tiny):
    raw = nib.load(tiny / f"sub-01/func/{NAME}_bold.nii.gz")
    folder = tiny / "derivatives/fmriprep/sub-01/func"
    stem = f"{NAME}_space-MNI152NLin2009cAsym_desc"
    image = nib.load(folder / f"{stem}-preproc_bold.nii.gz")
    mask = nib.load(folder / f"{stem}-brain_mask.nii.gz").get_fdata() > 0
    sidecar = json.loads((folder / f"{stem}-preproc_bold.json").read_text())
    assert raw.shape == image.shape == (*mask.shape, 40)
    assert np.allclose(raw.affine, image.affine)
    assert image.header.get_zooms()[3] == sidecar["RepetitionTime"] == 2.0
    assert sidecar["StartTime"] == 1.0
    assert np.array_equal(image.get_fdata().mean(axis=3) > 0, mask)


def test_truth_is_in_the_images(tiny, brain):
    folder = tiny / "derivatives/truth/sub-01"
    truth = pd.read_csv(folder / f"func/{NAME}_desc-truth_timeseries.tsv", sep="\t")
    ceilings = pd.read_csv(folder / "sub-01_task-imagery_desc-ceilings_metrics.tsv", sep="\t")
    assert list(truth) == list(brain.region_names) == list(ceilings["region"])
    assert ceilings["coupled"].all()
    stem = f"{NAME}_space-MNI152NLin2009cAsym_desc-preproc_bold.nii.gz"
    image = nib.load(tiny / "derivatives/fmriprep/sub-01/func" / stem).get_fdata()
    voxels = image[brain.mask].T
    measured = np.stack([voxels[:, sphere].mean(axis=1) for sphere in brain.spheres.T], axis=1)
    trend = np.polynomial.legendre.legvander(np.linspace(-1, 1, 40), 2)
    pair = [x - trend @ np.linalg.lstsq(trend, x, rcond=None)[0] for x in (measured, truth.to_numpy())]
    r = [np.corrcoef(a, b)[0, 1] for a, b in zip(pair[0].T, pair[1].T, strict=True)]
    assert np.mean(r) > 0.35
    assert 0.4 < ceilings["ceiling"].mean() < 0.9


def test_sessions_are_folders_only_when_there_are_several(tmp_path):
    simulate_dataset(tmp_path, SimulationOptions(**TINY, sessions=2))
    names = {path.name for path in tmp_path.rglob("*_eeg.vhdr")}
    assert names == {f"sub-01_ses-{k}_task-imagery_run-1_eeg.vhdr" for k in (1, 2)}
    assert (tmp_path / "sub-01/ses-2/func/sub-01_ses-2_task-imagery_run-1_bold.nii.gz").exists()
    first, second = (
        (tmp_path / f"sub-01/ses-{k}/eeg/sub-01_ses-{k}_space-CapTrak_electrodes.tsv").read_text()
        for k in (1, 2)
    )
    assert first == second


def test_a_folder_with_something_in_it_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(OutputError, match="is not empty"):
        simulate_dataset(tmp_path, SimulationOptions(**TINY))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_what_was_begun_is_removed_when_it_cannot_be_finished(tmp_path):
    def stop(name: str) -> None:
        assert name == NAME
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate_dataset(tmp_path, SimulationOptions(**TINY), stop)
    assert list(tmp_path.iterdir()) == []
