"""What is damaged, and what is then done with it: the first stages, all up to the models, or the command."""

from __future__ import annotations

import contextlib
import faulthandler
import io
import os
import re
import resource
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mne
import nibabel as nib
import numpy as np
import scipy.io
from mutations import BINARY_OPERATIONS, JSON_OPERATIONS, TABLE_OPERATIONS, TEXT_OPERATIONS

from bids_eeg2fmri import cli
from bids_eeg2fmri.application import load_model_file
from bids_eeg2fmri.bids.outputs import Outputs
from bids_eeg2fmri.bold.confounds import non_steady_volumes, read_motion, select_confounds, select_nuisance
from bids_eeg2fmri.bold.region_set import label_regions, load_regions
from bids_eeg2fmri.eeg.provenance import read_provenance
from bids_eeg2fmri.errors import Eeg2FmriError
from bids_eeg2fmri.formats.completion import is_complete, write_mark
from bids_eeg2fmri.formats.eeg_recording import inspect_eeg
from bids_eeg2fmri.formats.eeg_samples import open_samples
from bids_eeg2fmri.formats.eeg_signal import read_eeg
from bids_eeg2fmri.formats.nifti import iterate_volumes, read_image_header, read_volume
from bids_eeg2fmri.formats.participant_scores import collect_scores
from bids_eeg2fmri.options import build_job
from bids_eeg2fmri.planning import discover_participant
from bids_eeg2fmri.preparation import prepare_run
from bids_eeg2fmri.simulate.dataset import simulate_dataset
from bids_eeg2fmri.simulate.options import SimulationOptions
from bids_eeg2fmri.sync.discovery import refuse_unusable

RUN = "sub-01_task-imagery_run-1"
FMRIPREP = f"derivatives/fmriprep/sub-01/func/{RUN}"
SPACE = "space-MNI152NLin2009cAsym"
#: Exit statuses that are documented.
STATUSES = {0, 1, 16, 17, 18, 64, 65, 66, 73}
#: s; what is still at work then hangs.
LIMIT = 30
#: Bytes that may be allocated beyond what the process had before.
MEMORY = 3 * 2**30


class HangError(BaseException):
    """A case that took longer than the limit; no handler of errors catches it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A kind of file, how it is damaged, and what reads it (None: the stages of a participant)."""

    path: str
    operations: tuple[str, ...]
    read: Callable[[Path], None] | None = None
    weight: int = 1


TARGETS: dict[str, Target] = {
    "vhdr": Target(path=f"sub-01/eeg/{RUN}_eeg.vhdr", operations=TEXT_OPERATIONS, weight=4),
    "vmrk": Target(path=f"sub-01/eeg/{RUN}_eeg.vmrk", operations=TEXT_OPERATIONS, weight=4),
    "eeg signal": Target(path=f"sub-01/eeg/{RUN}_eeg.eeg", operations=("cut", "byte", "empty")),
    "eeg json": Target(path=f"sub-01/eeg/{RUN}_eeg.json", operations=JSON_OPERATIONS, weight=3),
    "channels": Target(path=f"sub-01/eeg/{RUN}_channels.tsv", operations=TABLE_OPERATIONS, weight=2),
    "electrodes": Target(path="sub-01/eeg/sub-01_space-CapTrak_electrodes.tsv", operations=TABLE_OPERATIONS),
    "coordsystem": Target(
        path="sub-01/eeg/sub-01_space-CapTrak_coordsystem.json", operations=JSON_OPERATIONS
    ),
    "eeg events": Target(path=f"sub-01/eeg/{RUN}_events.tsv", operations=TABLE_OPERATIONS),
    "bold events": Target(path=f"sub-01/func/{RUN}_events.tsv", operations=TABLE_OPERATIONS, weight=3),
    "bold json": Target(path=f"sub-01/func/{RUN}_bold.json", operations=JSON_OPERATIONS, weight=3),
    "scans": Target(path="sub-01/sub-01_scans.tsv", operations=TABLE_OPERATIONS),
    "participants": Target(path="participants.tsv", operations=TABLE_OPERATIONS),
    "description": Target(path="dataset_description.json", operations=JSON_OPERATIONS, weight=2),
    "fmriprep description": Target(
        path="derivatives/fmriprep/dataset_description.json", operations=JSON_OPERATIONS
    ),
    "bold image": Target(path=f"sub-01/func/{RUN}_bold.nii", operations=BINARY_OPERATIONS, weight=3),
    "preprocessed image": Target(
        path=f"{FMRIPREP}_{SPACE}_desc-preproc_bold.nii.gz", operations=BINARY_OPERATIONS
    ),
    "preprocessed json": Target(
        path=f"{FMRIPREP}_{SPACE}_desc-preproc_bold.json", operations=JSON_OPERATIONS
    ),
    "mask": Target(path=f"{FMRIPREP}_{SPACE}_desc-brain_mask.nii", operations=BINARY_OPERATIONS, weight=2),
    "confounds": Target(
        path=f"{FMRIPREP}_desc-confounds_timeseries.tsv", operations=TABLE_OPERATIONS, weight=3
    ),
    "confounds json": Target(path=f"{FMRIPREP}_desc-confounds_timeseries.json", operations=JSON_OPERATIONS),
    "settings": Target(path="../settings.toml", operations=TABLE_OPERATIONS, weight=3),
    "filter": Target(path="../filter.json", operations=JSON_OPERATIONS, weight=2),
    "regions": Target(path="../regions.tsv", operations=TABLE_OPERATIONS, weight=2),
}


