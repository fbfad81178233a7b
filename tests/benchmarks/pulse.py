"""How well the pulse artefact goes and the EEG stays, beside MNE's optimal basis sets; run by hand.

    python tests/benchmarks/pulse.py [--channels 32] [--duration 300]

Simulated EEG whose brain part is known, band-passed and referenced as in the app. R locked: amplitude locked
to the true beats, per cent of that before (in brackets what the true EEG has by chance). Alpha: power from 8
to 13 Hz against that of the true EEG, median and extremes over channels. Error: root mean square distance to
the true EEG, per cent of that before. MNE gets the delay that serves it best of four.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.signal import butter, resample_poly, sosfilt, welch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pulse_eeg import make_pulse_eeg

from bids_eeg2fmri.eeg.pulse import find_eeg_beats
from bids_eeg2fmri.eeg.pulse_artefact import _correct_with_mne, correct_pulse
from bids_eeg2fmri.eeg.r_peaks import find_heartbeats
from bids_eeg2fmri.simulate.scanner import draw_scanner_eeg

SFREQ = 100.0
DELAYS = (0.1, 0.2, 0.3, 0.4)
#: Per cent of the locked amplitude that may be left, and by which alpha power may differ.
MOST_LOCKED, MOST_ALPHA = 15.0, 10.0


def limit_band(data: np.ndarray) -> np.ndarray:
    """Bring 250 Hz to 100 Hz, 1 to 40 Hz, average reference."""
    slow = resample_poly(data - data[:, :1], 2, 5, axis=1)
    limited = sosfilt(butter(4, (1, 40), "bandpass", fs=SFREQ, output="sos"), slow, axis=1)
    return (limited - limited.mean(axis=0)).astype(np.float32)


def locked(data: np.ndarray, beats: np.ndarray) -> float:
    """Return the amplitude locked to beats, from 0.2 s before to 0.8 s after them."""
    first = np.round((beats - 0.2) * SFREQ).astype(int)
    first = first[(first >= 0) & (first + 100 <= data.shape[1])]
    average = data[:, first[:, None] + np.arange(100)].mean(axis=1)
    return float(np.sqrt(np.mean((average - average.mean(axis=1, keepdims=True)) ** 2)))


def alpha(data: np.ndarray) -> np.ndarray:
    """Return the power from 8 to 13 Hz of each channel."""
    frequencies, power = welch(data, SFREQ, nperseg=400, axis=1)
    return power[:, (frequencies >= 8) & (frequencies <= 13)].sum(axis=1)


def measure(
    name: str, correct: Callable[[], np.ndarray], brain: np.ndarray, mixed: np.ndarray, beats: np.ndarray
) -> tuple[float, float, float]:
    """Run one correction, print its row, return locked (%), median alpha (%) and CPU seconds."""
    start = time.process_time()
    done = correct()
    seconds = time.process_time() - start
    before = locked(mixed, beats)
    left, chance = 100 * locked(done, beats) / before, 100 * locked(brain, beats) / before
    kept = 100 * alpha(done) / alpha(brain)
    error = 100 * np.std(done - brain) / np.std(mixed - brain)
    print(
        f"  {name:<28}{left:7.1f} ({chance:.1f})"
        f"{np.median(kept):10.1f} ({kept.min():.0f} to {kept.max():.0f})"
        f"{error:10.1f}{seconds:10.2f}"
    )
    return left, float(np.median(kept)), seconds


def compare(title: str, brain: np.ndarray, mixed: np.ndarray, ecg: np.ndarray, beats: np.ndarray) -> bool:
    """Print the table of one recording; return whether the limits were kept."""
    print(f"\n{title}: {np.std(mixed - brain):.1f} uV of artefact on {np.std(brain):.1f} uV of EEG")
    print(f"  {'':<28}{'R locked %':>12}{'alpha kept %':>16}{'error %':>16}{'CPU s':>10}")
    found = find_heartbeats(ecg, 250.0)
    measure("none", lambda: mixed, brain, mixed, beats)

    def ours(times: np.ndarray) -> np.ndarray:
        return correct_pulse(mixed, SFREQ, times, rng=np.random.default_rng(0)).data

    left, kept, seconds = measure("ours, ECG", lambda: ours(found.times), brain, mixed, beats)
    surrogate = find_eeg_beats(mixed, SFREQ)
    if surrogate is None:
        print("  ours, no ECG: no regular pulse found in the EEG")
    else:
        measure("ours, no ECG", lambda: ours(surrogate.times), brain, mixed, beats)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        delay = min(
            DELAYS, key=lambda d: float(np.std(_correct_with_mne(mixed, SFREQ, found.times + d) - brain))
        )
        _, _, peer = measure(
            f"mne apply_pca_obs, +{delay:g} s",
            lambda: _correct_with_mne(mixed, SFREQ, found.times + delay),
            brain,
            mixed,
            beats,
        )
    print(f"  time against MNE: {seconds / peer:.3f}")
    return left < MOST_LOCKED and abs(kept - 100) < MOST_ALPHA


def main() -> int:
    """Compare on two simulators; 1 if a limit was not kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--channels", type=int, default=32)
    parser.add_argument("--duration", type=float, default=300.0)
    asked = parser.parse_args()
    kept = []
    for seed in range(2):
        rng = np.random.default_rng(seed)
        n_volumes = int(asked.duration / 2) - 12
        made = draw_scanner_eeg(rng, n_channels=asked.channels, n_volumes=n_volumes)
        brain, mixed = limit_band(made.truth), limit_band(made.slow[:-1])
        kept.append(compare(f"bids_eeg2fmri_simulate {seed}", brain, mixed, made.slow[-1], made.heartbeats))
    for seed, size, rate in ((0, 40, 65), (1, 80, 75), (2, 20, 55), (3, 40, 95)):
        eeg = make_pulse_eeg(seed, size=size, rate=rate, n_channels=asked.channels, duration=asked.duration)
        brain, mixed = limit_band(eeg.brain), limit_band(eeg.brain + eeg.artefact)
        kept.append(compare(f"four movements, {rate} per minute", brain, mixed, eeg.ecg, eeg.beats))
    print(
        f"\nlimits (locked < {MOST_LOCKED:g} %, alpha within {MOST_ALPHA:g} %) kept in "
        f"{sum(kept)} of {len(kept)}"
    )
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
