"""Published region sets given by coordinates in MNI space."""

from __future__ import annotations

from importlib.resources import as_file, files

import numpy as np
from nilearn.datasets import (
    fetch_coords_dosenbach_2010,
    fetch_coords_power_2011,
    fetch_coords_seitzman_2018,
)
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from bids_eeg2fmri.bold.spheres import Spheres, read_spheres


def motor() -> Spheres:
    """Return the motor network: M1, S1, SMA, pre-SMA, PMd and PMv, left and right.

    Peaks of the likelihood maps in Table 1 of Mayka et al. 2006 (10.1016/j.neuroimage.2006.02.004), which are
    in Talairach space, brought to MNI space by the inverse of the equations the paper converts with. The
    table beside this module says for each centre where it is from, and that the right ones are mirrored.
    """
    with as_file(files("bids_eeg2fmri.bold").joinpath("regions", "motor.tsv")) as path:
        return read_spheres(path)


def seitzman300() -> Spheres:
    """Return 300 regions of cortex, subcortex and cerebellum, with their networks and radii.

    Seitzman et al. 2020 (10.1016/j.neuroimage.2019.116290). A name is the network and the number in the
    published table: ``SomatomotorDorsal_013``.
    """
    table = fetch_coords_seitzman_2018(ordered_regions=False)
    return Spheres(
        names=_number([str(network) for network in table["networks"]]),
        centres=np.asarray(table["rois"], dtype=np.float64),
        radii=np.asarray(table["radius"], dtype=np.float64),
    )


def power264() -> Spheres:
    """Return 264 regions of cortex, subcortex and cerebellum, as spheres of 5 mm radius.

    Power et al. 2011 (10.1016/j.neuron.2011.09.006). The radius is the one that users of the set give for it
    (for example PMC10727773); it was not checked against the paper. The published coordinates come without
    networks; those of :func:`seitzman300`, which took most of its cortical regions from this set, are given
    to the regions that are in both. The others are called after the set: ``Power_078``.
    """
    centres = np.asarray(fetch_coords_power_2011()["rois"][["x", "y", "z"]], dtype=np.float64)
    table = fetch_coords_seitzman_2018(ordered_regions=False)
    distance, nearest = cKDTree(np.asarray(table["rois"], dtype=np.float64)).query(centres)
    # Coordinates here are rounded to whole mm, which moves a point by less than 0.87 mm.
    networks = [
        str(table["networks"][k]) if d < 1 else "Power" for d, k in zip(distance, nearest, strict=True)
    ]
    return Spheres(names=_number(networks), centres=centres, radii=_five_mm(centres))


def dosenbach160() -> Spheres:
    """Return 160 regions of cortex and cerebellum with their networks, as spheres of 5 mm radius.

    Dosenbach et al. 2010 (10.1126/science.1194144). The radius is that of :func:`power264`, of one group;
    it was not checked against the paper. A name is the network and the published number:
    ``sensorimotor_041``.
    """
    table = fetch_coords_dosenbach_2010(ordered_regions=False)
    centres = np.asarray(table["rois"][["x", "y", "z"]], dtype=np.float64)
    names = _number([str(network) for network in table["networks"]])
    return Spheres(names=names, centres=centres, radii=_five_mm(centres))


def _number(networks: list[str]) -> tuple[str, ...]:
    """Return each network with its place in the published table, counted from 1."""
    return tuple(f"{network}_{k:03d}" for k, network in enumerate(networks, start=1))


def _five_mm(centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a radius of 5 mm for each of the centres (n_regions, 3)."""
    return np.full(len(centres), 5.0)
