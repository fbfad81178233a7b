"""Write a whole simulated dataset: recordings, fMRIPrep-shaped derivatives and the truth."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

import pandas as pd

from bids_eeg2fmri.errors import OutputError
from bids_eeg2fmri.formats.atomic import write_text
from bids_eeg2fmri.formats.json_file import write_json
from bids_eeg2fmri.records import Entities
from bids_eeg2fmri.simulate.brain import Brain, load_brain
from bids_eeg2fmri.simulate.descriptions import (
    EVENT_COLUMNS,
    MEANING,
    PARTICIPANT_COLUMNS,
    PREPROCESSED,
    TASK,
    TRUTH_FILES,
    TRUTH_IGNORED,
    describe_dataset,
    describe_derivative,
    readme,
)
from bids_eeg2fmri.simulate.files import write_table
from bids_eeg2fmri.simulate.head import make_cap, place_cap
from bids_eeg2fmri.simulate.native_head import HeadModel, draw_head_place, load_head_model
from bids_eeg2fmri.simulate.native_scan import NativeHead, scan_anatomy
from bids_eeg2fmri.simulate.options import SimulationOptions
from bids_eeg2fmri.simulate.person import draw_person
from bids_eeg2fmri.simulate.run import simulate_run
from bids_eeg2fmri.simulate.streams import Stream, make_rng
from bids_eeg2fmri.simulate.write_derivatives import write_preprocessed
from bids_eeg2fmri.simulate.write_raw import write_anatomy, write_electrodes, write_recordings
from bids_eeg2fmri.simulate.write_truth import (
    tabulate_ceilings,
    write_ceilings,
    write_head,
    write_responses,
    write_signals,
    write_true_eeg,
)

FMRIPREP = Path("derivatives", "fmriprep")
TRUTH = Path("derivatives", "truth")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The brain of the template, and, for raw BOLD, the head around it."""

    brain: Brain
    head: HeadModel | None

    def place_head(self, participant: int, seed: int) -> NativeHead | None:
        """Return the head of a participant in the scanner."""
        if self.head is None:
            return None
        rng = make_rng(seed, participant=participant, session=0, run=0, stream=Stream.HEAD)
        return NativeHead(model=self.head, to_template=draw_head_place(rng))


def simulate_dataset(
    out: Path, options: SimulationOptions, progress: Callable[[str], None] | None = None
) -> None:
    """Write a simulated BIDS dataset with known coupling.

    Parameters
    ----------
    out : Path
        A folder that is empty or does not exist yet.
    options : SimulationOptions
    progress : callable or None
        Called with the name of each run once it is written.

    Raises
    ------
    OutputError
        If the folder is not empty or cannot be written to. Nothing is left behind then.
    """
    _prepare(out)
    try:
        brain = load_brain()
        model = load_head_model() if options.bold == "raw" else None
        _write_descriptions(out, options)
        for participant in range(1, options.participants + 1):
            scene = Scene(brain=brain, head=model)
            _write_participant(out, participant, scene, options, progress=progress or (lambda _: None))
    except BaseException as error:
        for leftover in out.iterdir():
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        if isinstance(error, OSError) and not isinstance(error, OutputError):
            raise OutputError(f"Cannot write to {out}: {error}. Choose another folder.") from error
        raise


def _prepare(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        occupied = any(out.iterdir())
    except OSError as error:
        raise OutputError(f"Cannot write to {out}: {error}. Choose another folder.") from error
    if occupied:
        raise OutputError(
            f"{out} is not empty. A simulated dataset needs a new or an empty folder: choose another one."
        )


def _write_descriptions(out: Path, options: SimulationOptions) -> None:
    write_json(out / "dataset_description.json", describe_dataset(options))
    write_text(out / "README", readme(options))
    labels = [f"sub-{k:02d}" for k in range(1, options.participants + 1)]
    write_table(out / "participants.tsv", pd.DataFrame({"participant_id": labels, "age": float("nan")}))
    write_json(out / "participants.json", PARTICIPANT_COLUMNS)
    write_json(out / f"task-{TASK}_events.json", EVENT_COLUMNS)

    if options.bold == "preprocessed":
        what = "Simulated BOLD and confounds in the shape of fMRIPrep output"
        write_json(out / FMRIPREP / "dataset_description.json", describe_derivative(options, what))
        write_text(out / FMRIPREP / "README", f"{what}. fMRIPrep was not run.\n\n{PREPROCESSED}")
        # As fMRIPrep does: BIDS knows no timeseries yet.
        write_text(out / FMRIPREP / ".bidsignore", "*_timeseries.tsv\n*_timeseries.json\n")
    what = "The truth behind simulated data"
    write_json(out / TRUTH / "dataset_description.json", describe_derivative(options, what))
    write_text(out / TRUTH / "README", f"{what}. {MEANING[options.coupling]}\n\n{TRUTH_FILES}")
    write_text(out / TRUTH / ".bidsignore", TRUTH_IGNORED)
    write_json(out / TRUTH / "simulation.json", asdict(options))


def _write_participant(
    out: Path, participant: int, scene: Scene, options: SimulationOptions, *, progress: Callable[[str], None]
) -> None:
    brain = scene.brain
    person = draw_person(
        participant,
        brain=brain,
        seed=options.seed,
        coupling=options.coupling,
        n_distractors=options.distractors,
    )
    nominal = make_cap(options.channels)
    head = scene.place_head(participant, options.seed)
    ceilings = []
    for session, run in product(range(1, options.sessions + 1), range(1, options.runs + 1)):
        entities = Entities(
            subject=f"{participant:02d}",
            session=str(session) if options.sessions > 1 else "",
            task=TASK,
            run=run,
        )
        rng = make_rng(options.seed, participant=participant, session=session, run=0, stream=Stream.CAP)
        simulated = simulate_run(
            person, place_cap(nominal, rng), brain, options, label=(participant, session, run), head=head
        )
        if run == 1:
            write_electrodes(out, entities, nominal)
            write_responses(out / TRUTH, entities, person, brain)
        if head is not None and options.t1w and run == 1:
            rng = make_rng(options.seed, participant=participant, session=session, run=0, stream=Stream.HEAD)
            write_anatomy(out, entities, *scan_anatomy(head, rng))
        noise = make_rng(
            options.seed, participant=participant, session=session, run=run, stream=Stream.AMPLIFIER
        )
        write_recordings(out, entities, simulated, cap=nominal, rng=noise)
        if simulated.scanner is not None:
            write_true_eeg(out / TRUTH, entities, simulated.scanner, nominal.names)
        if head is None:
            write_preprocessed(out / FMRIPREP, entities, simulated, brain)
        else:
            write_head(out / TRUTH, entities, simulated, head)
        write_signals(out / TRUTH, entities, simulated, brain)
        ceilings.append(tabulate_ceilings(entities, simulated, brain, coupling=options.coupling))
        progress(str(entities))
    write_ceilings(out / TRUTH, f"{participant:02d}", pd.concat(ceilings))
