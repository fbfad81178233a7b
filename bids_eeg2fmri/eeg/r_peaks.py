"""Heartbeats: R peaks in an ECG, or what stands for them in the EEG of a person in a magnet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import next_fast_len
from scipy.ndimage import median_filter, uniform_filter1d
from scipy.signal import butter, find_peaks, sosfiltfilt

from bids_eeg2fmri.records import Floats

#: Heart rates that are believed, beats per minute.
SLOWEST, FASTEST = 35.0, 160.0
#: An interval this many times the local median hides a missed beat; one below the second is one too many.
_GAP, _SURPLUS = 1.6, 0.6
#: Beats with a like shape: correlation with their mean, median over beats.
_LEAST_LIKENESS = 0.6
#: Spread of intervals about their running median: sinus arrhythmia stays below it, peaks of noise do not.
_MOST_IRREGULAR = 0.15
#: Waves between the beats that are this much like them, and how many of all per beat are believed.
_RIVAL, _MOST_RIVALS = 0.8, 1.4
#: Share of the recording without beats that is bridged.
_MOST_GAPS = 0.1
_FEWEST_BEATS = 20
#: Energy of a wave, against that of the median beat, above which only its shape counts.
_TYPICAL = 0.7
#: A line of the spectrum this many times higher than the spectrum around it is no heartbeat: mains, scanner.
_LINE = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveKind:
    """What to look for: the band of the wave (Hz), over how long its energy gathers, its half width (s)."""

    band: tuple[float, float]
    energy: float
    half_width: float


#: The QRS complex: its slopes are steeper than those of the T wave, which the field makes as high.
QRS = WaveKind(band=(6.0, 30.0), energy=0.1, half_width=0.08)
#: The swing of the head and the scalp's arteries after each beat.
SWING = WaveKind(band=(1.5, 12.0), energy=0.25, half_width=0.3)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Heartbeats:
    """Beats and whether they can be trusted.

    Attributes
    ----------
    times : array, shape (n_beats,)
        Seconds after the first sample, ascending.
    likeness : float
        Median correlation of the beats with their mean.
    complaint : str
        Why they cannot be used; empty where they can.
    """

    times: Floats
    likeness: float
    complaint: str

    @property
    def rate(self) -> float:
        """Median heart rate, beats per minute; NaN without beats."""
        return float(60 / np.median(np.diff(self.times))) if len(self.times) > 1 else float("nan")


def find_heartbeats(signal: NDArray[np.floating], sfreq: float, kind: WaveKind = QRS) -> Heartbeats:
    """Find heartbeats in one channel, whatever its polarity.

    Peaks of the energy of the slope give a first template; the peaks of the correlation with it are the
    beats. Beats too close to each other are thinned, gaps are searched again with a lower threshold.

    Parameters
    ----------
    signal : array, shape (n_times,)
        Any unit.
    sfreq : float
        Samples per second, Hz.
    kind : WaveKind
    """
    if not np.all(np.isfinite(signal)) or np.ptp(signal) == 0:
        return Heartbeats(times=np.empty(0), likeness=0.0, complaint="flat or not finite")
    if len(signal) < 20 * sfreq:
        return Heartbeats(times=np.empty(0), likeness=0.0, complaint="shorter than 20 s")
    high = min(kind.band[1], 0.45 * sfreq)
    band = butter(2, (kind.band[0], high), "bandpass", fs=sfreq, output="sos")
    wave = sosfiltfilt(band, _without_lines(np.asarray(signal, dtype=np.float64), sfreq))
    energy = uniform_filter1d(np.gradient(wave) ** 2, max(round(kind.energy * sfreq), 1))
    peaks = _high_peaks(np.sqrt(energy), sfreq)
    score = np.zeros_like(wave)
    for _ in range(2):
        if len(peaks) < _FEWEST_BEATS:
            break
        peaks, score = _match(wave, peaks, sfreq, kind)
    peaks = _fill_gaps(_thin(peaks, score), score)
    times = _between_samples(score, peaks) / sfreq
    likeness = float(np.median(score[peaks])) if len(peaks) else 0.0
    complaint = _judge(times, likeness, len(wave) / sfreq)
    rivals, _ = find_peaks(score, height=_RIVAL * likeness)
    if not complaint and len(rivals) > _MOST_RIVALS * len(times):
        complaint = f"{len(rivals) / len(times):.1f} waves of that shape per beat: a rhythm of another kind"
    return Heartbeats(times=times, likeness=likeness, complaint=complaint)


def running_heart_rate(beats: Floats, sample_times: Floats) -> Floats:
    """Return the heart rate at each sample (n_times,) in beats per minute, from beats (n_beats,) s."""
    intervals = np.diff(beats)
    smooth = median_filter(intervals, size=min(5, len(intervals)), mode="nearest")
    rate: Floats = np.interp(sample_times, (beats[:-1] + beats[1:]) / 2, 60 / smooth)
    return rate


def _without_lines(signal: Floats, sfreq: float) -> Floats:
    """Return the signal without the steady tones that the scanner or the mains left in it."""
    n_fast = next_fast_len(len(signal), real=True)
    spectrum = np.fft.rfft(signal - np.median(signal), n_fast)
    height = np.abs(spectrum)
    around = median_filter(height[::4], size=max(round(2 * n_fast / sfreq / 4), 3), mode="nearest")
    around = np.repeat(around, 4)[: len(height)]
    with np.errstate(divide="ignore", invalid="ignore"):
        lowered = np.where(height > _LINE * around, around / height, 1.0)
    cleaned: Floats = np.fft.irfft(spectrum * np.nan_to_num(lowered), n_fast)[: len(signal)]
    return cleaned


def _high_peaks(energy: Floats, sfreq: float) -> NDArray[np.int64]:
    """Return the peaks that rise above a third of what is the largest nearby, sample numbers."""
    block = max(round(2 * sfreq), 1)  # holds a beat at the slowest rate
    largest = np.array([energy[i : i + block].max() for i in range(0, len(energy), block)])
    # The median over blocks: a burst of movement must not hide the beats around it.
    level = median_filter(largest, size=min(9, len(largest)), mode="nearest")
    at = np.minimum(np.arange(len(energy)) // block, len(level) - 1)
    found, _ = find_peaks(energy, height=0.35 * level[at], distance=max(round(0.9 * sfreq * 60 / FASTEST), 1))
    return np.asarray(found, dtype=np.int64)


def _match(
    wave: Floats, peaks: NDArray[np.int64], sfreq: float, kind: WaveKind
) -> tuple[NDArray[np.int64], Floats]:
    """Return the peaks of the correlation with the median beat, and the correlation at each sample."""
    half = round(kind.half_width * sfreq)
    inside = peaks[(peaks >= half) & (peaks < len(wave) - half)]
    beats = wave[inside[:, None] + np.arange(-half, half + 1)]
    template = np.median(beats * np.sign(_signs(beats))[:, None], axis=0)
    template -= template.mean()
    template /= max(float(np.linalg.norm(template)), np.finfo(np.float64).tiny)
    size = len(template)
    mean = uniform_filter1d(wave, size)
    power = np.maximum(uniform_filter1d(wave**2, size) - mean**2, 0) * size
    # Waves of the right shape but a small size are noise: the score is a correlation only from here up.
    typical = float(np.median(np.square(beats - beats.mean(axis=1, keepdims=True)).sum(axis=1)))
    score = np.correlate(wave, template, mode="same") / np.sqrt(np.maximum(power, _TYPICAL * typical))
    found, _ = find_peaks(score, height=0.5, distance=max(round(0.9 * sfreq * 60 / FASTEST), 1))
    return np.asarray(found, dtype=np.int64), score


def _signs(beats: Floats) -> Floats:
    """Return +1 or -1 per beat (n_beats,): whether it points as the first direction of all."""
    direction = np.linalg.svd(beats, full_matrices=False)[2][0]
    signs: Floats = np.where(beats @ direction >= 0, 1.0, -1.0)
    return signs if signs.sum() >= 0 else -signs


def _thin(peaks: NDArray[np.int64], score: Floats) -> NDArray[np.int64]:
    """Leave out the less like of two beats that are too close for the rhythm around them."""
    while len(peaks) > _FEWEST_BEATS:
        intervals = np.diff(peaks)
        usual = median_filter(intervals, size=min(15, len(intervals)), mode="nearest")
        short = np.flatnonzero(intervals < _SURPLUS * usual)
        if len(short) == 0:
            break
        # Of each pair the worse; pairs that share a beat wait for the next round.
        first = short[np.concatenate([[True], np.diff(short) > 1])]
        worse = np.where(score[peaks[first]] < score[peaks[first + 1]], first, first + 1)
        peaks = np.delete(peaks, worse)
    return peaks


def _fill_gaps(peaks: NDArray[np.int64], score: Floats) -> NDArray[np.int64]:
    """Add the best candidates where beats are missing, if the shape is there at all."""
    if len(peaks) < _FEWEST_BEATS:
        return peaks
    usual = float(np.median(np.diff(peaks)))
    added: list[int] = []
    for i in np.flatnonzero(np.diff(peaks) > _GAP * usual):
        n_missing = round((peaks[i + 1] - peaks[i]) / usual) - 1
        for k in range(n_missing):
            expected = peaks[i] + (k + 1) * (peaks[i + 1] - peaks[i]) / (n_missing + 1)
            first, last = int(expected - 0.2 * usual), int(expected + 0.2 * usual) + 1
            best = first + int(np.argmax(score[first:last]))
            if score[best] > 0.25:
                added.append(best)
    return np.unique(np.concatenate([peaks, np.array(added, dtype=np.int64)]))


def _between_samples(score: Floats, peaks: NDArray[np.int64]) -> Floats:
    """Return the vertices of the parabolas through each peak and its neighbours, in samples."""
    inner = np.clip(peaks, 1, len(score) - 2)
    before, top, after = score[inner - 1], score[inner], score[inner + 1]
    bend = before - 2 * top + after
    with np.errstate(divide="ignore", invalid="ignore"):
        shift = np.where(bend < 0, 0.5 * (before - after) / bend, 0.0)
    moved: Floats = inner + np.clip(shift, -0.5, 0.5)
    return moved


def _judge(times: Floats, likeness: float, duration: float) -> str:
    """Return why beats (n_beats,) s cannot be used; empty where they can."""
    if len(times) < _FEWEST_BEATS:
        return f"only {len(times)} beats found"
    intervals = np.diff(times)
    rate = 60 / float(np.median(intervals))
    usual = median_filter(intervals, size=min(15, len(intervals)), mode="nearest")
    spread = 1.4826 * float(np.median(np.abs(intervals / usual - 1)))
    ends = np.array([times[0], duration - times[-1]])
    gaps = np.concatenate([intervals, ends])
    missing = float(gaps[gaps > 1.8 * 60 / rate].sum()) / duration
    if not SLOWEST <= rate <= FASTEST:
        return f"a rate of {rate:.0f} per minute, {SLOWEST:.0f} to {FASTEST:.0f} is believed"
    if missing > _MOST_GAPS:
        return f"no beats in {missing:.0%} of the run"
    if likeness < _LEAST_LIKENESS:
        return f"beats unlike each other (correlation {likeness:.2f})"
    if spread > _MOST_IRREGULAR:
        return f"intervals too irregular ({spread:.0%})"
    return ""
