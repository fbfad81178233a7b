import numpy as np

from bids_eeg2fmri.simulate.brain import SPHERE_RADIUS, read_regions


def test_the_grid_is_in_mni_space(brain):
    inside = brain.places[brain.mask]
    assert 1.2e6 < 216 * brain.mask.sum() < 2.2e6  # mm3 of brain
    assert np.all(np.abs(inside[:, 0]) < 80)
    assert inside[:, 1].min() < -95 < 60 < inside[:, 1].max()
    outer = [brain.mask.take(k, axis=axis) for axis in range(3) for k in (0, -1)]
    assert not any(face.any() for face in outer)


def test_every_region_has_voxels_that_follow_it_most(brain):
    names, centres = read_regions()
    assert brain.region_names == names
    assert len(names) == 12
    assert np.all(brain.spheres.sum(axis=0) >= 4)
    for k, centre in enumerate(centres):
        places = brain.places[brain.mask][brain.spheres[:, k]]
        assert np.all(np.linalg.norm(places - centre, axis=1) <= SPHERE_RADIUS)
    assert brain.blobs.sum(axis=1).max() <= 1 + 1e-12


def test_tissues_fill_the_brain_only(brain):
    total = brain.grey + brain.white + brain.csf
    assert np.all(total[~brain.mask] == 0)
    assert np.all(total[brain.mask] >= 0.99)
    assert np.all(brain.baseline[brain.mask] > 100)
