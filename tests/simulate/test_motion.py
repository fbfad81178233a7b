import numpy as np
import pytest

from bids_eeg2fmri.simulate.motion import (
    cosine_drifts,
    draw_motion,
    framewise_displacement,
    motion_effect,
)


def test_motion_is_that_of_a_person_lying_still(rng):
    motion = draw_motion(300, tr=2.0, rng=rng)[0]
    displacement = framewise_displacement(motion)
    assert np.all(motion[0] == 0)
    assert 0.05 < np.nanmean(displacement) < 0.4
    assert np.abs(motion[:, :3]).max() < 4


def test_framewise_displacement_adds_rotations_at_50_mm():
    motion = np.zeros((3, 6))
    motion[1:] = [0.1, 0, -0.2, 0.002, 0, 0]
    assert framewise_displacement(motion)[1:] == pytest.approx([0.4, 0])


def test_a_small_shift_moves_the_image(brain):
    motion = np.zeros((1, 6))
    motion[0, 2] = 6.0  # up by one voxel of a linear ramp: exact to first order
    ramp = brain.places[..., 2].copy()
    assert np.allclose(motion_effect(ramp, motion, brain=brain)[0], -6.0)


def test_a_rotation_turns_the_image(brain):
    motion = np.zeros((1, 6))
    motion[0, 5] = 0.01  # about z: x to y
    effect = motion_effect(brain.places[..., 1].copy(), motion, brain=brain)[0]
    assert np.allclose(effect, -0.01 * brain.places[..., 0])


def test_cosines_are_slow_and_orthonormal():
    cosines = cosine_drifts(150, tr=2.0)
    assert cosines.shape == (150, 4)
    assert np.allclose(cosines.T @ cosines, np.eye(4))
