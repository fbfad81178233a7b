from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bids_eeg2fmri.bold.grid import Grid, drop_uncovered
from bids_eeg2fmri.bold.published_sets import dosenbach160, motor, power264, seitzman300
from bids_eeg2fmri.bold.region_set import load_regions
from bids_eeg2fmri.bold.spheres import Spheres, paint_spheres, place_spheres, read_spheres
from bids_eeg2fmri.errors import BadDataError, UsageError

AFFINE = np.array([[4.0, 0, 0, -92], [0, 4, 0, -128], [0, 0, 4, -74], [0, 0, 0, 1]])
SHAPE = (47, 56, 47)


def make_grid(mask: np.ndarray | None = None, affine: np.ndarray = AFFINE) -> Grid:
    return Grid(shape=SHAPE, affine=affine, mask=np.ones(SHAPE, dtype=bool) if mask is None else mask)


def places(affine: np.ndarray = AFFINE) -> np.ndarray:
    return np.moveaxis(np.indices(SHAPE), 0, -1) @ affine[:3, :3].T + affine[:3, 3]


def test_motor_set_has_its_twelve_regions_on_their_sides() -> None:
    spheres = motor()
    assert len(spheres.names) == 12
    left = np.array([name.endswith("_L") for name in spheres.names])
    assert np.all((spheres.centres[:, 0] < 0) == left)


#: Table 1 of Mayka et al. 2006: peaks of the likelihood maps, left, Talairach mm.
MAYKA = {
    "M1": (-37, -21, 58),
    "S1": (-40, -24, 50),
    "SMA": (-2, -7, 55),
    "preSMA": (-3, 6, 53),
    "PMd": (-30, -4, 58),
    "PMv": (-50, 5, 22),
}


def test_motor_centres_are_those_of_the_published_table() -> None:
    spheres = motor()
    # The paper brings MNI to Talairach, above the AC line, by these equations.
    to_talairach = np.array([[0.99, 0, 0], [0, 0.9688, 0.046], [0, -0.0485, 0.9189]])
    for name, centre in zip(spheres.names, spheres.centres, strict=True):
        area, side = name.split("_")
        published = np.array(MAYKA[area]) * [1 if side == "L" else -1, 1, 1]
        assert to_talairach @ centre == pytest.approx(published, abs=0.1), name


def test_published_sets_name_networks_and_have_their_radii() -> None:
    for spheres, n_regions, name, centre in [
        (seitzman300(), 300, "unassigned_001", (-56.16, -44.76, -24.23)),
        (power264(), 264, "unassigned_001", (-25, -98, -12)),
        (dosenbach160(), 160, "default_001", (6, 64, 3)),
    ]:
        assert len(set(spheres.names)) == n_regions == len(spheres.centres)
        assert spheres.names[0] == name
        assert spheres.centres[0] == pytest.approx(centre)
        assert spheres.radii is not None
        assert set(spheres.radii) <= {4.0, 5.0}


def test_power_regions_have_the_networks_of_the_set_that_took_them_over() -> None:
    names = power264().names
    assert sum(name.startswith("Power_") for name in names) == 25
    motor_regions = np.array([name.startswith("SomatomotorDorsal") for name in names])
    # The hand and foot area of both sides: high up and behind the frontal lobe.
    assert motor_regions.sum() > 20
    assert np.median(power264().centres[motor_regions], axis=0)[2] > 40


@pytest.mark.parametrize("angle", [0.0, 0.5])
def test_a_voxel_belongs_to_the_nearest_centre_within_its_radius(angle: float) -> None:
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    affine = turn @ AFFINE
    spheres = Spheres(
        names=("a", "b"),
        centres=np.array([[-37.4, -24.6, 55.0], [-31.0, -24.6, 55.0]]),
        radii=np.array([4.0, 12.0]),
    )
    labels = paint_spheres(spheres, radius=99.0, grid=make_grid(affine=affine))
    distance = np.linalg.norm(places(affine)[..., None, :] - spheres.centres, axis=-1)
    reached = np.where(distance <= spheres.radii, distance, np.inf)
    expected = np.where(np.isfinite(reached.min(axis=-1)), reached.argmin(axis=-1) + 1, 0)
    inside = labels > 0
    assert np.array_equal(labels[inside], expected[inside])  # grey matter takes some of the rest away
    assert {1, 2} <= set(labels[inside])
    assert inside.sum() > 0.3 * (expected > 0).sum()


