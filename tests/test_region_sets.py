"""Every kind of regions on a simulated dataset through the command, and what is said of wrong ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from bids_eeg2fmri import cli
from bids_eeg2fmri.formats.score_table import read_scores
from bids_eeg2fmri.formats.table import read_table

FUNC = "derivatives/fmriprep/sub-01/func/sub-01_task-imagery_run-1"
SPACE = "space-MNI152NLin2009cAsym"
QUICK = ["--participant-label", "01", "--model", "smr", "--set", "evaluation.n_nulls=9"]


def run(root: Path, out: Path, *args: object) -> int:
    """Run the participant level in this process and return its exit status."""
    with pytest.raises(SystemExit) as stop:
        cli.main([str(root), str(out), "participant", *QUICK, *map(str, args)])
    return int(stop.value.code or 0)


def brain(root: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the brain mask (n_x, n_y, n_z) and the affine of the dataset."""
    image = nib.load(root / f"{FUNC}_{SPACE}_desc-brain_mask.nii.gz")
    return np.asarray(image.dataobj) > 0, image.affine


def save(path: Path, data: np.ndarray, affine: np.ndarray) -> Path:
    nib.save(nib.Nifti1Image(data, affine), path)
    return path


def parcel(mask: np.ndarray, n_parcels: int) -> np.ndarray:
    """Return a brain cut into parcels of about as many voxels each."""
    labels = np.zeros(mask.shape, dtype=np.int16)
    labels[mask] = np.arange(mask.sum()) * n_parcels // mask.sum() + 1
    return labels


def label_image(root: Path, folder: Path) -> Path:
    return save(folder / "parcels.nii.gz", parcel(brain(root)[0], 5), brain(root)[1])


def mask_image(root: Path, folder: Path) -> Path:
    mask, affine = brain(root)
    return save(folder / "hand.nii.gz", (parcel(mask, 5) == 3).astype(np.uint8), affine)


def map_image(root: Path, folder: Path) -> Path:
    mask, affine = brain(root)
    maps = np.stack([(parcel(mask, 3) == k + 1) * 0.5 for k in range(3)], axis=-1)
    return save(folder / "maps.nii.gz", maps.astype(np.float32), affine)


def table(root: Path, folder: Path) -> Path:
    path = folder / "mine.tsv"
    path.write_text("name\tx\ty\tz\tradius\nhand\t-38\t-22\t56\t8\nfoot\t-4\t-30\t66\t8\n")
    return path


def schaefer(root: Path, folder: Path) -> str:
    """Write what stands for nilearn's copy of the parcellation, which is not in the package."""
    own = folder / "schaefer_2018"
    own.mkdir()
    name = "Schaefer2018_100Parcels_7Networks_order"
    save(own / f"{name}_FSLMNI152_2mm.nii.gz", parcel(brain(root)[0], 100), brain(root)[1])
    lines = [f"{k}\t7Networks_LH_SomMot_{k}\t70\t130\t{k}\t0" for k in range(1, 101)]
    (own / f"{name}.txt").write_text("\n".join(lines) + "\n")
    return "schaefer:100"


@pytest.mark.parametrize(
    ("regions", "least", "name"),
    [
        ("seitzman300", 290, "SomatomotorDorsal_013"),
        ("power264", 255, "SomatomotorDorsal_021"),
        ("dosenbach160", 155, "sensorimotor_041"),
        (schaefer, 100, "LH_SomMot_7"),
        (label_image, 5, "label_3"),
        (mask_image, 1, "hand"),
        (map_image, 3, "map_2"),
        (table, 2, "foot"),
    ],
)
def test_every_set_through_the_command(
    small_dataset: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    regions: str | Callable[[Path, Path], object],
    least: int,
    name: str,
) -> None:
    monkeypatch.setenv("NILEARN_DATA", str(tmp_path))
    asked = regions if isinstance(regions, str) else regions(small_dataset, tmp_path)
    out = tmp_path / "out"
    assert run(small_dataset, out, "--regions", asked) == 0
    (written,) = out.glob("sub-01/*_desc-regions_dseg.tsv")
    names = read_table(written)["name"].tolist()
    assert len(names) >= least
    assert name in names
    labels = np.asarray(nib.load(written.with_suffix(".nii.gz")).dataobj)
    assert set(np.unique(labels)) == set(range(len(names) + 1))
    (scores,) = out.glob("sub-01/*_desc-scores_metrics.tsv")
    assert {score.region for score in read_scores(scores)} == {*names, "mean"}


def rename_to_native(root: Path, folder: Path) -> Path:
    return label_image(root, folder).rename(folder / "sub-01_space-T1w_dseg.nii.gz")


def intensities(root: Path, folder: Path) -> Path:
    mask, affine = brain(root)
    return save(folder / "share.nii.gz", (mask * 0.3).astype(np.float32), affine)


def labels_in_4d(root: Path, folder: Path) -> Path:
    mask, affine = brain(root)
    labels = np.stack([parcel(mask, 400)] * 2, axis=-1)
    return save(folder / "series.nii.gz", labels, affine)


def nameless(root: Path, folder: Path) -> Path:
    (folder / "parcels.tsv").write_text("index\tcolour\n1\tred\n")
    return label_image(root, folder)


def elsewhere(root: Path, folder: Path) -> Path:
    mask, affine = brain(root)
    moved = affine + np.array([[0, 0, 0, 900], [0] * 4, [0] * 4, [0] * 4])
    return save(folder / "far.nii.gz", parcel(mask, 5), moved)


