"""How sure a correlation is: resampling of blocks of volumes, which keeps most of the autocorrelation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bids_eeg2fmri.evaluation.metrics import fisher_z
from bids_eeg2fmri.records import Floats

#: Blocks this long hold what is correlated in BOLD, s.
_BLOCK = 20.0
_DRAWS = 1000


def confidence_interval(
    pairs: Sequence[tuple[Floats, Floats]],
    trs: Sequence[float],
    *,
    rng: np.random.Generator,
    level: float = 0.95,
) -> tuple[Floats, Floats]:
    """Return the lower and upper end of the interval of r over runs, each (n_regions,).

    Blocks of 20 s are drawn with replacement within each run (Künsch 1989, 10.1214/aos/1176347265). A block
    enters by its sums of squares and products, so that a draw is a matrix product. A side
    that does not vary counts as r = 0.

    Parameters
    ----------
    pairs : sequence of (predicted, measured), each of shape (n_volumes, n_regions)
        One pair per run; r over runs is the inverse Fisher z of their mean z.
    trs : sequence of float
    level : float
        Share of the draws within the interval.
    """
    total = np.zeros((_DRAWS, pairs[0][0].shape[1]))
    for (predicted, measured), tr in zip(pairs, trs, strict=True):
        n_blocks = max(round(len(predicted) * tr / _BLOCK), 2)
        sums = _block_sums(predicted, measured, n_blocks)
        counts = rng.multinomial(n_blocks, np.full(n_blocks, 1 / n_blocks), size=_DRAWS).astype(np.float64)
        n, x, y, xx, yy, xy = (np.tensordot(counts, part, axes=1) for part in sums)
        product = xy - x * y / n
        size = np.sqrt(np.maximum(xx - x**2 / n, 0) * np.maximum(yy - y**2 / n, 0))
        r = np.divide(product, size, out=np.zeros(size.shape), where=size > 0)
        total += fisher_z(np.clip(r, -1.0, 1.0))
    tail = (1 - level) / 2
    low, high = np.quantile(np.tanh(total / len(pairs)), [tail, 1 - tail], axis=0)
    return low, high


def _block_sums(predicted: Floats, measured: Floats, n_blocks: int) -> Floats:
    """Return counts, sums, squares and products, (6, n_blocks, n_regions), about the means of the run."""
    x, y = predicted - predicted.mean(axis=0), measured - measured.mean(axis=0)
    starts = np.linspace(0, len(x), n_blocks + 1).astype(int)[:-1]
    terms = (np.ones_like(x), x, y, x**2, y**2, x * y)
    sums: Floats = np.stack([np.add.reduceat(term, starts, axis=0) for term in terms])
    return sums