def test_a_sphere_smaller_than_a_voxel_is_the_voxel_it_lies_in() -> None:
    spheres = Spheres(names=("a",), centres=np.array([[-36.0 + 1.9, -24.0, 54.0 + 1.9]]))
    labels = paint_spheres(spheres, radius=0.5, grid=make_grid())
    assert np.argwhere(labels).tolist() == [[14, 26, 32]]


def test_spheres_are_disjoint_in_the_mask_and_keep_to_their_side() -> None:
    spheres = motor()
    mask = np.ones(SHAPE, dtype=bool)
    mask[:, :, -10:] = False
    labels = paint_spheres(spheres, radius=8.0, grid=make_grid(mask))
    x = places()[..., 0]
    for index, name in enumerate(spheres.names, start=1):
        voxels = labels == index
        assert voxels.any()
        assert not np.any(voxels & ~mask)
        assert np.all(x[voxels] <= 0) if name.endswith("_L") else np.all(x[voxels] >= 0)


def test_a_region_outside_the_data_is_an_error_that_names_it() -> None:
    mask = np.zeros(SHAPE, dtype=bool)
    mask[:20] = True
    placed = place_spheres(motor(), make_grid(mask), radius=8.0)
    with pytest.raises(BadDataError, match=r"Regions M1_R at \(37.4, .* and 3 more have no voxel"):
        drop_uncovered(placed, min_voxels=1)
    mask[:] = False
    with pytest.raises(BadDataError, match="Not one of the regions"):
        drop_uncovered(place_spheres(motor(), make_grid(mask), radius=8.0), min_voxels=1)


def test_of_a_large_set_what_is_not_covered_is_dropped_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    mask = np.zeros(SHAPE, dtype=bool)
    mask[:, :, 25:] = True
    placed = place_spheres(seitzman300(), make_grid(mask), radius=8.0)
    kept, notes = drop_uncovered(placed, min_voxels=1)
    n_dropped = 300 - len(kept.names)
    assert 50 < n_dropped < 250
    assert notes[0].startswith(f"{n_dropped} of 300 regions dropped")
    assert notes[0] in caplog.text
    assert kept.weights.shape[0] == len(kept.names)
    rows = [placed.names.index(name) for name in kept.names]
    assert (kept.weights - placed.weights[rows]).nnz == 0


def test_small_regions_are_dropped_by_their_count(caplog: pytest.LogCaptureFixture) -> None:
    placed = place_spheres(motor(), make_grid(), radius=8.0)
    counts = np.diff(placed.weights.indptr)
    least = int(np.sort(counts)[3]) + 1
    kept, (note,) = drop_uncovered(placed, min_voxels=least)
    assert len(kept.names) == np.count_nonzero(counts >= least) < 12
    assert f"fewer than {least} voxels" in note
    with pytest.raises(BadDataError, match="the largest has"):
        drop_uncovered(placed, min_voxels=10_000)


def test_regions_from_a_table(tmp_path: Path) -> None:
    path = tmp_path / "mine.tsv"
    path.write_text("name\tx\ty\tz\tradius\nhand\t-38\t-22\t56\t6\n")
    spheres = load_regions(str(path))
    assert isinstance(spheres, Spheres)
    assert spheres.names == ("hand",)
    assert spheres.radii is not None
    assert spheres.radii.tolist() == [6.0]
    for text, words in [
        ("x\ty\tz\n1\t2\t3\n", "no table of regions"),
        ("name\tx\ty\tz\na\t1\t2\t3\na\t1\t2\t3\n", "names a region twice"),
        ("name\tx\ty\tz\na\tone\t2\t3\n", "holds no numbers"),
        ("name\tx\ty\tz\na\tn/a\t2\t3\n", "lacks coordinates"),
        ("name\tx\ty\tz\tradius\na\t1\t2\t3\t0\n", "lacks a radius"),
    ]:
        path.write_text(text)
        with pytest.raises(BadDataError, match=words):
            read_spheres(path)
    with pytest.raises(UsageError, match="There is no file"):
        read_spheres(tmp_path / "none.tsv")
