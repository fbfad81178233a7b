"""What does minimal preprocessing cost, and how exact is it, beside volume-by-volume registration with ANTs?

Run by hand, with antspyx installed beside the app (it is no dependency):
python tests/benchmarks/minimal_preprocessing.py [--volumes 300] [--ants-volumes 12]

Simulates a run of 64 x 64 x 36 voxels of a head that moves by up to 2 mm and 2 degrees, without noise, then,
each in a process of its own on one core: minimal preprocessing and extraction of the motor regions; rigid
registration of some volumes to the one in the middle with ``ants.registration``, its CPU time scaled up to
all; and extraction of 300 regions from a 2 mm image in MNI space. Prints CPU seconds, peak memory, the errors
of the motion (root mean square over volumes and axes, both relative to the volume in the middle) and the
correlation with the truth.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np

from bids_eeg2fmri.bids.outputs import Outputs
from bids_eeg2fmri.bold.confounds import select_confounds
from bids_eeg2fmri.bold.extraction import extract_regions
from bids_eeg2fmri.bold.minimal import preprocess_minimally
from bids_eeg2fmri.bold.minimal_outputs import write_minimal
from bids_eeg2fmri.bold.region_set import label_regions
from bids_eeg2fmri.records import Entities, SimultaneousRun
from bids_eeg2fmri.settings import BoldSettings
from bids_eeg2fmri.simulate.bold_image import region_means, sample_signals
from bids_eeg2fmri.simulate.brain import load_brain, read_regions
from bids_eeg2fmri.simulate.files import MNI, SCANNER, write_nifti
from bids_eeg2fmri.simulate.motion import draw_motion
from bids_eeg2fmri.simulate.native_head import draw_head_place, load_head_model
from bids_eeg2fmri.simulate.native_scan import NativeHead, enlarge_motion, scan_native
from bids_eeg2fmri.simulate.rigid_motion import rigid_matrices

SHAPE, SIZE = (64, 64, 36), (3.4, 3.4, 4.0)
TR = 2.0
#: The volumes and the regions' signals of a 2 mm run in MNI space.
MNI_SHAPE = (97, 115, 97)


def simulate(folder: Path, n_volumes: int, seed: int) -> None:
    """Write the raw run and its truth."""
    rng = np.random.default_rng(seed)
    head = NativeHead(model=load_head_model(), to_template=draw_head_place(rng), shape=SHAPE, size=SIZE)
    motion = enlarge_motion(draw_motion(n_volumes, tr=TR, rng=rng)[0], rng)
    ticks = np.arange(0, n_volumes * TR + 2, 0.5)
    kernel = np.exp(-0.5 * (np.arange(-20, 21) / 6) ** 2)
    names, _ = read_regions()
    white = rng.standard_normal((len(ticks), len(names)))
    signals = np.stack(
        [np.convolve(column, kernel / kernel.sum(), mode="same") for column in white.T], axis=1
    )
    signals *= 0.7 / signals.std(axis=0)  # percent, as large as responses in motor cortex
    raw = scan_native(signals, ticks, motion, head=head, tr=TR, noise=0.0, rng=rng)
    write_nifti(folder / "raw.nii.gz", raw, head.bold_affine, space=SCANNER, tr=TR)
    brain = load_brain()
    # Neighbouring regions overlap: the truth is the mean over each sphere.
    truth = region_means(
        sample_signals(signals, ticks, np.arange(n_volumes) * TR + TR / 2) @ brain.blobs.T, brain
    )
    np.savez(
        folder / "truth.npz",
        poses=rigid_matrices(motion, head.centre),
        centre=head.centre,
        signals=truth,
        largest=np.abs(motion).max(axis=0),
    )


def simulate_mni(folder: Path, n_volumes: int, seed: int) -> None:
    """Write a 2 mm run in MNI space: noise around a mean."""
    rng = np.random.default_rng(seed)
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[:3, 3] = [-96, -132, -78]
    image = np.empty((*MNI_SHAPE, n_volumes), dtype=np.int16)
    for k in range(n_volumes):
        image[..., k] = 800 + rng.integers(-40, 40, MNI_SHAPE, dtype=np.int16)
    write_nifti(folder / "mni.nii.gz", image, affine, space=MNI, tr=TR)


def make_run(path: Path, n_volumes: int, space: str, preprocessing: str) -> SimultaneousRun:
    """Return a run of which only the BOLD matters."""
    return SimultaneousRun(
        entities=Entities(subject="01", task="benchmark"),
        eeg_path=path,
        raw_bold_path=path,
        bold_path=path,
        mask_path=None,
        confounds_path=None,
        events_path=None,
        space=space,
        tr=TR,
        n_volumes=n_volumes,
        start_time=TR / 2,
        evidence=(),
        preprocessing=preprocessing,
    )


def do_minimal(folder: Path, n_volumes: int, _: int) -> dict[str, object]:
    """Preprocess the raw run and extract the motor regions."""
    truth = np.load(folder / "truth.npz")
    run = make_run(folder / "raw.nii.gz", n_volumes, "MNI152NLin2009aSym", "minimal")
    settings = BoldSettings()
    begin = time.process_time()
    minimal = preprocess_minimally([run])
    spent = time.process_time() - begin
    (table,), _paths = write_minimal(Outputs(root=folder / "out"), [run], minimal)
    run = replace(run, confounds_path=table)
    labels = label_regions([run], settings, minimal.grid)
    series = extract_regions(run, labels, settings, minimal=minimal.runs[0])
    design = np.hstack(
        [
            np.ones((n_volumes, 1)),
            select_confounds(table, settings, n_volumes=n_volumes, tr=TR)[0],
        ]
    )
    cleaned = truth["signals"] - design @ np.linalg.lstsq(design, truth["signals"], rcond=None)[0]
    order = [read_regions()[0].index(name) for name in series.region_names]
    r = [np.corrcoef(a, b)[0, 1] for a, b in zip(series.data.T, cleaned[:, order].T, strict=True)]
    affine = nib.load(folder / "raw.nii.gz").affine
    poses = affine @ minimal.runs[0].to_volumes @ np.linalg.inv(affine)
    shift, turn = motion_error(poses, truth["poses"], truth["centre"])
    return {
        "cpu": spent,
        "cpu_all": time.process_time() - begin,
        "mm": shift,
        "deg": turn,
        "r_mean": float(np.mean(r)),
        "r_least": float(np.min(r)),
    }


def do_ants(folder: Path, n_volumes: int, n_chosen: int) -> dict[str, object]:
    """Register some volumes to the one in the middle with ANTs."""
    import ants

    truth = np.load(folder / "truth.npz")
    image = nib.load(folder / "raw.nii.gz")
    data = np.asarray(image.dataobj[:], dtype=np.float32)
    middle = n_volumes // 2
    chosen = np.unique(np.append(np.linspace(0, n_volumes - 1, n_chosen).round().astype(int), middle))
    lps = np.diag([-1.0, -1.0, 1.0, 1.0])

    def as_ants(k: int) -> ants.ANTsImage:
        nib.save(nib.Nifti1Image(data[..., k], image.affine), folder / "volume.nii.gz")
        return ants.image_read(str(folder / "volume.nii.gz"))

    fixed, spent, poses = as_ants(middle), 0.0, []
    for k in chosen:
        moving = as_ants(k)
        begin = time.process_time()
        found = ants.registration(fixed, moving, type_of_transform="Rigid", random_seed=1)
        spent += time.process_time() - begin
        transform = ants.read_transform(found["fwdtransforms"][0])
        turn, shift = transform.parameters[:9].reshape(3, 3), transform.parameters[9:12]
        centre = transform.fixed_parameters
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = turn, shift + centre - turn @ centre
        poses.append(lps @ matrix @ lps)
    shift, turn = motion_error(
        np.array(poses),
        truth["poses"][chosen],
        truth["centre"],
        first=int(np.flatnonzero(chosen == middle)[0]),
    )
    return {"cpu": spent * n_volumes / len(chosen), "mm": shift, "deg": turn, "n": len(chosen)}


def do_extraction(folder: Path, n_volumes: int, _: int) -> dict[str, object]:
    """Extract 300 regions from the 2 mm run, counting the bytes that are read."""
    path = folder / "mni.nii.gz"
    run = make_run(path, n_volumes, "MNI152NLin2009cAsym", "derivatives")
    settings = BoldSettings(regions="seitzman300")
    begin = time.process_time()
    labels = label_regions([run], settings)
    before = read_counter("io", "rchar")
    series = extract_regions(run, labels, settings)
    times_read = (read_counter("io", "rchar") - before) / path.stat().st_size
    return {"cpu": time.process_time() - begin, "n": len(series.region_names), "read": times_read}


def read_counter(file: str, name: str) -> int:
    """Return a counter of this process from Linux' /proc."""
    lines = Path("/proc/self", file).read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def motion_error(
    found: np.ndarray, true: np.ndarray, centre: np.ndarray, first: int | None = None
) -> tuple[float, float]:
    """Return the root mean square error of translations (mm) and rotations (degrees) of poses (n, 4, 4).

    Poses are compared relative to one of the volumes, the middle one unless told.
    """
    from bids_eeg2fmri.bold.rigid import rigid_parameters

    first = len(found) // 2 if first is None else first
    error = rigid_parameters(found @ np.linalg.inv(found[first]), centre) - rigid_parameters(
        true @ np.linalg.inv(true[first]), centre
    )
    return float(np.sqrt(np.mean(error[:, :3] ** 2))), float(np.degrees(np.sqrt(np.mean(error[:, 3:] ** 2))))


