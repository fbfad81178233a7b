"""How well and how fast is the gradient artefact removed, beside MNE? A simulated recording at 5 kHz.

Run by hand: python tests/benchmarks/raw_eeg.py [--channels 64] [--volumes 165] [--drift 0] [--windows 24 32]

Prints the error against the EEG that was put in (1 to 40 Hz, microvolts rms) in the middle two minutes, in
the first and in the last 10 s of the scan; the comb of the slices; CPU seconds and peak memory of the
reduction to 250 Hz, and of the whole cleaning, beside reading the file with MNE and resampling it once. Each
measure runs in a process of its own with one thread. MNE's correction is computed on eight of the channels,
whose errors are printed.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import mne
import numpy as np
from scipy.signal import butter, resample_poly, sosfiltfilt

from bids_eeg2fmri.eeg.cleaning import clean_eeg
from bids_eeg2fmri.eeg.recording_state import measure_comb
from bids_eeg2fmri.eeg.reduction import reduce_eeg
from bids_eeg2fmri.eeg.volume_grid import VolumeGrid
from bids_eeg2fmri.records import VolumeClock
from bids_eeg2fmri.settings import EegSettings
from bids_eeg2fmri.simulate.head import make_cap
from bids_eeg2fmri.simulate.scanner import draw_scanner_eeg
from bids_eeg2fmri.simulate.write_scanner_eeg import write_scanner_eeg

TR = 2.0
MARGIN = 15.0
SFREQ = 250.0
N_COMPARED = 8


def main() -> None:
    """Simulate, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--volumes", type=int, default=165)
    parser.add_argument("--drift", type=float, default=0.0, help="of the clocks, parts per million")
    parser.add_argument("--windows", type=int, nargs="*", default=[8, 24, 50, 100, 160], help="of MNE")
    parser.add_argument("--residual", nargs="*", default=["0", "auto"], help="components of the basis set")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure, options.folder)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        simulate(folder, options)
        report(folder, options)


def simulate(folder: Path, options: argparse.Namespace) -> None:
    """Write the recording and what was put into it."""
    rng = np.random.default_rng(options.seed)
    eeg = draw_scanner_eeg(
        rng,
        n_channels=options.channels,
        n_volumes=options.volumes,
        tr=TR,
        margins=(MARGIN, MARGIN),
        drift=options.drift,
    )
    names = [*make_cap(options.channels).names, "ECG"]
    markers = [(round(5000 * t), "Response", 128) for t in eeg.gradient.onsets]
    write_scanner_eeg(folder, "run", eeg, names=names, markers=markers, rng=rng)
    np.savez(
        folder / "truth.npz",
        slow=eeg.slow[compared(options.channels)],
        onsets=eeg.gradient.onsets,
        motion=eeg.gradient.motion,
    )