def _read_recording(path: Path) -> None:
    """Do with a recording what discovery and cleaning do with it before any computation."""
    problems = inspect_eeg(path).problems
    if problems:
        raise problems[0]
    raw = read_eeg(path)
    samples = open_samples(raw, list(range(len(raw.ch_names))))
    samples.read(0, min(samples.n_times, 500))


def _read_model(path: Path) -> None:
    load_model_file(path.with_suffix(".safetensors"))


def _read_mark(path: Path) -> None:
    is_complete(path, "x", path.parents[1])
    write_mark(path, "x", [], path.parents[1])


def _read_scores(path: Path) -> None:
    collect_scores(Outputs(root=path.parents[1]), "01")


def _read_labels(path: Path) -> None:
    image = path.with_suffix(".nii")
    load_regions(str(image))
    if len(read_image_header(image).shape) == 3:
        read_volume(image)
    else:
        assert all(block.ndim == 4 for block in iterate_volumes(image))


OTHERS = "../others/sub-01/eeg/sub-01_task-a_eeg"
MODEL = "../models/sub-01/sub-01_task-imagery_desc-{}_model"
TARGETS |= {
    f"recording {suffix}": Target(
        path=f"{OTHERS}.{suffix}", operations=BINARY_OPERATIONS, read=_read_recording, weight=2
    )
    for suffix in ("edf", "set", "fif")
}
TARGETS |= {
    f"model {name} {kind}": Target(
        path=f"{MODEL.format(name)}.{kind}", operations=operations, read=_read_model
    )
    for name in ("ridge", "hrfnet")
    for kind, operations in (("json", JSON_OPERATIONS), ("safetensors", BINARY_OPERATIONS))
}
TARGETS |= {
    "completion mark": Target(
        path="../done/logs/sub-01_done.json", operations=JSON_OPERATIONS, read=_read_mark
    ),
    "scores": Target(
        path="../done/sub-01/sub-01_desc-scores_metrics.tsv", operations=TABLE_OPERATIONS, read=_read_scores
    ),
    "label image": Target(path="../atlas/labels.nii", operations=BINARY_OPERATIONS, read=_read_labels),
    "label names": Target(path="../atlas/labels.tsv", operations=TABLE_OPERATIONS, read=_read_labels),
}


def make_base(folder: Path) -> Path:
    """Write the undamaged files; return the root of the dataset."""
    root = folder / "bids"
    simulate_dataset(root, SimulationOptions(participants=1, runs=2, volumes=40, channels=8, seed=5))
    for name in (f"sub-01/func/{RUN}_bold", f"{FMRIPREP}_{SPACE}_desc-brain_mask"):
        # Not compressed, so that damage meets the header and not the compression alone.
        nib.load(root / f"{name}.nii.gz").to_filename(root / f"{name}.nii")
        (root / f"{name}.nii.gz").unlink()
    times = "2020-01-01T12:00:00.000"
    rows = [f"eeg/{RUN}_eeg.vhdr\t{times}", f"func/{RUN}_bold.nii\t{times}"]
    (root / "sub-01" / "sub-01_scans.tsv").write_text("\n".join(["filename\tacq_time", *rows]) + "\n")
    (folder / "settings.toml").write_text(
        'model = ["ridge"]\nrandom_seed = 3\n[eeg]\nlowpass = 30.0\nbad_channels = "auto"\n[evaluation]\n'
        'n_nulls = 5\n[bold]\nconfounds = ["motion6", "wm_csf"]\n[models.ridge]\n'
    )
    (folder / "filter.json").write_text('{"bold": {"task": "imagery", "run": 1}, "eeg": {"run": ["1"]}}')
    (folder / "regions.tsv").write_text("name\tx\ty\tz\tradius\nM1\t-38\t-24\t56\t8\nSMA\t0\t-2\t58\t8\n")
    _make_recordings(root, folder)
    _make_models(root, folder)
    done = folder / "done"
    (done / "logs").mkdir(parents=True)
    (done / "sub-01").mkdir()
    shutil.copy(
        next((folder / "models" / "sub-01").glob("*_desc-scores_metrics.tsv")),
        done / "sub-01" / "sub-01_desc-scores_metrics.tsv",
    )
    (done / "logs" / "sub-01_done.json").write_text(
        '{"Digest": "y", "Settings": "z", "Outputs": ["sub-01/a", "b"]}'
    )
    (folder / "atlas").mkdir()
    labels = np.zeros((12, 14, 12), np.int16)
    labels[2:4, 2:4, 2:4], labels[6:8, 6:8, 6:8] = 1, 2
    nib.Nifti1Image(labels, np.diag([8.0, 8.0, 8.0, 1.0])).to_filename(folder / "atlas" / "labels.nii")
    (folder / "atlas" / "labels.tsv").write_text("index\tname\n1\tM1\n2\tS1\n")
    return root