STEPS = {"minimal": do_minimal, "ants": do_ants, "extraction": do_extraction}


def measure(step: str, folder: Path, n_volumes: int, n_chosen: int) -> dict[str, float]:
    """Run a step in a process of its own on one core and return what it measured, with its peak memory."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"), "1")
    command = [sys.executable, "-W", "ignore", __file__, "--step", step, "--folder", str(folder)]
    command += ["--volumes", str(n_volumes), "--ants-volumes", str(n_chosen)]
    done = subprocess.run(command, env=os.environ | threads, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Simulate, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--volumes", type=int, default=300)
    parser.add_argument("--ants-volumes", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--step", choices=list(STEPS), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        measured = STEPS[options.step](options.folder, options.volumes, options.ants_volumes)
        # The peak of this process; what getrusage says would include that of the process that started it.
        measured["gb"] = read_counter("status", "VmHWM") * 1024 / 1e9
        print(json.dumps(measured))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        simulate(folder, options.volumes, options.seed)
        own = measure("minimal", folder, options.volumes, options.ants_volumes)
        print(f"raw run of {options.volumes} volumes of {SHAPE}, no noise, motion up to 2 mm and 2 degrees")
        print("                              CPU s   peak GB   motion rms mm   degrees")
        print(
            f"minimal preprocessing      {own['cpu']:8.1f}  {own['gb']:8.2f}  {own['mm']:14.4f}  "
            f"{own['deg']:8.4f}"
        )
        try:
            peer = measure("ants", folder, options.volumes, options.ants_volumes)
            print(
                f"ants, volume by volume     {peer['cpu']:8.1f}  {peer['gb']:8.2f}  {peer['mm']:14.4f}  "
                f"{peer['deg']:8.4f}   ({peer['n']:.0f} volumes, time scaled to all)"
            )
            print(f"ratio of CPU time: {own['cpu'] / peer['cpu']:.3f}")
        except subprocess.CalledProcessError as error:
            print(f"ants: not measured ({error.stderr.strip().splitlines()[-1]})")
        print(f"minimal with extraction of the motor regions: {own['cpu_all']:.1f} CPU s")
        print(f"r with the truth: mean {own['r_mean']:.3f}, least {own['r_least']:.3f} of the motor regions")
        simulate_mni(folder, options.volumes, options.seed)
        got = measure("extraction", folder, options.volumes, options.ants_volumes)
        print(
            f"{got['n']:.0f} regions of a 2 mm MNI run {MNI_SHAPE} x {options.volumes}: {got['cpu']:.1f} CPU "
            f"s, peak {got['gb']:.2f} GB, image read {got['read']:.2f} times"
        )


if __name__ == "__main__":
    main()
