"""From the activity of sources to the BOLD of regions, through the person's own haemodynamic response."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.signal import fftconvolve
from scipy.stats import gamma

from bids_eeg2fmri.records import Floats
from bids_eeg2fmri.simulate.design import TICK
from bids_eeg2fmri.simulate.sources import Source

HRF_DURATION = 32.0
#: Percent signal change of BOLD per unit of drive: when all power a region follows vanishes.
PERCENT_PER_POWER = 1.5
#: The motor source each region follows first, and those it may follow beside.
HOME: dict[str, tuple[str, tuple[str, ...]]] = {
    "M1": ("hand", ("SMA", "PMd", "other hand")),
    "S1": ("hand", ("other hand", "PMd", "SMA")),
    "SMA": ("SMA", ("PMd", "hand", "other PMd")),
    "preSMA": ("SMA", ("PMd", "PMv", "other PMd")),
    "PMd": ("PMd", ("hand", "SMA", "other PMd")),
    "PMv": ("PMv", ("hand", "PMd", "other PMv")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A haemodynamic response: the difference of two gamma densities.

    Friston 1998, doi:10.1006/nimg.1997.0306.

    Attributes
    ----------
    peak, undershoot : float
        When it is highest and lowest, s.
    dispersion : float
        Scale of both densities, s.
    ratio : float
        Area of the undershoot over that of the peak.
    """

    peak: float
    undershoot: float
    dispersion: float
    ratio: float

    def sample(self) -> Floats:
        """Return the response at the ticks from 0 to 32 s, shape (320,), its sum 1."""
        times = (np.arange(int(HRF_DURATION / TICK)) + 0.5) * TICK
        up, down = (
            gamma.pdf(times, mode / self.dispersion + 1, scale=self.dispersion)
            for mode in (self.peak, self.undershoot)
        )
        shape = up - self.ratio * down
        sampled: Floats = shape / shape.sum()
        return sampled


def draw_responses(n_regions: int, rng: np.random.Generator, *, spread: float = 0.3) -> tuple[Response, ...]:
    """Return one response per region: the person's own, regions 0.3 s around it.

    The person's peak lies between 4.5 and 6.5 s. That it differs from person to person: Handwerker 2004,
    doi:10.1016/j.neuroimage.2003.11.029.
    """
    peak, dispersion, ratio = rng.uniform(4.5, 6.5), rng.uniform(0.9, 1.1), rng.uniform(0.08, 0.2)
    peaks = np.clip(peak + rng.normal(0, spread, n_regions), 4.0, 7.0)
    return tuple(
        Response(peak=float(p), undershoot=float(p + 10), dispersion=dispersion, ratio=ratio) for p in peaks
    )


def draw_mixtures(region_names: Sequence[str], sources: Sequence[Source], rng: np.random.Generator) -> Floats:
    """Return how much each region follows each rhythm, shape (n_regions, n_rhythms), rows summing to 1.

    A region follows its home source and one to three other motor sources, alpha and beta of each.
    """
    columns = [(source.name, k) for source in sources for k in range(len(source.rhythms))]
    weights = np.zeros((len(region_names), len(columns)))
    for row, region in enumerate(region_names):
        area, _, side = region.rpartition("_")
        home, others = HOME[area]
        chosen = rng.choice(others, size=rng.integers(1, len(others) + 1), replace=False)
        sizes = [1.0, *rng.uniform(0.15, 0.45, len(chosen))]
        for name, size in zip([home, *chosen], sizes, strict=True):
            alpha = rng.uniform(0.3, 0.7)
            for k, part in enumerate((alpha, 1 - alpha)):
                weights[row, columns.index((_on_side(str(name), side), k))] += size * part
    mixtures: Floats = weights / weights.sum(axis=1, keepdims=True)
    return mixtures


def _on_side(name: str, side: str) -> str:
    """Return the source's full name: on L ``hand`` is ``hand_L``, ``other hand`` is ``hand_R``."""
    if name == "SMA":  # in the middle
        return name
    if name.startswith("other "):
        return f"{name.removeprefix('other ')}_{'R' if side == 'L' else 'L'}"
    return f"{name}_{side}"


def region_signals(drive: Floats, mixtures: Floats, responses: Sequence[Response]) -> Floats:
    """Return the BOLD of each region.

    Parameters
    ----------
    drive : array, shape (n_rhythms, n_ticks)
        What BOLD follows of each rhythm.
    mixtures : array, shape (n_regions, n_rhythms)
    responses : sequence of Response, one per region

    Returns
    -------
    bold : array, shape (n_ticks, n_regions)
        Percent signal change; causal: the value at a tick uses the drive up to that tick.
    """
    signals = [
        fftconvolve(row, response.sample())[: drive.shape[1]]
        for row, response in zip(mixtures @ drive, responses, strict=True)
    ]
    return PERCENT_PER_POWER * np.stack(signals, axis=1)
