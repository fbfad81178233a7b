"""Search for the affine placement of an image at which it tells most of the tissues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from bids_eeg2fmri.bold.mutual_information import ClassMaps, Sample, measure_information
from bids_eeg2fmri.bold.rigid import Matrix, rigid_matrix

#: Parameters: translations (mm), rotations (rad), log scales, shears. One unit of the search moves the
#: surface of a head, about this far (mm) from the centre, by a millimetre.
_RADIUS = 70.0
_UNITS = np.array([1.0] * 3 + [1 / _RADIUS] * 9)
#: What is known of heads before looking: those of adults are some percent smaller than the MNI template
#: (Ashburner 1997, 10.1006/nimg.1997.0299), and hardly sheared.
_USUAL = np.array([0.0] * 6 + [0.05] * 3 + [0.0] * 3)
_SPREAD = np.array([np.inf] * 6 + [0.08] * 3 + [0.03] * 3)
#: As many independent points a head is taken to have; the more, the less the usual counts.
_INDEPENDENT = 1000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Placement:
    """Parameters (12,) of an affine map, and the mutual information (nats) found there."""

    parameters: NDArray[np.float64]
    information: float


def affine_matrix(parameters: NDArray[np.float64], centre: NDArray[np.float64]) -> Matrix:
    """Return the matrix (4, 4): scales and shears about the centre (3,), mm, then the rigid movement."""
    stretch = np.diag(np.append(np.exp(parameters[6:9]), 1.0))
    shear = np.eye(4)
    shear[0, 1:3], shear[1, 2] = parameters[9:11], parameters[11]
    to_centre, back = np.eye(4), np.eye(4)
    to_centre[:3, 3], back[:3, 3] = -centre, centre
    matrix: Matrix = rigid_matrix(parameters[:6], centre) @ back @ stretch @ shear @ to_centre
    return matrix


def search(
    sample: Sample,
    classes: ClassMaps,
    start: NDArray[np.float64],
    *,
    centre: NDArray[np.float64],
    n_free: int,
    n_steps: int = 60,
) -> Placement:
    """Return the best placement near a start.

    Parameters
    ----------
    start : array, shape (12,)
    n_free : int
        6 for a rigid placement, 7 for one common scale, 12 for all.
    """
    spread = _spread_of(n_free)
    is_prior = n_free > 6

    def cost(units: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        parameters = start + spread @ units
        information, by_matrix = measure_information(sample, classes, affine_matrix(parameters, centre))
        slope = np.array([np.sum(by_matrix * change[:3]) for change in _matrix_changes(parameters, centre)])
        unusual = (parameters - _USUAL) / _SPREAD * is_prior
        value = -information + 0.5 * np.sum(unusual**2) / _INDEPENDENT
        return value, spread.T @ (-slope + unusual / _SPREAD / _INDEPENDENT)

    found: Any = minimize(
        cost,
        np.zeros(spread.shape[1]),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": n_steps, "ftol": 1e-7, "gtol": 1e-6},
    )
    return Placement(parameters=start + spread @ found.x, information=-float(found.fun))


def search_all(
    sample: Sample,
    classes: ClassMaps,
    starts: Sequence[NDArray[np.float64]],
    *,
    centre: NDArray[np.float64],
    n_free: int,
) -> Placement:
    """Return the best placement of several starts: short searches from all, a longer one from the best."""
    tried = [search(sample, classes, s, centre=centre, n_free=n_free, n_steps=12) for s in starts]
    tried.sort(key=lambda placement: -placement.information)
    longer = [search(sample, classes, t.parameters, centre=centre, n_free=n_free) for t in tried[:3]]
    return max(longer, key=lambda placement: placement.information)


def _spread_of(n_free: int) -> NDArray[np.float64]:
    """Return how the free units of the search spread to the parameters, (12, n_free)."""
    if n_free != 7:
        return np.diag(_UNITS)[:, :n_free]
    spread = np.zeros((12, 7))
    spread[:6, :6] = np.diag(_UNITS[:6])
    spread[6:9, 6] = _UNITS[6]
    return spread


def _matrix_changes(parameters: NDArray[np.float64], centre: NDArray[np.float64]) -> list[Matrix]:
    """Return the change (4, 4) of the matrix per parameter."""
    step = 1e-5
    return [
        (affine_matrix(parameters + step * axis, centre) - affine_matrix(parameters - step * axis, centre))
        / (2 * step)
        for axis in np.eye(12)
    ]
