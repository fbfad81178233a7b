from dataclasses import replace

import numpy as np
import pytest

from bids_eeg2fmri.simulate.bold_image import BoldRun
from bids_eeg2fmri.simulate.ceilings import measure_ceilings
from bids_eeg2fmri.simulate.design import RunClock
from bids_eeg2fmri.simulate.motion import draw_motion
from bids_eeg2fmri.simulate.run import SimulatedRun


def test_without_noise_the_ceiling_is_one_whatever_motion_and_drift_remain(brain, rng):
    motion = draw_motion(60, tr=2.0, rng=rng)[0]
    signal = rng.standard_normal(60)
    voxels = 1000 * (
        1
        + np.outer(signal + 20 * motion[:, 2] + np.cos(np.arange(60) / 60 * np.pi), brain.mask[brain.mask])
        / 100
    )
    image = np.zeros((*brain.mask.shape, 60), dtype=np.float32)
    image[brain.mask] = voxels.T
    bold = BoldRun(
        raw=image.astype(np.int16),
        affine=brain.affine,
        preprocessed=image,
        noiseless=np.repeat(signal[:, None], 12, axis=1),
    )
    clock = RunClock(lead=5, tail=2, tr=2.0, n_volumes=60)
    run = SimulatedRun(clock=clock, eeg=np.zeros((9, 1)), bold=bold, motion=motion)
    assert measure_ceilings(run, brain) == pytest.approx(1, abs=1e-3)
    other = replace(bold, noiseless=rng.standard_normal((60, 12)))
    assert np.abs(measure_ceilings(replace(run, bold=other), brain)).mean() < 0.4
