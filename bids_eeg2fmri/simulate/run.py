"""One simultaneous run: EEG and BOLD of the same person over the same minutes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from bids_eeg2fmri.records import Floats
from bids_eeg2fmri.simulate.artefacts import simulate_pulse
from bids_eeg2fmri.simulate.bold_image import BoldRun, scan
from bids_eeg2fmri.simulate.brain import Brain
from bids_eeg2fmri.simulate.couplings import UNCOUPLED, choose_dynamics
from bids_eeg2fmri.simulate.design import BURN_IN, RunClock, draw_clock, draw_scanner_clock
from bids_eeg2fmri.simulate.gradient import draw_gradient
from bids_eeg2fmri.simulate.haemodynamics import region_signals
from bids_eeg2fmri.simulate.head import Cap, compute_gain
from bids_eeg2fmri.simulate.motion import USUAL_INTERVAL, draw_motion
from bids_eeg2fmri.simulate.native_scan import NativeHead, enlarge_motion, scan_native
from bids_eeg2fmri.simulate.options import SimulationOptions
from bids_eeg2fmri.simulate.person import Person
from bids_eeg2fmri.simulate.recording import record_eeg
from bids_eeg2fmri.simulate.scanner import ScannerEeg
from bids_eeg2fmri.simulate.shared_motion import RESTLESS_INTERVAL, disturb_bold, draw_bursts
from bids_eeg2fmri.simulate.sources import simulate_sources
from bids_eeg2fmri.simulate.streams import Stream, make_rng


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedRun:
    """What was recorded in one run.

    Attributes
    ----------
    eeg : array, shape (n_channels + 1, n_eeg)
        EEG and ECG, microvolts, as after the correction of scanner artefacts.
    scanner : ScannerEeg or None
        What the amplifier stored, if the EEG is raw.
    motion : array, shape (n_volumes, 6)
        Translations (mm) and rotations (rad).
    """

    clock: RunClock
    eeg: Floats
    scanner: ScannerEeg | None = None
    bold: BoldRun
    motion: Floats


def simulate_run(
    person: Person,
    cap: Cap,
    brain: Brain,
    options: SimulationOptions,
    *,
    label: tuple[int, int, int],
    head: NativeHead | None = None,
) -> SimulatedRun:
    """Simulate run ``label`` (participant, session, run).

    Without coupling, BOLD follows a shadow of the person: the same rhythms, fluctuating as much and as
    slowly, but not the ones that the electrodes see. The shadow responds to the task if BOLD is to. With the
    coupling ``motion`` the person is restless, and what movements do to BOLD counts as its signal.
    With a ``head`` the raw BOLD is that of the head in the scanner.
    """

    def rng_for(stream: Stream) -> np.random.Generator:
        return make_rng(options.seed, participant=label[0], session=label[1], run=label[2], stream=stream)

    clock = _draw_clock(options, rng_for(Stream.TIMING))
    imagery = [event for event in clock.events() if event.condition == "imagery"]
    simulate = partial(
        simulate_sources, person.sources, n_times=clock.n_simulated, first_volume=BURN_IN + clock.lead
    )
    dynamics = choose_dynamics(person.sources, options.coupling)
    activity = simulate(imagery=imagery, rng=rng_for(Stream.SOURCES), dynamics=dynamics)
    drive = activity.drive
    if options.coupling in UNCOUPLED:
        seen = imagery if options.coupling == "task-only" else ()
        drive = simulate(imagery=seen, rng=rng_for(Stream.SHADOW)).drive

    is_restless = options.coupling == "motion"
    motion, jerks = draw_motion(
        clock.n_volumes,
        tr=clock.tr,
        rng=rng_for(Stream.MOTION),
        interval=RESTLESS_INTERVAL if is_restless else USUAL_INTERVAL,
    )
    signals = region_signals(drive, person.mixtures, person.responses)
    if is_restless:
        signals = signals + disturb_bold(motion, clock=clock)[:, None]
    bold = scan(
        signals,
        clock.tick_times,
        motion,
        brain=brain,
        tr=clock.tr,
        rng=rng_for(Stream.BOLD_NOISE),
        noise_level=options.noise,
    )
    if head is not None:
        rng = rng_for(Stream.NATIVE_BOLD)
        motion = enlarge_motion(motion, rng)
        raw = scan_native(
            signals, clock.tick_times, motion, head=head, tr=clock.tr, noise=options.noise, rng=rng
        )
        bold = replace(bold, raw=raw, affine=head.bold_affine)
    eeg, heartbeats = record_eeg(
        activity.moments,
        compute_gain([source.place for source in person.sources], person.orientations, cap=cap),
        compute_gain(person.background, person.background_orientations, cap=cap),
        cap=cap,
        clock=clock,
        jerks=jerks,
        rng=rng_for(Stream.ARTEFACTS),
        with_pulse=options.eeg != "raw",
    )
    if is_restless:
        rng = rng_for(Stream.SHARED_MOTION)
        eeg[:-1] += draw_bursts(motion, jerks, clock=clock, n_channels=len(eeg) - 1, rng=rng)
    scanner = None
    if options.eeg == "raw":
        slow = eeg.copy()
        slow[:-1] += simulate_pulse(cap, heartbeats, n_times=eeg.shape[1], rng=rng_for(Stream.PULSE))
        gradient = draw_gradient(
            rng_for(Stream.GRADIENT),
            n_channels=len(eeg),
            onsets=clock.eeg_times(clock.volume_onsets),
            tr=clock.tr,
            n_slices=bold.raw.shape[2],
            motion=motion,
            period=clock.tr * (1 - 1e-6 * clock.drift),
        )
        scanner = ScannerEeg(truth=eeg[:-1], slow=slow, heartbeats=heartbeats, gradient=gradient)
    return SimulatedRun(
        clock=clock,
        eeg=eeg,
        scanner=scanner,
        bold=bold,
        motion=motion,
    )


def _draw_clock(options: SimulationOptions, rng: np.random.Generator) -> RunClock:
    """Draw when the run's volumes are taken."""
    if options.eeg == "raw":
        locked = options.clocks == "locked"
        return draw_scanner_clock(rng, tr=options.tr, n_volumes=options.volumes, locked=locked)
    return draw_clock(rng, tr=options.tr, n_volumes=options.volumes)