def _make_recordings(root: Path, folder: Path) -> None:
    """Write the recording of the dataset in the other formats that are read."""
    own = folder / "others" / "sub-01" / "eeg"
    own.mkdir(parents=True)
    (folder / "others" / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.9.0"}')
    raw = mne.io.read_raw_brainvision(root / f"sub-01/eeg/{RUN}_eeg.vhdr", verbose="error").crop(0, 10)
    raw.load_data(verbose="error")
    raw.save(own / "sub-01_task-a_eeg.fif", verbose="error")
    data = raw.get_data()
    (own / "sub-01_task-a_eeg.edf").write_bytes(edf_bytes(data * 1e6, int(raw.info["sfreq"])))
    content = {
        "data": (data * 1e6).astype(np.float32),
        "srate": raw.info["sfreq"],
        "nbchan": len(data),
        "pnts": data.shape[1],
        "trials": 1,
        "xmin": 0.0,
        "chanlocs": np.array([(name,) for name in raw.ch_names], dtype=[("labels", object)]),
        "event": np.array(
            [(251.0, "S 1", 1.0)], dtype=[("latency", object), ("type", object), ("duration", object)]
        ),
        "icawinv": [],
        "epoch": [],
    }
    scipy.io.savemat(own / "sub-01_task-a_eeg.set", {"EEG": content}, appendmat=False, do_compression=True)


def edf_bytes(microvolts: np.ndarray, sfreq: int) -> bytes:
    """Return an EDF file of records of one second of (n_channels, n_times) microvolts."""
    n, n_records = len(microvolts), microvolts.shape[1] // sfreq
    fixed = [("0", 8), ("X", 80), ("X", 80), ("01.01.20", 8), ("12.00.00", 8), (256 * (n + 1), 8), ("", 44)]
    fixed += [(n_records, 8), (1, 8), (n, 4)]
    fields = [(f"E{k}", 16) for k in range(n)] + [("", 80)] * n + [("uV", 8)] * n
    fields += [(-3276.8, 8)] * n + [(3276.7, 8)] * n + [(-32768, 8)] * n + [(32767, 8)] * n
    fields += [("", 80)] * n + [(sfreq, 8)] * n + [("", 32)] * n
    head = "".join(str(text).ljust(width) for text, width in [*fixed, *fields]).encode()
    samples = np.clip(microvolts[:, : n_records * sfreq] * 10, -32768, 32767).astype("<i2")
    return head + b"".join(samples[:, k * sfreq : (k + 1) * sfreq].tobytes() for k in range(n_records))


def _make_models(root: Path, folder: Path) -> None:
    """Train small models with the command."""
    args = ["--model", "ridge", "hrfnet", "--set", "evaluation.n_nulls=5", "--set", "models.hrfnet.n_seeds=1"]
    args += ["--set", "models.hrfnet.n_steps=5", "--set", "bold.confounds=motion6"]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        cli.main([str(root), str(folder / "models"), "participant", *args])


def arguments(root: Path, out: Path) -> list[str]:
    """Return the command of every case."""
    outside = root.parent
    args = [str(root), str(out), "participant", "--config-file", str(outside / "settings.toml")]
    return [
        *args,
        "--bids-filter-file",
        str(outside / "filter.json"),
        "--regions",
        str(outside / "regions.tsv"),
    ]


def look(root: Path, out: Path, *, prepares: bool) -> None:
    """Do the first stages of a participant in this process; with ``prepares`` all up to the models."""
    with cli.command.make_context("bids_eeg2fmri", arguments(root, out)) as context:
        options = context.params
    job, _ = build_job(options)
    discovery = discover_participant(job, "01")
    refuse_unusable(discovery.found)
    load_regions(job.settings.bold.regions)
    for timed in discovery.timed[:1]:  # the damaged one
        run = timed.run
        read_provenance(run.eeg_path)
        read_eeg(run.eeg_path)
        if run.confounds_path is not None:
            select_confounds(run.confounds_path, job.settings.bold, n_volumes=run.n_volumes, tr=run.tr)
            select_nuisance(run.confounds_path, run.n_volumes)
            non_steady_volumes(run.confounds_path, run.n_volumes)
            read_motion(run.confounds_path, run.n_volumes)
        if prepares:
            prepare_run(timed, label_regions([run], job.settings.bold), job.settings)


def command(root: Path, out: Path) -> None:
    """Run the whole command; raise for a status that is not documented, a traceback, or an accident."""
    said = io.StringIO()
    status: Any = 0
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            cli.main(arguments(root, out))
        except SystemExit as stop:
            status = stop.code or 0
    crashes = "".join(path.read_text() for path in (out / "logs").glob("*_crash.txt"))
    shutil.rmtree(out, ignore_errors=True)
    if status not in STATUSES or "Traceback" in said.getvalue():
        raise RuntimeError(f"status {status}: {said.getvalue()[-2000:]}")
    if crashes and not re.search(r"^bids_eeg2fmri\.errors\.", crashes, re.MULTILINE):
        raise RuntimeError(f"an error by accident: {crashes[-4000:]}")


@dataclass
class Watch:
    """Takes down what is written outside one folder; one for the process, as its hook stays for ever."""

    allowed: tuple[str, ...] = ()
    is_on: bool = False
    seen: list[str] = field(default_factory=list)

    def hook(self, event: str, args: tuple[Any, ...]) -> None:
        """Be told of an event by Python."""
        if not self.is_on:
            return
        if event == "open" and isinstance(args[0], str | bytes | os.PathLike):
            flags = args[2] if isinstance(args[2], int) else 0
            if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                self._take("open", args[0])
        elif event in ("os.mkdir", "os.remove", "os.rmdir", "os.symlink", "os.link", "os.truncate"):
            is_link = event in ("os.symlink", "os.link")
            folder = (
                args[-1] if len(args) > 1 and isinstance(args[-1], int) and event != "os.truncate" else -1
            )
            self._take(event, args[1] if is_link else args[0], folder)
        elif event == "os.rename":
            self._take(event, args[0])
            self._take(event, args[1])
        elif event in ("pickle.find_class", "subprocess.Popen", "os.system", "socket.connect"):
            self.seen.append(f"{event} {args!r}"[:300])

    def _take(self, event: str, path: Any, folder: int = -1) -> None:
        """Take down a path that is not in an allowed folder; it may be relative to an open one."""
        text = "" if isinstance(path, int) else os.fsdecode(path)
        if text and folder >= 0:
            text = os.path.join(os.readlink(f"/proc/self/fd/{folder}"), text)  # noqa: PTH115, PTH118
        text = os.path.realpath(text) if text else ""
        is_there = event == "os.mkdir" and Path(text).is_dir()  # then nothing is made
        harmless = (os.devnull, f"/proc/{os.getpid()}/clear_refs")  # the latter resets the count of memory
        if text and not is_there and text not in harmless and not text.startswith(self.allowed):
            self.seen.append(f"{event} {text}")

    @contextlib.contextmanager
    def over(self, *allowed: Path) -> Iterator[None]:
        """Watch while the block runs."""
        self.allowed = tuple(os.path.realpath(path) for path in allowed)
        self.seen = []
        self.is_on = True
        try:
            yield
        finally:
            self.is_on = False


@contextlib.contextmanager
def limits(seconds: int = LIMIT) -> Iterator[None]:
    """Stop what takes longer, or takes more memory, than any of these small files can need."""

    def stop(*_: Any) -> None:
        raise HangError(f"still at work after {seconds} s")

    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    before = resource.getrlimit(resource.RLIMIT_AS)
    handler = signal.signal(signal.SIGALRM, stop)
    # Where compiled code hangs no handler runs: then the process ends with a traceback.
    faulthandler.dump_traceback_later(2 * seconds, exit=True, file=sys.__stderr__)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    resource.setrlimit(resource.RLIMIT_AS, (in_use + MEMORY, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        faulthandler.cancel_dump_traceback_later()


def run_case(root: Path, out: Path, target: Target, depth: str) -> str:
    """Do with the damaged files what the depth says; return the name of the refusal, or "accepted".

    Raises
    ------
    BaseException
        Anything but a refusal on purpose.
    """
    try:
        if target.read is not None:
            target.read((root / target.path).resolve())
        elif depth == "command":
            command(root, out)
        else:
            look(root, out, prepares=depth == "prepare")
    except Eeg2FmriError as error:
        if not str(error).strip():
            raise RuntimeError("a refusal without a reason") from error
        return type(error).__name__
    return "accepted"


def cpu_seconds() -> float:
    """Return the CPU time of this process, s."""
    return time.process_time()
