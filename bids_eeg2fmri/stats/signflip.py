"""The sign-flip test of whether the mean over participants is above zero.

Under the null hypothesis that each participant's value is symmetric about zero, its sign means nothing, so
the statistic is compared with what it would be had the signs fallen otherwise. A participant's sign is
flipped for all regions together, which keeps the dependence between regions: the largest statistic over
regions then controls the family-wise error (Nichols and Holmes 2002, doi:10.1002/hbm.1058). Beside it stands
the false discovery rate (Benjamini and Hochberg 1995, doi:10.1111/j.2517-6161.1995.tb02031.x).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import false_discovery_control

from bids_eeg2fmri.records import Floats, GroupTest

#: What a test can be of (``GroupTest.measure``).
Measure = Literal["r", "r_given_task", "r_given_task_nuisance", "r_minus_task"]
#: Up to this many participants all 2^n signs are tried (4096); beyond, they are drawn.
MOST_EXACT = 12
#: The region that is the mean of the others: tested by itself, no member of the family of regions.
MEAN_REGION = "mean"
#: Statistics closer than this (of a value between -1 and 1) are ties: what remains is rounding.
_TIE = 1e-9


def smallest_p(n_participants: int, *, n_permutations: int = 9999) -> float:
    """Return the smallest p value that the test can give, NaN with fewer than two participants."""
    if n_participants < 2:
        return float("nan")
    return 0.5**n_participants if n_participants <= MOST_EXACT else 1 / (n_permutations + 1)


def describe_smallest_p(n_participants: int, *, n_permutations: int = 9999) -> str:
    """Say in one or two sentences what the test can and cannot show with this many participants."""
    if n_participants < 2:
        return f"With {n_participants} participant(s) nothing can be said about people in general: no test."
    p = smallest_p(n_participants, n_permutations=n_permutations)
    if n_participants > MOST_EXACT:
        return (
            f"With {n_participants} participants the signs were drawn {n_permutations} times: "
            f"the smallest possible p is {_show(p)}."
        )
    text = (
        f"With {n_participants} participants there are {2**n_participants} ways to flip the signs: "
        f"the smallest possible one-sided p is {_show(p)}."
    )
    return text if p < 0.05 else f"{text} No result of this test can be below .05."


def _show(p: float) -> str:
    """Return a p value as it is read in a paper: ``.0039``."""
    return f"{p:.2g}".removeprefix("0")


def sign_flip_test(
    fisher_z: Floats,
    *,
    model: str,
    region_names: Sequence[str],
    rng: np.random.Generator,
    measure: Measure = "r",
    n_permutations: int = 9999,
) -> tuple[GroupTest, ...]:
    """Test each region across participants: one-sided, statistic t, all sign flips up to 12 participants.

    Beyond 12 participants ``n_permutations`` flips are drawn and p = (b + 1) / (n_permutations + 1). The
    family of ``p_max_t`` and ``p_fdr`` is all regions but ``mean``, for which both are NaN. A value that is
    not finite is missing: that participant does not count for that region, and the region's own number of
    participants is reported; a region with fewer than two has p NaN and is no member of the family.

    Parameters
    ----------
    fisher_z : array, shape (n_participants, n_regions)
        Fisher z, or differences of Fisher z.
    model : str
        Written into the results, as is ``measure``.
    region_names : sequence of str, one per column
    rng : Generator
        Used only beyond 12 participants.

    Returns
    -------
    tuple of GroupTest, one per region, in order
    """
    z = np.asarray(fisher_z, dtype=np.float64)
    if z.ndim != 2 or z.shape[1] != len(region_names):
        raise ValueError(f"fisher_z: expected (n_participants, {len(region_names)}), got {z.shape}.")
    z = z[np.isfinite(z).any(axis=1)]
    present = np.isfinite(z)
    n = present.sum(axis=0)
    is_exact = len(z) <= MOST_EXACT
    signs = _all_signs(len(z)) if is_exact else rng.choice((-1.0, 1.0), size=(n_permutations, len(z)))
    values = np.where(present, z, 0.0)
    # The tie is granted on a value that is bounded: t runs away as all participants become the same.
    observed = _to_t(_standardised_mean(values, np.ones((1, len(z))), n) - _TIE, n)[0]
    null = _to_t(_standardised_mean(values, signs, n), n)

    family = (n >= 2) & np.array([name != MEAN_REGION for name in region_names], dtype=bool)
    p = np.where(n >= 2, _p_value(null >= observed, is_exact=is_exact), np.nan)
    p_max_t, p_fdr = np.full(len(n), np.nan), np.full(len(n), np.nan)
    if family.any():
        largest = null[:, family].max(axis=1, keepdims=True)
        p_max_t[family] = _p_value(largest >= observed[family], is_exact=is_exact)
        p_fdr[family] = false_discovery_control(p[family], method="bh")

    tests = []
    for k, name in enumerate(region_names):
        there = z[present[:, k], k]
        mean = float(there.mean()) if n[k] else float("nan")
        tests.append(
            GroupTest(
                model=model,
                measure=measure,
                region=name,
                n_participants=int(n[k]),
                r=float(np.tanh(mean)),
                fisher_z=mean,
                fisher_z_sd=float(there.std(ddof=1)) if n[k] > 1 else float("nan"),
                p=float(p[k]),
                p_max_t=float(p_max_t[k]),
                p_fdr=float(p_fdr[k]),
            )
        )
    return tuple(tests)


def _all_signs(n_participants: int) -> Floats:
    """Return all (2^n, n) combinations of 1 and -1, the observed one (all 1) first."""
    bits = (np.arange(2**n_participants)[:, np.newaxis] >> np.arange(n_participants)) & 1
    return np.where(bits == 0, 1.0, -1.0)


def _standardised_mean(values: Floats, signs: Floats, n: NDArray[np.intp]) -> Floats:
    """Return mean / root mean square of each region under each flip, (n_flips, n_regions), in -1 to 1.

    ``values`` is 0 where a participant is missing; the root mean square is the same under every flip.
    """
    root = np.sqrt(n * np.sum(values**2, axis=0))
    return np.asarray(np.divide(signs @ values, root, out=np.zeros((len(signs), len(n))), where=root > 0))


def _to_t(standardised_mean: Floats, n: NDArray[np.intp]) -> Floats:
    """Return the t statistic of the mean, (n_flips, n_regions); very large where all values are the same."""
    rest = np.maximum(1.0 - standardised_mean**2, np.finfo(np.float64).eps)
    return np.asarray(standardised_mean * np.sqrt(np.maximum(n - 1, 0)) / np.sqrt(rest))


def _p_value(as_large: NDArray[np.bool_], *, is_exact: bool) -> Floats:
    """Return the share of flips (rows) with a statistic as large as the observed one, per region.

    Of all flips the observed one is a member; of drawn ones it is counted in beside them.
    """
    if is_exact:
        return np.asarray(as_large.mean(axis=0))
    return np.asarray((as_large.sum(axis=0) + 1) / (len(as_large) + 1))
