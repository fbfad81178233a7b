"""Sources of the EEG: where they sit, their rhythms, and what they do in a run.

Only the motor sources are followed by a region; the others are distractors that the electrodes see just as
well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bids_eeg2fmri.records import Floats, TaskEvent
from bids_eeg2fmri.simulate.design import BLOCK
from bids_eeg2fmri.simulate.dynamics import DYNAMICS, Dynamics, Fluctuations
from bids_eeg2fmri.simulate.rhythms import Rhythm, imagery_response, wander


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A current dipole in the cortex: its place (MNI, mm) and its rhythms."""

    name: str
    place: tuple[float, float, float]
    motor: bool
    rhythms: tuple[Rhythm, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceActivity:
    """What the sources did in one run.

    Attributes
    ----------
    moments : array, shape (n_sources, n_times)
        Dipole moments at ``SFREQ``, nA m.
    power : array, shape (n_rhythms, n_ticks)
        Power of each rhythm, all of the first source first, over its expected power at rest.
    drive : array, shape (n_rhythms, n_ticks)
        What BOLD follows of each rhythm, near 0 at rest, above it where BOLD rises.
    """

    moments: Floats
    power: Floats
    drive: Floats


def _mu_and_beta(moment: float, desynchronisation: float) -> tuple[Rhythm, ...]:
    mu = Rhythm(frequency=10.5, bandwidth=1.0, moment=moment, desynchronisation=desynchronisation)
    beta = Rhythm(
        frequency=20.0, bandwidth=2.5, moment=0.5 * moment, desynchronisation=0.8 * desynchronisation
    )
    return mu, beta


def _single(frequency: float, moment: float, desynchronisation: float = 0.0) -> tuple[Rhythm, ...]:
    bandwidth = 0.1 * frequency
    return (
        Rhythm(frequency=frequency, bandwidth=bandwidth, moment=moment, desynchronisation=desynchronisation),
    )


#: The average person. Places as in the motor region set, moved to the crown of the gyrus; moments such that
#: the scalp shows some 3 to 10 microvolts of each rhythm, occipital alpha 15.
TEMPLATE: tuple[Source, ...] = (
    Source(name="hand_L", place=(-38, -25, 58), motor=True, rhythms=_mu_and_beta(55, 0.45)),
    Source(name="hand_R", place=(38, -25, 58), motor=True, rhythms=_mu_and_beta(55, 0.45)),
    Source(name="SMA", place=(0, -6, 64), motor=True, rhythms=_mu_and_beta(42, 0.40)),
    Source(name="PMd_L", place=(-30, -2, 62), motor=True, rhythms=_mu_and_beta(42, 0.40)),
    Source(name="PMd_R", place=(30, -2, 62), motor=True, rhythms=_mu_and_beta(42, 0.40)),
    Source(name="PMv_L", place=(-52, 5, 26), motor=True, rhythms=_mu_and_beta(42, 0.40)),
    Source(name="PMv_R", place=(52, 5, 26), motor=True, rhythms=_mu_and_beta(42, 0.40)),
    Source(name="occipital_L", place=(-22, -90, 10), motor=False, rhythms=_single(10.0, 75, 0.1)),
    Source(name="occipital_R", place=(22, -90, 10), motor=False, rhythms=_single(10.2, 75, 0.1)),
    Source(name="parietal", place=(4, -66, 52), motor=False, rhythms=_single(9.6, 45)),
    Source(name="temporal_L", place=(-60, -30, 0), motor=False, rhythms=_single(8.5, 35)),
    Source(name="temporal_R", place=(60, -30, 0), motor=False, rhythms=_single(8.5, 35)),
    Source(name="frontal_midline", place=(0, 36, 44), motor=False, rhythms=_single(6.0, 40, -0.15)),
    Source(name="frontal_L", place=(-36, 42, 24), motor=False, rhythms=_single(18.0, 22)),
    Source(name="frontal_R", place=(36, 42, 24), motor=False, rhythms=_single(18.0, 22)),
)


def draw_sources(rng: np.random.Generator) -> tuple[Source, ...]:
    """Return one person's sources: places vary by 4 mm, frequencies 5 %, moments 20 %, responses 25 %."""
    return tuple(
        Source(
            name=source.name,
            place=tuple(np.asarray(source.place) + rng.normal(0, 4, 3)),
            motor=source.motor,
            rhythms=tuple(_vary(rhythm, rng) for rhythm in source.rhythms),
        )
        for source in TEMPLATE
    )


def draw_distractors(places: Floats, rng: np.random.Generator) -> tuple[Source, ...]:
    """Return a source at each place (n_sources, 3), MNI mm, that no region follows.

    Each has one rhythm from 5 to 28 Hz that answers to imagery by a little more or less power; moments are
    those of the weaker half of the average person's sources.
    """
    frequencies = np.exp(rng.uniform(np.log(5.0), np.log(28.0), len(places)))
    moments = rng.uniform(15, 45, len(places)) * np.minimum(1, 10 / frequencies)
    responses = rng.normal(0, 0.15, len(places)).clip(-0.3, 0.3)
    return tuple(
        Source(name=f"distractor_{k + 1}", place=tuple(place), motor=False, rhythms=_single(*rhythm))
        for k, (place, *rhythm) in enumerate(
            zip(places, frequencies.tolist(), moments.tolist(), responses.tolist(), strict=True)
        )
    )


def _vary(rhythm: Rhythm, rng: np.random.Generator) -> Rhythm:
    frequency, moment, response = 1 + rng.standard_normal(3).clip(-2, 2) * [0.05, 0.2, 0.25]
    return Rhythm(
        frequency=rhythm.frequency * frequency,
        bandwidth=rhythm.bandwidth,
        moment=rhythm.moment * moment,
        desynchronisation=rhythm.desynchronisation * response,
    )


def simulate_sources(
    sources: Sequence[Source],
    *,
    n_times: int,
    imagery: Sequence[TaskEvent],
    first_volume: float,
    rng: np.random.Generator,
    dynamics: Mapping[str, Dynamics] | None = None,
) -> SourceActivity:
    """Simulate the moments, the power and the drive of all rhythms of one run.

    Parameters
    ----------
    imagery : sequence of TaskEvent
        The imagery blocks, onsets after the first volume; empty for sources that do not respond.
    first_volume : float
        Seconds from the first simulated sample to the first volume.
    dynamics : mapping of name of a source to str, optional
        How the rhythms of a source change and what of it BOLD follows; ``power`` for those that are missing.
    """
    n_ticks = n_times // BLOCK
    arousal = wander(rng, (1, n_ticks))
    courses = []
    for source in sources:
        own = wander(rng, (1, n_ticks))
        response = imagery_response(imagery, n_ticks, first_volume=first_volume, rng=rng)
        fluctuations = Fluctuations(arousal=arousal, own=own, response=response)
        simulate = DYNAMICS[(dynamics or {}).get(source.name, "power")]
        courses.append(simulate(source.rhythms, fluctuations, n_times, rng))
    return SourceActivity(
        moments=np.stack([course.moment for course in courses]),
        power=np.concatenate([course.power for course in courses]),
        drive=np.concatenate([course.drive for course in courses]),
    )
