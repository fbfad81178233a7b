"""When the scanner ran, told from the gradient artefact itself in EEG that is not yet corrected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.sync.markers import OFFSET_ADVICE

#: Means over these times (s) find the beginning of the artefact (coarse) and date it (fine).
_COARSE, _FINE = 0.010, 0.001
#: The artefact has begun where the repeating power passes this share of its mean; from the first to the last
#: of the three is the uncertainty. It must also be this many times what the EEG before the scan reaches.
_BEGINS_AT = (0.01, 0.03, 0.1)
_ABOVE_NOISE = 2.0
#: A TR of at least this share of the usual repeating power is of the scan. Not more: where clocks drift,
#: the steepest gradients fall between samples for part of a scan.
_WITHIN = 0.1
#: Least repeating share of the power within the scan, and least rise of the power at its beginning (dB):
#: corrected EEG repeats by a few per cent; line noise repeats, but does not rise.
_LEAST_REPEATING, _LEAST_RISE = 0.5, 10.0
#: How many samples the TR on the EEG's clock may differ from the header's: 300 ppm of 2 s at 5 kHz.
_LAG_RANGE = 3

_Slope = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class GradientArtefact:
    """The gradient artefact of one scan, on the EEG's clock.

    Attributes
    ----------
    onset, uncertainty : float
        Where it begins, and how far that may be from the truth, s.
    period : float
        The TR on the EEG's clock, s.
    n_volumes : int
        Volumes it holds, dummies included.
    rise : float
        Power of the signal's slope within the scan over that before it, dB.
    """

    onset: float
    uncertainty: float
    period: float
    n_volumes: int
    rise: float


def find_gradient_artefact(
    data: NDArray[Any], sfreq: float, *, tr: float, n_volumes: int
) -> GradientArtefact:
    """Find beginning, period and number of volumes of the gradient artefact.

    The product of the signal's slope with itself one TR later is large within the scan and near zero outside
    it, whatever else (movement, muscles) happens there. The TR must be known: the artefact also repeats with
    every slice.

    Parameters
    ----------
    data : array, shape (n_channels, n_times)
        EEG before any correction, any unit. Eight channels are enough; all cost memory.
    sfreq : float
        Samples per second, Hz.
    tr : float
        Seconds from volume to volume, from the BOLD header.
    n_volumes : int
        Volumes stored in the BOLD image; the artefact may hold more.

    Raises
    ------
    BadDataError
        If nothing repeats at the TR, if it does so twice, or if the scan had begun before the EEG.
    """
    lag = round(tr * sfreq)
    if data.shape[1] < 4 * lag:
        raise BadDataError(
            f"The EEG of {data.shape[1] / sfreq:.1f} s is shorter than four volumes of {tr:g} s, too "
            f"short to find the gradient artefact: {OFFSET_ADVICE}."
        )
    slope = np.diff(np.asarray(data, dtype=np.float32), axis=1)
    lag = max(range(lag - _LAG_RANGE, lag + _LAG_RANGE + 1), key=lambda shift: _product(slope, 0, shift))
    repeating, power = _repetition(slope, lag)
    begin, end, level = _scan(repeating, power, lag, n_volumes=n_volumes, tr=tr)
    noise = _ABOVE_NOISE * _noise(repeating[:begin], sfreq)
    thresholds = [max(share * level, noise) for share in _BEGINS_AT]
    beginnings = [begin + _beginning(repeating[begin:], lag, x, sfreq) for x in thresholds]
    first = beginnings[1]
    rise = _rise(power, first, end, sfreq)
    if rise < _LEAST_RISE:
        raise BadDataError(
            f"What repeats at the TR of {tr:g} s does not begin within the EEG (its power rises by "
            f"{rise:.0f} dB, that of a scan by more than {_LEAST_RISE:.0f}): the scan had begun before, or "
            f"it is line noise; {OFFSET_ADVICE}."
        )
    # Each volume but the last is repeated: the scan ends one lag after the last product.
    last = end - 1 - _beginning(repeating[:end][::-1], lag, thresholds[1], sfreq)
    # A pause at the end of each volume is shorter than nine tenths of the TR.
    n_found = int(np.ceil((last + lag - first) / lag - 0.1))
    return GradientArtefact(
        onset=first / sfreq,
        uncertainty=max(_FINE, (beginnings[2] - beginnings[0]) / sfreq),
        period=_period(slope, first, lag, n_found) / sfreq,
        n_volumes=n_found,
        rise=rise,
    )


def _product(slope: _Slope, start: int, shift: int, length: int | None = None) -> float:
    """Return the sum over channels of the slope from ``start`` times itself ``shift`` samples later."""
    stop = slope.shape[1] - shift if length is None else min(start + length, slope.shape[1] - shift)
    return sum(float(np.dot(row[start:stop], row[start + shift : stop + shift])) for row in slope)


def _repetition(slope: _Slope, lag: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the power that repeats after ``lag`` samples and all power, each (n_times - lag,)."""
    repeating = np.zeros(slope.shape[1] - lag)
    power = np.zeros(slope.shape[1] - lag)
    for row in slope:
        repeating += row[:-lag] * row[lag:]
        power += row[:-lag] ** 2
    return repeating, power


