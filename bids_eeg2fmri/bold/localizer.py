"""A functional localiser: the voxels of each region that respond most to a contrast of the task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from nilearn.glm.contrasts import Contrast, compute_contrast
from nilearn.glm.first_level import run_glm
from numpy.typing import NDArray
from scipy.sparse import csr_array

from bids_eeg2fmri.bold.differences import split_difference
from bids_eeg2fmri.errors import BadDataError, UsageError
from bids_eeg2fmri.records import Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LocalizerData:
    """One run to localise from: its voxels and its task.

    Attributes
    ----------
    change : array, shape (n_volumes, n_units)
        Percent signal change.
    design : array, shape (n_volumes, n_conditions)
        The conditions convolved with the haemodynamic response, with their derivatives.
    regressors : array, shape (n_volumes, n_regressors)
        Confounds.
    fit : array of bool, shape (n_volumes,)
        The volumes that may be learned from.
    """

    change: NDArray[np.float32]
    design: Floats
    design_names: tuple[str, ...]
    regressors: Floats
    fit: NDArray[np.bool_]


def fit_contrast(run: LocalizerData, contrast: str) -> Contrast | None:
    """Return a contrast in every unit of one run, None where the run lacks a condition or has few volumes.

    A general linear model with the confounds as further columns and autoregressive noise; nilearn's.

    Parameters
    ----------
    contrast : str
        ``A-B``, or ``A`` against what is not modelled.
    """
    names = list(run.design_names)
    columns = np.hstack([run.design, run.regressors, np.ones((len(run.design), 1))])[run.fit]
    try:
        plus, minus = split_difference(contrast, names, kind="conditions")
    except UsageError:
        return None  # of runs with several tasks only some have the conditions
    if columns.shape[1] >= len(columns):
        return None
    vector = np.zeros(columns.shape[1])
    vector[names.index(plus)] = 1.0
    if minus:
        vector[names.index(minus)] = -1.0
    labels, results = run_glm(run.change[run.fit], columns, noise_model="ar1")
    return compute_contrast(labels, results, vector, stat_type="t")


def combine_contrasts(contrasts: Sequence[Contrast | None], contrast: str) -> Floats:
    """Return the t statistic over runs (fixed effects) in every unit, (n_units,).

    Raises
    ------
    BadDataError
        If no run shows the contrast.
    """
    there = [found for found in contrasts if found is not None]
    if not there:
        raise BadDataError(
            f"No run to localise from has the contrast {contrast} and more volumes than regressors. "
            "Choose another contrast or fewer confounds."
        )
    total = there[0]
    for found in there[1:]:
        total = total + found
    statistic: Floats = np.nan_to_num(np.asarray(total.stat(), dtype=np.float64).ravel(), nan=-np.inf)
    return statistic


def keep_strongest(statistic: Floats, membership: csr_array, n_voxels: int) -> csr_array:
    """Return the membership (n_regions, n_units) with only the units of largest statistic in each region.

    Regions of fewer units keep all; of equal units the first ones are kept.
    """
    kept = membership.copy().tolil()
    for region in range(membership.shape[0]):
        units = membership.indices[membership.indptr[region] : membership.indptr[region + 1]]
        order = np.argsort(-statistic[units], kind="stable")
        kept[region, units[order[n_voxels:]]] = 0.0
    strongest = csr_array(kept)
    strongest.eliminate_zeros()
    return strongest


def check_contrast(contrast: str, design_names: Sequence[Sequence[str]]) -> None:
    """Raise a UsageError that names the conditions there are if no run has those of a contrast."""
    conditions = sorted({n for names in design_names for n in names if not n.endswith("_derivative")})
    if not conditions:
        raise UsageError("The localiser needs a task; no run has events. Leave --localizer out.")
    split_difference(contrast, conditions, kind="conditions of the task")
