"""The states real datasets are found in: each fault, and what the discovery must make of it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mne
import nibabel as nib
import numpy as np
import pytest
import scipy.io

from bids_eeg2fmri import cli
from bids_eeg2fmri.bids.derivatives import find_derivatives
from bids_eeg2fmri.formats.eeg_signal import read_eeg
from bids_eeg2fmri.records import FoundRun
from bids_eeg2fmri.settings import Selection, Settings, SyncSettings
from bids_eeg2fmri.sync.discovery import Discovery, discover_runs

EEG = "sub-01/eeg/sub-01_task-imagery_run-1_eeg"
BOLD = "sub-01/func/sub-01_task-imagery_run-1_bold"
EVENTS = "sub-01/func/sub-01_task-imagery_run-1_events.tsv"
CHANNELS = "sub-01/eeg/sub-01_task-imagery_run-1_channels.tsv"
FMRIPREP = "derivatives/fmriprep/sub-01/func/sub-01_task-imagery_run-1"
PREPROCESSED = f"{FMRIPREP}_space-MNI152NLin2009cAsym_desc-preproc_bold"
SFREQ, TR = 250.0, 2.0

Damage = Callable[[Path], Any]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What is done to run 1, and what must come of it; run 2 must stay as it is."""

    damage: Damage
    status: str
    #: Must be found in the evidence or the reason.
    words: str
    exit_status: int = 0
    options: SyncSettings = field(default_factory=SyncSettings)