def holes(root: Path, folder: Path) -> Path:
    mask, affine = brain(root)
    data = parcel(mask, 5).astype(np.float32)
    data[~mask] = np.nan
    return save(folder / "holes.nii.gz", data, affine)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (rename_to_native, "is in the space T1w but the BOLD is in MNI152NLin2009cAsym"),
        (intensities, "is 3D but holds values that are not whole numbers"),
        (labels_in_4d, "is 4D but holds values from 0 to 400"),
        (nameless, "needs rows and the columns index and name"),
        (elsewhere, "does not overlap the BOLD"),
        (holes, "not finite (NaN)"),
    ],
)
def test_regions_that_do_not_fit(
    small_dataset: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    make: Callable[[Path, Path], Path],
    words: str,
) -> None:
    assert run(small_dataset, tmp_path / "out", "--regions", make(small_dataset, tmp_path)) == 65
    said = capsys.readouterr().out
    assert words in said
    assert "Traceback" not in said


def nan_voxels(root: Path) -> None:
    path = root / f"{FUNC}_{SPACE}_desc-preproc_bold.nii.gz"
    image = nib.load(path)
    data = np.asarray(image.dataobj, dtype=np.float32)
    data[brain(root)[0]] = np.nan
    image.header.set_data_dtype(np.float32)
    nib.save(nib.Nifti1Image(data, image.affine, image.header), path)


def fewer_rows(root: Path) -> None:
    path = root / f"{FUNC}_desc-confounds_timeseries.tsv"
    path.write_text("\n".join(path.read_text().splitlines()[:-3]) + "\n")


def missing_column(root: Path) -> None:
    path = root / f"{FUNC}_desc-confounds_timeseries.tsv"
    path.write_text(path.read_text().replace("csf", "fsc", 1))


def wrong_tr(root: Path) -> None:
    path = root / f"{FUNC}_{SPACE}_desc-preproc_bold.nii.gz"
    image = nib.load(path)
    image.header.set_zooms((*image.header.get_zooms()[:3], 2.5))
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj), image.affine, image.header), path)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (nan_voxels, "holds values that are not finite (NaN) in M1_L"),
        (fewer_rows, "57 rows but the BOLD has 60 volumes"),
        (missing_column, "lacks the columns csf"),
        (wrong_tr, "the header says TR 2.5 s"),
    ],
)
def test_bold_that_does_not_fit(
    own_dataset: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    damage: Callable[[Path], None],
    words: str,
) -> None:
    damage(own_dataset)
    assert run(own_dataset, tmp_path / "out") == 65
    said = capsys.readouterr().out
    assert words in said
    assert "Traceback" not in said
    assert not list((tmp_path / "out" / "sub-01").glob("**/*_desc-*"))


def test_localiser_from_the_training_runs(small_dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    contrasts = 'bold.contrasts={side = "M1_L - M1_R", above = "SMA_L - background"}'
    localizer = ("--localizer", "contrast=imagery-rest", "--set", "bold.localizer_voxels=3")
    assert run(small_dataset, out, *localizer, "--set", contrasts) == 0
    (written,) = out.glob("sub-01/*_desc-regions_dseg.tsv")
    rows = read_table(written)
    assert rows["n_voxels"].max() == 3
    assert rows["fold_overlap"].between(0, 1).all()
    assert len(rows) == 12
    series = read_table(next(out.glob("sub-01/func/*_run-1_desc-regions_timeseries.tsv")))
    assert {"side", "above"} < set(series.columns)
    assert series["side"].to_numpy() == pytest.approx((series["M1_L"] - series["M1_R"]).to_numpy(), abs=1e-4)
    page = (out / "sub-01.html").read_text()
    assert "respond most to imagery-rest in the training runs of each fold" in page
    assert "Jaccard" in page


def test_localiser_of_another_task(
    own_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # The second run becomes a localiser without EEG.
    for path in sorted(own_dataset.rglob("*task-imagery_run-2*")):
        if "eeg" in path.parent.name or "truth" in path.parts:
            continue
        path.rename(path.with_name(path.name.replace("task-imagery_run-2", "task-motorloc")))
    for path in (own_dataset / "sub-01" / "eeg").glob("*run-2*"):
        path.unlink()
    localizer = ("--localizer", "task=motorloc,contrast=imagery-rest", "--set", "bold.localizer_voxels=3")
    only = ("--task-label", "imagery", "--cv", "block")
    assert run(own_dataset, tmp_path / "out", *localizer, *only) == 0, capsys.readouterr().out
    (written,) = (tmp_path / "out").glob("sub-01/*_desc-regions_dseg.tsv")
    rows = read_table(written)
    assert rows["n_voxels"].max() == 3
    assert (rows["fold_overlap"] == 1).all()
    assert "in the task motorloc" in (tmp_path / "out" / "sub-01.html").read_text()
    wrong = ("--localizer", "task=motorloc,contrast=imagery-resst", *only)
    assert run(own_dataset, tmp_path / "out", *wrong) in (64, 65, 1)
    assert "is none of imagery, rest" in capsys.readouterr().out
    assert run(own_dataset, tmp_path / "out", "--localizer", "task=none,contrast=imagery", *only) == 66
    assert "has no BOLD of the task none" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["imagery", "contrast=", "contrast=a,contrast=b", "tsk=a,contrast=b"])
def test_localisers_that_are_not_understood(
    small_dataset: Path, tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(small_dataset, tmp_path / "out", "--localizer", text) == 64
    assert "expected contrast=A-B or task=NAME,contrast=A-B" in capsys.readouterr().err
