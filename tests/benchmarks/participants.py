"""Simulated participants for the benchmarks: aligned runs with the truth beside them, in memory and cached.

Every run comes from ``simulate_run``, so that EEG, images and confounds are those of a simulated dataset. The
EEG goes through ``clean_eeg`` and ``align_run``. Nothing is written as BIDS in between: a region's signal is
the mean of the simulated preprocessed image over its sphere (not cut by grey matter, as the app would), in
percent, without the confounds that the app removes by default. 64 channels are simulated, of which caps of
fewer channels are the first ones, referenced to their own average.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import mne
import numpy as np

from bids_eeg2fmri.bold.confounds import select_confounds
from bids_eeg2fmri.eeg.cleaning import clean_eeg
from bids_eeg2fmri.evaluation.metrics import remove_design
from bids_eeg2fmri.records import AlignedRun, Entities, Floats, RegionSeries, VolumeClock
from bids_eeg2fmri.settings import BoldSettings, EegSettings
from bids_eeg2fmri.simulate.bold_image import region_means
from bids_eeg2fmri.simulate.brain import Brain
from bids_eeg2fmri.simulate.confounds import tabulate_confounds
from bids_eeg2fmri.simulate.design import SFREQ
from bids_eeg2fmri.simulate.files import write_table
from bids_eeg2fmri.simulate.head import Cap, compute_gain, make_cap, place_cap
from bids_eeg2fmri.simulate.options import SimulationOptions
from bids_eeg2fmri.simulate.person import Person, draw_person
from bids_eeg2fmri.simulate.run import SimulatedRun, simulate_run
from bids_eeg2fmri.simulate.streams import Stream, make_rng
from bids_eeg2fmri.sync.align import align_run

#: Changes whenever what is cached does.
CACHE_VERSION = 1
ARRAYS = ("eeg", "positions", "volume_samples", "bold", "weights", "design")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Participant:
    """One simulated participant.

    Attributes
    ----------
    coupling : str
    number : int
    runs : tuple of AlignedRun
    noiseless : tuple of array, shape (n_volumes, n_regions)
        BOLD before noise, one per run.
    gain : array, shape (n_channels, n_sources)
        What the electrodes, where they really sit, see of the true sources; average reference.
    """

    coupling: str
    number: int
    runs: tuple[AlignedRun, ...]
    noiseless: tuple[Floats, ...]
    gain: Floats

    def with_channels(self, n_channels: int) -> Participant:
        """Return the participant under a cap of fewer channels."""
        return replace(
            self,
            runs=tuple(
                replace(
                    run,
                    eeg=_rereference(run.eeg[:n_channels]),
                    channel_names=run.channel_names[:n_channels],
                    positions=run.positions[:n_channels],
                )
                for run in self.runs
            ),
            gain=_rereference(self.gain[:n_channels]),
        )

    def first_runs(self, n_runs: int) -> Participant:
        """Return the participant with fewer runs."""
        return replace(self, runs=self.runs[:n_runs], noiseless=self.noiseless[:n_runs])


def load_participant(number: int, options: SimulationOptions, *, brain: Brain, cache: Path) -> Participant:
    """Return participant ``number`` (from 1) of a simulation, from the cache if it is there."""
    crowd = f"_{options.distractors}" if options.distractors else ""
    size = f"{options.runs}x{options.channels}{crowd}"
    path = cache / f"v{CACHE_VERSION}_{options.coupling}_seed{options.seed}_{number:03d}_{size}.npz"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, make_participant(number, options, brain=brain))
    return _read(path, number, options.coupling, brain)


def draw(number: int, options: SimulationOptions, brain: Brain) -> Person:
    """Return the truth of participant ``number`` of a simulation."""
    return draw_person(
        number,
        brain=brain,
        seed=options.seed,
        coupling=options.coupling,
        n_distractors=options.distractors,
    )


def make_participant(number: int, options: SimulationOptions, *, brain: Brain) -> Participant:
    """Simulate, clean and align all runs of one participant."""
    person = draw(number, options, brain)
    nominal = make_cap(options.channels)
    runs, noiseless = [], []
    cap = place_cap(nominal, make_rng(options.seed, participant=number, session=1, run=0, stream=Stream.CAP))
    for run in range(1, options.runs + 1):
        simulated = simulate_run(person, cap, brain, options, label=(number, 1, run))
        runs.append(
            _align(simulated, nominal, brain, Entities(subject=f"{number:02d}", task="imagery", run=run))
        )
        noiseless.append(simulated.bold.noiseless)
    return Participant(
        coupling=options.coupling,
        number=number,
        runs=tuple(runs),
        noiseless=tuple(noiseless),
        gain=_true_gain(person, cap),
    )


def _true_gain(person: Person, cap: Cap) -> Floats:
    gain = compute_gain([source.place for source in person.sources], person.orientations, cap=cap)
    return _rereference(gain)


def _rereference(data: np.ndarray) -> np.ndarray:
    return data - data.mean(axis=0, keepdims=True)


def _align(simulated: SimulatedRun, cap: Cap, brain: Brain, entities: Entities) -> AlignedRun:
    """Return one run as a model sees it."""
    info = mne.create_info(list(cap.names), SFREQ, "eeg")
    raw = mne.io.RawArray(simulated.eeg[: len(cap.names)] * 1e-6, info, verbose="error")
    positions = dict(zip(cap.names, cap.positions, strict=True))
    raw.set_montage(mne.channels.make_dig_montage(positions, coord_frame="head"), verbose="error")
    clock = simulated.clock
    return align_run(
        entities,
        clean_eeg(raw, EegSettings()),
        VolumeClock(onsets=clock.lead + clock.volume_onsets, source="simulated", jitter=0.0, drift=0.0),
        _extract(simulated, brain),
        [replace(event, onset=event.onset + clock.lead) for event in clock.events()],
        tr=clock.tr,
        start_time=clock.tr / 2,
    )


def _extract(simulated: SimulatedRun, brain: Brain) -> RegionSeries:
    """Return the signals of the regions as the app would extract them."""
    voxels = simulated.bold.preprocessed[brain.mask].T.astype(float)
    means = region_means(voxels, brain)
    tr, n_volumes = simulated.clock.tr, len(means)
    table = tabulate_confounds(simulated.bold, simulated.motion, brain=brain, tr=tr)
    with tempfile.TemporaryDirectory() as folder:
        write_table(Path(folder) / "confounds.tsv", table)
        regressors, _ = select_confounds(
            Path(folder) / "confounds.tsv", BoldSettings(), n_volumes=n_volumes, tr=tr
        )
    return RegionSeries(
        data=remove_design(100 * (means / means.mean(axis=0) - 1), regressors),
        region_names=brain.region_names,
        weights=np.ones(n_volumes),
        labels=np.zeros((1, 1, 1), dtype=np.int32),
        affine=np.eye(4),
        space="MNI152NLin2009cAsym",
        nuisance=np.zeros((n_volumes, 0)),
        nuisance_names=(),
        steps=(),
    )


def _write(path: Path, participant: Participant) -> None:
    arrays = {"gain": participant.gain}
    for k, (run, noiseless) in enumerate(zip(participant.runs, participant.noiseless, strict=True)):
        arrays |= {f"{k}_{name}": getattr(run, name) for name in ARRAYS}
        arrays[f"{k}_noiseless"] = noiseless
    run = participant.runs[0]
    arrays["channel_names"], arrays["design_names"] = np.array(run.channel_names), np.array(run.design_names)
    arrays["rates"] = np.array([run.sfreq, run.tr])
    part = path.with_suffix(".part.npz")
    np.savez(part, **arrays)
    part.replace(path)


def _read(path: Path, number: int, coupling: str, brain: Brain) -> Participant:
    with np.load(path) as arrays:
        sfreq, tr = arrays["rates"]
        n_runs = sum(name.endswith("_noiseless") for name in arrays.files)
        runs = tuple(
            AlignedRun(
                entities=Entities(subject=f"{number:02d}", task="imagery", run=k + 1),
                sfreq=float(sfreq),
                tr=float(tr),
                channel_names=tuple(arrays["channel_names"].tolist()),
                design_names=tuple(arrays["design_names"].tolist()),
                region_names=brain.region_names,
                nuisance=np.zeros((len(arrays[f"{k}_bold"]), 0)),
                nuisance_names=(),
                **{name: arrays[f"{k}_{name}"] for name in ARRAYS},
            )
            for k in range(n_runs)
        )
        return Participant(
            coupling=coupling,
            number=number,
            runs=runs,
            noiseless=tuple(arrays[f"{k}_noiseless"] for k in range(n_runs)),
            gain=arrays["gain"],
        )