def compared(n_channels: int) -> list[int]:
    """Return the channels whose errors are printed."""
    return list(range(0, n_channels, max(n_channels // N_COMPARED, 1)))[:N_COMPARED]


def measure(what: str, folder: Path) -> dict[str, Any]:
    """Do one measurement in this process."""
    mne.set_log_level("error")
    warnings.simplefilter("ignore")
    kind, _, value = what.partition("=")
    raw = mne.io.read_raw_brainvision(folder / "run.vhdr")
    raw.set_channel_types({"ECG": "ecg"})
    truth = np.load(folder / "truth.npz")
    picks = compared(len(raw.ch_names) - 1)
    start = time.process_time()
    result: dict[str, Any] = {}
    if kind == "resample":
        raw.load_data()
        raw.resample(float(value))
    elif kind == "ours":
        components = value if value == "auto" else int(value)
        clock = VolumeClock(onsets=truth["onsets"], source="simulated", jitter=0.0, drift=0.0)
        settings = EegSettings(residual_components=components)
        reduced = reduce_eeg(raw, settings, clock=clock, tr=TR, motion=truth["motion"])
        result["seconds"] = time.process_time() - start
        result |= errors(reduced.data[picks], truth)
    elif kind == "whole":
        clock = VolumeClock(onsets=truth["onsets"], source="simulated", jitter=0.0, drift=0.0)
        clean = clean_eeg(raw, EegSettings(), clock=clock, tr=TR, motion=truth["motion"])
        result["steps"] = clean.steps
    elif kind == "mne":
        onsets = np.round(truth["onsets"] * 5000).astype(int)
        part = raw.pick(picks).load_data()
        part = mne.preprocessing.remove_fmri_gradient_artifact(part, onsets, window=int(value), tr_tol=1)
        result |= errors(resample_poly(part.get_data() * 1e6, 1, 20, axis=1), truth)
    else:
        result |= errors(resample_poly(raw.get_data(picks=picks) * 1e6, 1, 20, axis=1), truth)
    result.setdefault("seconds", time.process_time() - start)
    result["peak_gb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return result


def errors(data: np.ndarray, truth: Any) -> dict[str, float]:
    """Return errors (microvolts rms) of EEG (n_channels, n_times) at 250 Hz, and the comb of slices (dB)."""
    onsets, slow = truth["onsets"], truth["slow"]
    sos = butter(4, (1, 40), "bandpass", fs=SFREQ, output="sos")
    n_times = min(data.shape[1], slow.shape[1])
    rest = sosfiltfilt(sos, data[:, :n_times] - slow[:, :n_times], axis=1)
    begin, end = onsets[0], onsets[-1] + TR
    middle = (begin + end) / 2
    spans = {"middle": (middle - 60, middle + 60), "first": (begin, begin + 10), "last": (end - 10, end)}
    found = {
        name: float(np.sqrt(np.mean(rest[:, round(a * SFREQ) : round(b * SFREQ)] ** 2)))
        for name, (a, b) in spans.items()
    }
    grid = VolumeGrid(onsets=onsets, period=float(np.diff(onsets).mean()), sfreq=SFREQ)
    found["comb"] = measure_comb(grid.cut(np.ascontiguousarray(data.T, np.float32)), grid, n_slices=30).slices
    return found


def report(folder: Path, options: argparse.Namespace) -> None:
    """Measure everything and print."""
    names = ["none", *(f"mne={w}" for w in options.windows), *(f"ours={n}" for n in options.residual)]
    seconds = {name: in_process(name, folder) for name in ("resample=250", "resample=100")}
    results = {}
    print(f"{options.channels} channels, {MARGIN:g} + {TR * options.volumes:g} + {MARGIN:g} s at 5 kHz")
    print(f"{'':>10} {'middle':>8} {'first':>8} {'last':>8} {'comb dB':>8} {'CPU s':>8} {'GB':>6}")
    for name in names:
        results[name] = r = in_process(name, folder)
        numbers = " ".join(f"{r[key]:8.2f}" for key in ("middle", "first", "last", "comb", "seconds"))
        print(f"{name:>10} {numbers} {r['peak_gb']:6.2f}", flush=True)
    whole = in_process("whole=1", folder)
    print(f"whole cleaning: {whole['seconds']:.1f} CPU s, {whole['peak_gb']:.2f} GB")
    for step in whole["steps"]:
        print(f"  {step}")
    for name, r in seconds.items():
        print(f"MNE read + {name} Hz: {r['seconds']:.1f} CPU s, {r['peak_gb']:.2f} GB")
    ours = results[names[-len(options.residual)]]
    rivals = [results[f"mne={w}"] for w in options.windows]
    if rivals:
        best = {key: min(r[key] for r in rivals) for key in ("middle", "first", "last")}
        ratios = ", ".join(f"{key} {ours[key] / best[key]:.2f}" for key in best)
        print(f"error over that of MNE's best window: {ratios}")
    for what, took in (("reduction", ours), ("whole cleaning", whole)):
        ratio = took["seconds"] / seconds["resample=250"]["seconds"]
        print(f"time of the {what} over MNE read + resample: {ratio:.2f}")


def in_process(what: str, folder: Path) -> dict[str, Any]:
    """Return a measurement made in a process of its own, with one thread."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    done = subprocess.run(
        [sys.executable, __file__, "--measure", what, "--folder", str(folder)],
        env=os.environ | threads,
        capture_output=True,
        text=True,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


if __name__ == "__main__":
    main()