def _forward_mean(values: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """Return the mean of the ``length`` samples that begin at each of the first n - length + 1."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    mean: NDArray[np.float64] = (total[length:] - total[:-length]) / length
    return mean


def _scan(
    repeating: NDArray[np.float64], power: NDArray[np.float64], lag: int, *, n_volumes: int, tr: float
) -> tuple[int, int, float]:
    """Return samples up to one TR before and after the scan, and the mean repeating power within it."""
    by_volume = _forward_mean(repeating, lag)
    n_within = min(max(n_volumes - 2, 2) * lag, len(by_volume))
    level = float(np.median(np.partition(by_volume, -n_within)[-n_within:]))
    edges = np.flatnonzero(
        np.diff(np.concatenate([[0], by_volume > _WITHIN * max(level, 0), [0]]).astype(np.int8))
    )
    # Half of the volumes at least: what is shorter is another scan, or noise.
    stretches = [(b, e) for b, e in edges.reshape(-1, 2) if e - b > 0.5 * n_within]
    shares = [repeating[b:e].sum() / power[b:e].sum() for b, e in stretches]
    if level <= 0 or max(shares, default=0.0) < _LEAST_REPEATING:
        share = max(0.0, repeating.sum() / max(power.sum(), np.finfo(np.float64).tiny), *shares)
        raise BadDataError(
            f"The EEG does not repeat at the TR of {tr:g} s ({share:.0%} of the power of its slope; with a "
            f"gradient artefact more than {_LEAST_REPEATING:.0%}): it is corrected already, or was "
            f"not recorded during the scan; {OFFSET_ADVICE}."
        )
    if len(stretches) > 1:
        raise BadDataError(
            f"The EEG holds {len(stretches)} scans with a TR of {tr:g} s that could be the one of "
            f"{n_volumes} volumes: {OFFSET_ADVICE}."
        )
    begin, end = stretches[0]
    return int(begin), int(min(end + lag, len(repeating))), level


def _beginning(repeating: NDArray[np.float64], lag: int, threshold: float, sfreq: float) -> int:
    """Return the first of the samples (n_times,) that repeats, to the fine resolution."""
    coarse, fine = max(round(_COARSE * sfreq), 1), max(round(_FINE * sfreq), 1)
    window = repeating[: lag + 3 * coarse]
    near = int(np.argmax(_forward_mean(window, coarse) > threshold))
    # The coarse mean looks ahead: the beginning lies up to one of its lengths later.
    dated = _forward_mean(window[near : near + 2 * coarse], fine)
    return near + int(np.argmax(dated > threshold)) + fine // 2


def _noise(before: NDArray[np.float64], sfreq: float) -> float:
    """Return what the coarse mean of the samples (n_times,) before the scan hardly ever passes."""
    length = max(round(_COARSE * sfreq), 1)
    # 0.999: a movement, which may pass it, lasts a small part of the time.
    return (
        float(np.quantile(np.abs(_forward_mean(before, length)), 0.999)) if len(before) > 10 * length else 0.0
    )


def _rise(power: NDArray[np.float64], first: int, end: int, sfreq: float) -> float:
    """Return the power within the scan over that before it, dB; 0 if less than 0.1 s lies before it."""
    length = round(0.1 * sfreq)
    before = power[: max(first - round(_COARSE * sfreq), 0)]
    if len(before) <= length:
        return 0.0
    # The median over tenths of a second: a movement before the scan does not count.
    quiet = max(float(np.median(_forward_mean(before, length))), np.finfo(np.float64).tiny)
    return float(10 * np.log10(power[first:end].mean() / quiet))


def _period(slope: _Slope, first: int, lag: int, n_volumes: int) -> float:
    """Return the samples from volume to volume, from ever more distant pairs of volumes."""
    period = float(lag)
    n_apart = 1
    while True:
        predicted = round(n_apart * period)
        shifts = np.arange(predicted - _LAG_RANGE, predicted + _LAG_RANGE + 1)
        products = np.asarray([_product(slope, first, int(shift), lag) for shift in shifts])
        best = int(np.clip(np.argmax(products), 1, len(products) - 2))
        left, peak, right = products[best - 1 : best + 2]
        curvature = left - 2 * peak + right
        # The vertex of the parabola through the three products around the largest.
        vertex = 0.5 * (left - right) / curvature if curvature < 0 else 0.0
        period = (shifts[best] + float(np.clip(vertex, -1, 1))) / n_apart
        if n_apart >= n_volumes - 1:
            return float(period)
        n_apart = min(2 * n_apart, n_volumes - 1)