@pytest.fixture(scope="module")
def one_participant(small_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first participant of the small dataset, alone."""
    root = tmp_path_factory.mktemp("one") / "bids"
    shutil.copytree(small_dataset, root, ignore=shutil.ignore_patterns("sub-02", "truth"))
    return root


@pytest.fixture
def dataset(one_participant: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    root = tmp_path / "bids"
    shutil.copytree(one_participant, root)
    return root


def discover(root: Path, *derivatives: Path, options: SyncSettings | None = None, **select: Any) -> Discovery:
    return discover_runs(
        root,
        [*find_derivatives(root), *derivatives],
        "01",
        selection=Selection(**select),
        settings=Settings(sync=options or SyncSettings()),
    )


def eeg_of(found: Discovery, run: int = 1) -> FoundRun:
    (own,) = (f for f in found.found if f.modality == "eeg" and f.entities.run == run)
    return own


# What is done to the files.


def dangle(name: str) -> Damage:
    def damage(root: Path) -> None:
        (root / name).unlink()
        (root / name).symlink_to("../../.git/annex/objects/xX/yY/MD5E-s1--0/MD5E-s1--0")

    return damage


def write(name: str, content: bytes) -> Damage:
    return lambda root: (root / name).write_bytes(content)


def pointer(name: str) -> Damage:
    return write(name, b"/annex/objects/MD5E-s31220--0123456789abcdef.eeg\n")


def link_as_text(name: str) -> Damage:
    return write(name, b"../../.git/annex/objects/xX/yY/MD5E-s1--0/MD5E-s1--0")


def cut(name: str) -> Damage:
    return lambda root: (root / name).write_bytes(
        (root / name).read_bytes()[: (root / name).stat().st_size // 2]
    )


def change(name: str, alter: Callable[[str], str]) -> Damage:
    def damage(root: Path) -> None:
        text = (root / name).read_text(encoding="utf-8")
        assert alter(text) != text
        (root / name).write_text(alter(text), encoding="utf-8", newline="")

    return damage


def change_json(name: str, **values: Any) -> Damage:
    def damage(root: Path) -> None:
        content = json.loads((root / name).read_text()) | values
        (root / name).write_text(json.dumps({k: v for k, v in content.items() if v is not None}))

    return damage


def change_markers(alter: Callable[[list[tuple[int, str]]], list[tuple[int, str]]]) -> Damage:
    """Rewrite the marker file of run 1 from its (sample, name) list."""

    def damage(root: Path) -> None:
        path = (root / EEG).with_suffix(".vmrk")
        head, lines = path.read_text().split("Mk1=")
        found = re.findall(r"Mk\d+=(\w+),([^,]*),(\d+),", lines)
        old = [(int(sample), f"{kind},{name}") for kind, name, sample in found if kind != "New Segment"]
        new = sorted(alter(old))
        lines = "Mk1=New Segment,,1,1,0,20000101000000000000\n"
        lines += "".join(f"Mk{k}={name},{sample},1,0\n" for k, (sample, name) in enumerate(new, start=2))
        path.write_text(head + lines)

    return damage


def volumes(markers: list[tuple[int, str]]) -> list[int]:
    return [sample for sample, name in markers if "R128" in name]


def others(markers: list[tuple[int, str]]) -> list[tuple[int, str]]:
    return [(sample, name) for sample, name in markers if "R128" not in name]


def r128(samples: Any) -> list[tuple[int, str]]:
    return [(round(float(sample)), "Response,R128") for sample in samples]


def move_to_root(root: Path) -> None:
    change_json(f"{EEG}.json", RecordingDuration=None)(root)
    for name, new in ((f"{EEG}.json", "task-imagery_eeg.json"), (f"{BOLD}.json", "task-imagery_bold.json")):
        shutil.copy(root / name, root / new)
        for path in (root / name).parent.glob("*" + name[-9:]):
            path.unlink()
    shutil.copy(root / EVENTS, root / "task-imagery_events.tsv")
    shutil.copy(root / CHANNELS, root / "task-imagery_channels.tsv")
    for path in [*root.glob("sub-01/func/*_events.tsv"), *root.glob("sub-01/eeg/*_channels.tsv")]:
        path.unlink()


def rename_signal(root: Path) -> None:
    """A header that was written before the files were renamed."""
    change(f"{EEG}.vhdr", lambda text: text.replace("DataFile=sub-01_task-imagery_run-1", "DataFile=old"))(
        root
    )


def shorten(name: str, n_volumes: int) -> Damage:
    def damage(root: Path) -> None:
        image: Any = nib.load(root / name)
        image.slicer[..., :n_volumes].to_filename(root / f"{name}.part.nii.gz")
        (root / f"{name}.part.nii.gz").replace(root / name)

    return damage


def flatten(root: Path) -> None:
    image: Any = nib.load(root / f"{BOLD}.nii.gz")
    nib.Nifti1Image(np.asarray(image.dataobj)[..., 0], image.affine).to_filename(root / "flat.nii.gz")
    (root / "flat.nii.gz").replace(root / f"{BOLD}.nii.gz")


def scans(eeg: str, bold: str) -> Damage:
    def damage(root: Path) -> None:
        rows = [f"{EEG[7:]}.vhdr\t{eeg}", f"{BOLD[7:]}.nii.gz\t{bold}"]
        (root / "sub-01" / "sub-01_scans.tsv").write_text("filename\tacq_time\n" + "\n".join(rows) + "\n")

    return damage


def both(*damages: Damage) -> Damage:
    def damage(root: Path) -> None:
        for single in damages:
            single(root)

    return damage


def untidy_channels(text: str) -> str:
    """Spaces for tabs, names in quotes, one of them typographic."""
    rows = [
        "name   type   units",
        *(f"'{r.split(chr(9))[0]}'   {r.split(chr(9))[1]}   microV" for r in text.splitlines()[1:]),
    ]
    return "\n".join(rows).replace("'ECG'", "'ECG’") + "\n"  # noqa: RUF001


def upper_names(text: str) -> str:
    return re.sub(r"(?m)^(Ch\d+=)([A-Za-z0-9]+)", lambda m: m[1] + m[2].upper(), text)


def as_edf(root: Path) -> None:
    """The same recording as EDF; its markers stand in the events table, as BIDS has them."""
    raw = mne.io.read_raw((root / EEG).with_suffix(".vhdr"), verbose="error")
    (root / EEG).with_suffix(".edf").write_bytes(edf(raw))
    table = (root / EEG).with_name("sub-01_task-imagery_run-1_events.tsv")
    rows = [f"{a['onset']}\t0\t{a['description'].split('/')[-1]}" for a in raw.annotations]
    table.write_text("onset\tduration\ttrial_type\n" + "\n".join(rows) + "\n")
    for suffix in (".vhdr", ".vmrk", ".eeg"):
        (root / EEG).with_suffix(suffix).unlink()


def edf(raw: Any) -> bytes:
    """An EDF file of records of one second (https://www.edfplus.info/specs/edf.html)."""
    data = np.round(raw.get_data() * 1e6 * 10).clip(-32768, 32767).astype("<i2")
    n_channels, n_records = len(data), data.shape[1] // round(SFREQ)

    def each(values: list[str], width: int) -> str:
        return "".join(value.ljust(width) for value in values)

    head = "0".ljust(8) + "X".ljust(80) + "Startdate X".ljust(80) + "01.01.2000.00.00"
    head += str(256 * (n_channels + 1)).ljust(8) + " " * 44 + str(n_records).ljust(8) + "1".ljust(8)
    head += str(n_channels).ljust(4) + each(raw.ch_names, 16) + each([""] * n_channels, 80)
    for value in ("uV", "-3276.8", "3276.7", "-32768", "32767"):
        head += each([value] * n_channels, 8)
    head += (
        each([""] * n_channels, 80) + each([str(round(SFREQ))] * n_channels, 8) + each([""] * n_channels, 32)
    )
    n_times = n_records * round(SFREQ)
    blocks = data[:, :n_times].reshape(n_channels, n_records, -1).swapaxes(0, 1)
    return head.encode("ascii") + blocks.tobytes()


def as_set(root: Path) -> None:
    """The same recording as EEGLAB writes it, in two files."""
    path = root / EEG
    raw = mne.io.read_raw(path.with_suffix(".vhdr"), verbose="error")
    data = (raw.get_data() * 1e6).astype("<f4")
    data.T.tofile(path.with_suffix(".fdt"))
    rows = [(a["onset"] * SFREQ + 1, a["description"].split("/")[-1], 1.0) for a in raw.annotations]
    content = {
        "setname": "x",
        "nbchan": float(len(data)),
        "pnts": float(data.shape[1]),
        "trials": 1.0,
        "srate": SFREQ,
        "xmin": 0.0,
        "xmax": data.shape[1] / SFREQ,
        "data": path.with_suffix(".fdt").name,
        "chanlocs": np.array([(name,) for name in raw.ch_names], dtype=[("labels", object)]),
        "event": np.array(rows, dtype=[("latency", object), ("type", object), ("duration", object)]),
        "icawinv": [],
        "epoch": [],
    }
    scipy.io.savemat(path.with_suffix(".set"), {"EEG": content}, appendmat=False)
    for suffix in (".vhdr", ".vmrk", ".eeg"):
        path.with_suffix(suffix).unlink()


def keep_nine_tenths(markers: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """10 % of the markers missing, three spurious ones, a clock 20 ppm fast, jitter of a sample."""
    rng = np.random.default_rng(0)
    samples = np.asarray(volumes(markers), dtype=float) * (1 + 20e-6)
    kept = np.sort(rng.choice(np.arange(1, len(samples) - 1), len(samples) - 8, replace=False))
    kept = np.concatenate([[0], kept, [len(samples) - 1]])
    spurious = samples[[5, 20, 40]] + np.array([137, 251, 300])
    return [*others(markers), *r128(samples[kept]), *r128(spurious)]


def no_volume_markers(markers: list[tuple[int, str]]) -> list[tuple[int, str]]:
    return others(markers)


CONTENT_FAULTS = {
    "EEG signal is a link to nowhere": Fault(
        damage=dangle(f"{EEG}.eeg"), status="unusable", words="datalad get .*run-1_eeg.eeg", exit_status=66
    ),
    "EEG header is a link to nowhere": Fault(
        damage=dangle(f"{EEG}.vhdr"), status="unusable", words="datalad get .*vhdr", exit_status=66
    ),
    "EEG markers are a link to nowhere": Fault(
        damage=dangle(f"{EEG}.vmrk"), status="unusable", words="datalad get .*vmrk", exit_status=66
    ),
    "BOLD is a link to nowhere": Fault(
        damage=dangle(f"{BOLD}.nii.gz"),
        status="unusable",
        words="how many the image has is not known.*datalad get .*run-1_bold.nii.gz",
        exit_status=66,
    ),
    "BOLD sidecar is a link to nowhere": Fault(
        damage=dangle(f"{BOLD}.json"), status="unusable", words="datalad get .*bold.json", exit_status=66
    ),
    "EEG sidecar is a link to nowhere": Fault(
        damage=dangle(f"{EEG}.json"), status="paired", words="60 markers"
    ),
    "events are a link to nowhere": Fault(
        damage=dangle(EVENTS), status="unusable", words="datalad get .*events.tsv", exit_status=66
    ),
    "preprocessed BOLD is a link to nowhere": Fault(
        damage=dangle(f"{PREPROCESSED}.nii.gz"),
        status="unusable",
        words="datalad get .*desc-preproc",
        exit_status=66,
    ),
    "confounds are a link to nowhere": Fault(
        damage=dangle(f"{FMRIPREP}_desc-confounds_timeseries.tsv"),
        status="unusable",
        words="datalad get .*confounds",
        exit_status=66,
    ),
    "everything is a link to nowhere": Fault(
        damage=both(dangle(f"{EEG}.vhdr"), dangle(f"{EEG}.eeg"), dangle(f"{BOLD}.nii.gz")),
        status="unusable",
        words="2 files is not here. Run: datalad get .*vhdr .*nii.gz$",
        exit_status=66,
    ),
    "annex pointer for EEG signal": Fault(
        damage=pointer(f"{EEG}.eeg"), status="unusable", words="annex pointer", exit_status=66
    ),
    "annex pointer for BOLD": Fault(
        damage=pointer(f"{BOLD}.nii.gz"), status="unusable", words="annex pointer", exit_status=66
    ),
    "annex pointer for BOLD sidecar": Fault(
        damage=pointer(f"{BOLD}.json"), status="unusable", words="datalad get .*bold.json", exit_status=66
    ),
    "link written out as text": Fault(
        damage=link_as_text(f"{EEG}.vhdr"), status="unusable", words="annex pointer", exit_status=66
    ),
    "empty EEG signal": Fault(
        damage=write(f"{EEG}.eeg", b""), status="unusable", words="60 volumes.*eeg is empty", exit_status=65
    ),
    "empty BOLD": Fault(
        damage=write(f"{BOLD}.nii.gz", b""), status="unusable", words="nii.gz is empty", exit_status=65
    ),
    "empty events": Fault(
        damage=write(EVENTS, b""), status="unusable", words="events.tsv is empty", exit_status=65
    ),
    "blank events": Fault(
        damage=write(EVENTS, b"\n \n\n"), status="unusable", words="it is blank", exit_status=65
    ),
    "truncated EEG signal": Fault(
        damage=cut(f"{EEG}.eeg"),
        status="unusable",
        words="60 volumes.*truncated: it ends after 68",
        exit_status=65,
    ),
    "truncated BOLD": Fault(
        damage=cut(f"{BOLD}.nii.gz"), status="unusable", words="cut short", exit_status=65
    ),
    "truncated header": Fault(
        damage=lambda root: (root / f"{EEG}.vhdr").write_text("Brain Vision Data Exchange Header\n"),
        status="unusable",
        words="no BrainVision header",
        exit_status=65,
    ),
    "header names files of before a renaming": Fault(
        damage=rename_signal, status="unusable", words="names old_eeg.eeg.*DataFile=", exit_status=66
    ),
    "unreadable EEG sidecar": Fault(
        damage=write(f"{EEG}.json", b"{oops"),
        status="unusable",
        words="run-1_eeg.json cannot be read",
        exit_status=65,
    ),
    "unreadable BOLD sidecar": Fault(
        damage=write(f"{BOLD}.json", b"\x00\x01"),
        status="unusable",
        words="bold.json cannot be read",
        exit_status=65,
    ),
    "sidecar without RepetitionTime": Fault(
        damage=change_json(f"{BOLD}.json", RepetitionTime=None),
        status="unusable",
        words="no RepetitionTime above 0",
        exit_status=65,
    ),
    "another TR in the sidecar": Fault(
        damage=change_json(f"{BOLD}.json", RepetitionTime=2.5),
        status="unusable",
        words="2.5 s but the image header says 2 s",
        exit_status=65,
    ),
    "BOLD of one volume": Fault(
        damage=flatten, status="unusable", words="3D; a BOLD run is 4D", exit_status=65
    ),
    "preprocessed BOLD lost volumes": Fault(
        damage=shorten(f"{PREPROCESSED}.nii.gz", 53), status="unusable", words="53 volumes", exit_status=65
    ),
    "not preprocessed": Fault(
        damage=lambda root: (root / f"{PREPROCESSED}.nii.gz").unlink(),
        status="unusable",
        words="60 markers 'R128'.*no preprocessed image",
        exit_status=66,
    ),
}

UNTIDY = {
    "sidecar with BOM": Fault(
        damage=lambda root: (root / f"{BOLD}.json").write_bytes(
            b"\xef\xbb\xbf" + (root / f"{BOLD}.json").read_bytes()
        ),
        status="paired",
        words="60 markers",
    ),
    "events with BOM, CRLF and blank rows at the end": Fault(
        damage=change(EVENTS, lambda text: "\ufeff" + text.replace("\n", "\r\n") + "\r\n\r\n\t\t\r\n"),
        status="paired",
        words="6 of 6 events",
    ),
    "events with leading tabs": Fault(
        damage=change(EVENTS, lambda text: re.sub(r"(?m)^(?=.)", "\t", text)),
        status="paired",
        words="6 of 6 events",
    ),
    "events not in UTF-8": Fault(
        damage=lambda root: (root / EVENTS).write_bytes(
            (root / EVENTS).read_bytes().replace(b"imagery", "géste".encode("cp1252"))
        ),
        status="paired",
        words="6 of 6 events",
    ),
    "events without a column onset": Fault(
        damage=change(EVENTS, lambda text: text.replace("onset", "start")),
        status="unusable",
        words="no column 'onset'",
        exit_status=65,
    ),
    "no events at all": Fault(
        damage=lambda root: (root / EVENTS).unlink(), status="paired", words="no task events"
    ),
    "events 1.9 s off the markers": Fault(
        damage=change(EVENTS, lambda text: re.sub(r"(?m)^(\d+)(?=\t)", lambda m: f"{int(m[1]) + 1.9}", text)),
        status="paired",
        words=r"6 of 6 events of the table match markers of the EEG, which are -1\.\d+ s from it",
    ),
    "sidecars and tables at the root only": Fault(
        damage=move_to_root, status="paired", words="60 markers.*6 of 6 events"
    ),
    "no table of channels": Fault(
        damage=lambda root: (root / CHANNELS).unlink(), status="paired", words="60 markers"
    ),
    "channels separated by spaces, with stray quotes": Fault(
        damage=change(CHANNELS, untidy_channels), status="paired", words="60 markers"
    ),
    "channel names in capitals": Fault(
        damage=change(f"{EEG}.vhdr", upper_names), status="paired", words="60 markers"
    ),
    "EDF with its markers in events.tsv": Fault(
        damage=as_edf, status="paired", words="markers of .*events.tsv.*60 markers 'R128'"
    ),
    "truncated EDF": Fault(
        damage=both(as_edf, cut(f"{EEG}.edf")), status="unusable", words="truncated", exit_status=65
    ),
    "EEGLAB": Fault(damage=as_set, status="paired", words="60 markers 'R128'"),
    "truncated EEGLAB": Fault(
        damage=both(as_set, cut(f"{EEG}.fdt")), status="unusable", words="truncated", exit_status=65
    ),
    "EEGLAB without its second file": Fault(
        damage=both(as_set, dangle(f"{EEG}.fdt")), status="unusable", words="fdt", exit_status=66
    ),
    "scans.tsv is garbage": Fault(
        damage=write("sub-01/sub-01_scans.tsv", b"no\ttable\n1\t2\n"),
        status="paired",
        words="acquisition times not known",
    ),
    "acquisition times agree": Fault(
        damage=scans("2020-01-01T10:00:00", "2020-01-01T10:00:09"), status="paired", words="overlap by 120 s"
    ),
    "acquisition times of clocks that differ": Fault(
        damage=scans("2020-01-01T10:00:00", "2020-01-01T10:05:43"),
        status="paired",
        words="acq_time contradicts",
    ),
}

CLOCK_FAULTS = {
    "markers missing, spurious, drifting": Fault(
        damage=change_markers(keep_nine_tenths), status="paired", words="6 missing filled; 3 spurious dropped"
    ),
    "four dummy volumes": Fault(
        damage=change_markers(lambda m: [*m, *r128(volumes(m)[0] - TR * SFREQ * np.arange(1, 5))]),
        status="paired",
        words="the first 4 taken for dummy volumes",
    ),
    "last volume's marker lost": Fault(
        damage=change_markers(lambda m: [*others(m), *r128(volumes(m)[:-1])]),
        status="paired",
        words="the marker of the last 1 volumes taken for lost",
    ),
    "markers of slices": Fault(
        damage=change_markers(
            lambda m: [*others(m), *r128(volumes(m)[0] + TR * SFREQ / 14 * np.arange(14 * 60))]
        ),
        status="paired",
        words="14 slice excitations per volume",
    ),
    "volume marker of an unknown name": Fault(
        damage=change_markers(lambda m: [(s, n.replace("R128", "xyz")) for s, n in m]),
        status="paired",
        words="60 markers 'xyz'",
    ),
    "only the clock box's markers": Fault(
        damage=change_markers(lambda m: [*others(m), *((s, "SyncStatus,Sync On") for s in volumes(m))]),
        status="unusable",
        words="no marker of the EEG is a volume.*No gradient artefact",
        exit_status=66,
    ),
    "markers of another TR": Fault(
        damage=change_markers(lambda m: [*others(m), *r128(np.asarray(volumes(m)) * 0.9)]),
        status="unusable",
        words="median interval of the 60 markers 'R128' is 1.800 s",
        exit_status=65,
    ),
    "half of the markers": Fault(
        damage=change_markers(lambda m: [*others(m), *r128(volumes(m)[:20])]),
        status="unusable",
        words="20 volume markers 'R128'.*60 volumes",
        exit_status=65,
    ),
    "EEG stopped during the scan": Fault(
        damage=both(
            change_markers(lambda m: [(s, n) for s, n in m if s < 100 * SFREQ]),
            lambda root: (root / f"{EEG}.eeg").write_bytes(
                (root / f"{EEG}.eeg").read_bytes()[: round(100 * SFREQ) * _bytes_per_sample(root)]
            ),
            change_json(f"{EEG}.json", RecordingDuration=100.0),
        ),
        status="paired",
        words="the EEG stopped during the scan",
    ),
    "no markers, but the user's offset": Fault(
        damage=change_markers(no_volume_markers),
        status="paired",
        words="as given, 9.500 s",
        options=SyncSettings(eeg_offset=9.5),
    ),
    "no markers, but StartTime in the sidecar": Fault(
        damage=both(change_markers(no_volume_markers), change_json(f"{EEG}.json", StartTime=-9.25)),
        status="paired",
        words=r"StartTime of the EEG's sidecar: first volume \+9.250 s",
    ),
    "no markers, but acquisition times": Fault(
        damage=both(change_markers(no_volume_markers), scans("2020-01-01T10:00:00", "2020-01-01T10:00:09")),
        status="paired",
        words=r"acq_time in scans.tsv \(right within 1 s .*\+9.000 s",
    ),
    "no markers and nothing else": Fault(
        damage=change_markers(no_volume_markers),
        status="unusable",
        words="No marker of the EEG can be the onset.*eeg_offset=SECONDS.*No gradient artefact",
        exit_status=66,
    ),
}
FAULTS = CONTENT_FAULTS | UNTIDY | CLOCK_FAULTS


def _bytes_per_sample(root: Path) -> int:
    text = (root / f"{EEG}.vhdr").read_text()
    n_channels = int(re.search(r"NumberOfChannels=(\d+)", text)[1])
    return n_channels * (4 if "IEEE_FLOAT_32" in text else 2)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_fault(dataset: Path, fault: Fault) -> None:
    fault.damage(dataset)
    found = discover(dataset, options=fault.options)
    own = eeg_of(found)
    told = " ".join([*own.evidence, own.reason])
    assert own.status == fault.status, told
    assert re.search(fault.words, told, re.DOTALL), told
    assert own.exit_status == fault.exit_status
    assert own.partner is not None
    # What is wrong with one run hides no other.
    assert len(found.found) == 4
    if fault.options.eeg_offset is None:
        assert eeg_of(found, run=2).status == "paired", eeg_of(found, run=2).reason
    assert len(found.timed) == sum(run.status == "paired" and run.modality == "eeg" for run in found.found)


def test_a_participant_that_cannot_be_looked_at_hides_no_other(
    small_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(root: Path, derivatives: Any, participant: str, **options: Any) -> Discovery:
        if participant == "01":
            raise PermissionError(13, "Permission denied", "sub-01/eeg")
        return discover_runs(root, derivatives, participant, **options)

    monkeypatch.setattr("bids_eeg2fmri.planning.discover_runs", refuse)
    with pytest.raises(SystemExit) as stop:
        cli.main([str(small_dataset), str(tmp_path / "out"), "participant", "--dry-run"])
    said = capsys.readouterr().out
    assert not stop.value.code
    assert "sub-01: cannot be looked at" in said
    assert "sub-02: 4 recordings, 2 usable runs" in said


def truth(dataset: Path) -> np.ndarray:
    """The onsets of the volumes of the undamaged run 1, s."""
    return discover(dataset).timed[0].clock.onsets


def test_onsets_are_right_within_a_sample_whatever_happened_to_the_markers(dataset: Path) -> None:
    onsets = truth(dataset)
    change_markers(keep_nine_tenths)(dataset)
    change_markers(lambda m: [*m, *r128(volumes(m)[0] - TR * (1 + 20e-6) * SFREQ * np.arange(1, 5))])(dataset)
    clock = discover(dataset).timed[0].clock
    assert clock.n_dummies == 4
    expected = onsets * (1 + 20e-6)
    assert np.abs(clock.onsets - expected).max() <= 1 / SFREQ
    # The EEG's clock is the fast one: the BOLD's is slow by as much.
    assert clock.drift == pytest.approx(-20, abs=15)


@pytest.mark.parametrize("damage", [None, CHANNELS, "capitals"], ids=["untidy", "missing", "capitals"])
def test_channels_are_understood_from_untidy_tables_and_from_names(dataset: Path, damage: str | None) -> None:
    if damage is None:
        change(CHANNELS, untidy_channels)(dataset)
    elif damage == "capitals":
        change(f"{EEG}.vhdr", upper_names)(dataset)
        (dataset / CHANNELS).unlink()
    else:
        (dataset / CHANNELS).unlink()
    raw = read_eeg((dataset / EEG).with_suffix(".vhdr"))
    assert raw.get_channel_types().count("eeg") == 16
    assert raw.get_channel_types().count("ecg") == 1
    assert {"C3", "Cz"} <= set(raw.ch_names)


def test_bad_channels_of_an_untidy_table(dataset: Path) -> None:
    text = (dataset / CHANNELS).read_text().replace("\t", "  ").replace("good", "bad", 1)
    first = text.splitlines()[1].split()[0]
    (dataset / CHANNELS).write_text(text)
    assert read_eeg((dataset / EEG).with_suffix(".vhdr")).info["bads"] == [first]


@pytest.mark.parametrize("form", ["BrainVision without BIDS names", "fif"])
def test_preprocessed_eeg_of_another_pipeline_is_used(dataset: Path, tmp_path: Path, form: str) -> None:
    source = (dataset / EEG).with_suffix(".vhdr")
    folder = tmp_path / "cleaned"
    own = folder / "sub-01" / "eeg_pp"
    own.mkdir(parents=True)
    if form == "fif":
        path = own / "sub-01_task-imagery_run-01_proc-clean_raw.fif"
        mne.io.read_raw(source, preload=True, verbose="error").save(path, verbose="error")
        (own / "sub-01_task-imagery_run-01_proc-clean_epo.fif").touch()
    else:
        path = own / "sub-01_task-imagery_run-1_eeg_pp.vhdr"
        for suffix in (".vhdr", ".vmrk", ".eeg"):
            text = source.with_suffix(suffix).read_bytes()
            path.with_suffix(suffix).write_bytes(
                text if suffix == ".eeg" else text.replace(b"_run-1_eeg.", b"_run-1_eeg_pp.")
            )
    for suffix in (".vhdr", ".vmrk", ".eeg"):
        source.with_suffix(suffix).unlink()
        source.with_suffix(suffix).symlink_to("nowhere")
    found = discover(dataset, folder)
    assert eeg_of(found).status == "paired", eeg_of(found).reason
    assert "EEG as preprocessed in" in " ".join(eeg_of(found).evidence)
    assert found.timed[0].run.eeg_path == path
    assert found.timed[1].run.eeg_path.is_relative_to(dataset)
    assert read_eeg(path).get_channel_types().count("ecg") == 1


def test_preprocessed_eeg_alone_is_paired_with_bold(dataset: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cleaned" / "sub-01"
    folder.mkdir(parents=True)
    for path in (dataset / "sub-01" / "eeg").iterdir():
        shutil.move(path, folder / path.name)
    found = discover(dataset, folder.parent)
    assert [run.status for run in found.found] == ["paired"] * 4
    assert all(item.run.eeg_path.parent == folder for item in found.timed)


def test_several_preprocessed_files_are_not_chosen_from(dataset: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cleaned"
    (folder / "sub-01").mkdir(parents=True)
    for name in ("a", "b"):
        (folder / "sub-01" / f"sub-01_task-imagery_run-1_{name}.vhdr").touch()
    own = eeg_of(discover(dataset, folder))
    assert own.status == "unusable"
    assert "2 preprocessed files fit" in own.reason


def rename(root: Path, old: str, new: str) -> None:
    """Rename all files of a recording, also within its header and marker file."""
    for path in sorted(root.rglob(f"*{old}*")):
        if path.suffix in (".vhdr", ".vmrk"):
            path.write_text(path.read_text().replace(old, new))
        path.rename(path.with_name(path.name.replace(old, new)))


def test_run_01_is_run_1_and_a_session_on_one_side_is_no_obstacle(dataset: Path) -> None:
    rename(dataset / "sub-01" / "eeg", "_run-1_", "_run-01_")
    rename(dataset / "sub-01" / "eeg", "sub-01_", "sub-01_ses-1_")
    found = discover(dataset)
    assert [run.status for run in found.found] == ["paired"] * 4
    assert "session only in the EEG" in found.timed[0].run.evidence[0]


def test_tasks_labelled_differently(dataset: Path) -> None:
    rename(dataset / "sub-01" / "eeg", "task-imagery", "task-IMAGON")
    alone = discover(dataset)
    assert {run.status for run in alone.found} == {"unpaired"}
    assert "--pair-task IMAGON=imagery" in alone.found[0].reason
    found = discover(dataset, options=SyncSettings(pair_task=("IMAGON=imagery",)))
    assert [run.status for run in found.found] == ["paired"] * 4
    assert "--pair-task" in found.timed[0].run.evidence[0]


def shorten_run_1(root: Path, n_volumes: int = 50) -> None:
    """Make run 1 end after fewer volumes, in both halves."""
    shorten(f"{BOLD}.nii.gz", n_volumes)(root)
    shorten(f"{PREPROCESSED}.nii.gz", n_volumes)(root)
    change_markers(lambda m: [*others(m), *r128(volumes(m)[:n_volumes])])(root)


def test_number_of_markers_decides_what_names_leave_open(dataset: Path) -> None:
    shorten_run_1(dataset)
    rename(dataset / "sub-01" / "eeg", "_run-1_", "_acq-a_")
    rename(dataset / "sub-01" / "eeg", "_run-2_", "_acq-b_")
    found = discover(dataset)
    assert [run.status for run in found.found] == ["paired"] * 4
    assert [(r.run.eeg_path.name, r.run.n_volumes) for r in found.timed] == [
        ("sub-01_task-imagery_acq-a_eeg.vhdr", 50),
        ("sub-01_task-imagery_acq-b_eeg.vhdr", 60),
    ]
    assert "its number of markers is that of the volumes, and of no other" in found.timed[0].run.evidence[0]


def test_acquisition_times_decide_what_names_leave_open(dataset: Path) -> None:
    rename(dataset / "sub-01" / "eeg", "_run-1_", "_acq-a_")
    rename(dataset / "sub-01" / "eeg", "_run-2_", "_acq-b_")
    times = {
        "eeg/sub-01_task-imagery_acq-b_eeg.vhdr": "2020-01-01T10:00:00",
        "func/sub-01_task-imagery_run-1_bold.nii.gz": "2020-01-01T10:00:09",
        "eeg/sub-01_task-imagery_acq-a_eeg.vhdr": "2020-01-01T10:10:00",
        "func/sub-01_task-imagery_run-2_bold.nii.gz": "2020-01-01T10:10:09",
    }
    rows = "".join(f"{name}\t{time}\n" for name, time in times.items())
    (dataset / "sub-01" / "sub-01_scans.tsv").write_text("filename\tacq_time\n" + rows)
    found = discover(dataset)
    pairs = {r.run.eeg_path.name.split("_")[2]: r.run.entities.run for r in found.timed}
    assert pairs == {"acq-b": 1, "acq-a": 2}
    assert "acq_time: the recordings overlap, and of no other" in found.timed[0].run.evidence[0]


def test_what_nothing_decides_stays_unpaired_and_says_so(dataset: Path) -> None:
    rename(dataset / "sub-01" / "eeg", "_run-1_", "_acq-a_")
    rename(dataset / "sub-01" / "eeg", "_run-2_", "_acq-b_")
    found = discover(dataset)
    assert {run.status for run in found.found} == {"unpaired"}
    assert "neither acq_time nor the volume markers decide" in found.found[0].reason
    chosen = discover(dataset, filters={"eeg": {"acquisition": "a"}}, runs=("1",))
    assert [run.status for run in chosen.found] == ["paired"] * 2


def test_markers_that_are_another_run_contradict_the_names(dataset: Path) -> None:
    shorten_run_1(dataset)
    rename(dataset / "sub-01" / "eeg", "_run-1_", "_run-9_")
    rename(dataset / "sub-01" / "eeg", "_run-2_", "_run-1_")
    rename(dataset / "sub-01" / "eeg", "_run-9_", "_run-2_")
    found = discover(dataset)
    assert {run.status for run in found.found} == {"unusable"}
    for run in found.found:
        assert "By their names" in run.reason
        assert "exactly the" in run.reason
        assert run.exit_status == 65


def test_the_same_dummies_in_every_run_are_no_contradiction(dataset: Path) -> None:
    shorten_run_1(dataset, 56)
    for run in (1, 2):
        path = dataset / f"sub-01/eeg/sub-01_task-imagery_run-{run}_eeg.vmrk"
        first = re.search(r"R128,(\d+),", path.read_text())[1]
        lines = [f"Mk{900 + k}=Response,R128,{int(first) - round(k * TR * SFREQ)},1,0\n" for k in range(1, 5)]
        path.write_text(path.read_text() + "".join(lines))
    # Run 1 now has 60 markers for 56 volumes, and run 2 has 60 volumes.
    found = discover(dataset)
    assert [run.status for run in found.found] == ["paired"] * 4, found.found[0].reason
    assert [item.clock.n_dummies for item in found.timed] == [4, 4]


def test_times_of_another_run_contradict_the_names(dataset: Path) -> None:
    times = {
        "eeg/sub-01_task-imagery_run-2_eeg.vhdr": "2020-01-01T10:00:00",
        "func/sub-01_task-imagery_run-1_bold.nii.gz": "2020-01-01T10:00:09",
        "eeg/sub-01_task-imagery_run-1_eeg.vhdr": "2020-01-01T10:10:00",
        "func/sub-01_task-imagery_run-2_bold.nii.gz": "2020-01-01T10:10:09",
    }
    rows = "".join(f"{name}\t{time}\n" for name, time in times.items())
    (dataset / "sub-01" / "sub-01_scans.tsv").write_text("filename\tacq_time\n" + rows)
    found = discover(dataset)
    assert {run.status for run in found.found} == {"unusable"}
    assert "by acq_time in scans.tsv" in found.found[0].reason


def test_slices_that_were_not_brought_to_one_time(dataset: Path) -> None:
    timing = json.loads((dataset / f"{BOLD}.json").read_text())["SliceTiming"]
    change_json(f"{PREPROCESSED}.json", StartTime=None, SliceTimingCorrected=False)(dataset)
    run = discover(dataset).timed[0].run
    assert run.start_time == pytest.approx(np.mean(timing))
    assert "slices not brought to one time" in run.evidence[-1]
    change_json(f"{PREPROCESSED}.json", StartTime=0.75)(dataset)
    assert discover(dataset).timed[0].run.start_time == 0.75
