"""How well a perfect predictor could do: the noiseless against the measured signal of each region."""

from __future__ import annotations

import numpy as np

from bids_eeg2fmri.records import Floats
from bids_eeg2fmri.simulate.bold_image import region_means
from bids_eeg2fmri.simulate.brain import Brain
from bids_eeg2fmri.simulate.motion import cosine_drifts
from bids_eeg2fmri.simulate.run import SimulatedRun


def measure_ceilings(run: SimulatedRun, brain: Brain) -> Floats:
    """Return the correlation of noiseless and measured signal per region, shape (n_regions,).

    Both without the six motion parameters, their derivatives and drifts slower than 128 s.
    """
    voxels = run.bold.preprocessed[brain.mask].T.astype(float)
    measured = region_means(100 * (voxels / voxels.mean(axis=0) - 1), brain)
    n_volumes = len(measured)
    derivatives = np.diff(run.motion, axis=0, prepend=run.motion[:1])
    nuisance = np.column_stack(
        [np.ones(n_volumes), run.motion, derivatives, cosine_drifts(n_volumes, tr=run.clock.tr)]
    )
    basis = np.linalg.qr(nuisance / np.linalg.norm(nuisance, axis=0))[0]
    ceilings = []
    for pair in zip(measured.T, run.bold.noiseless.T, strict=True):
        cleaned = [signal - basis @ (basis.T @ signal) for signal in pair]
        ceilings.append(float(np.corrcoef(cleaned)[0, 1]))
    return np.array(ceilings)
