"""A simulated person: what stays the same over all their runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bids_eeg2fmri.records import Floats
from bids_eeg2fmri.simulate.brain import Brain
from bids_eeg2fmri.simulate.couplings import spread_of_peaks
from bids_eeg2fmri.simulate.haemodynamics import Response, draw_mixtures, draw_responses
from bids_eeg2fmri.simulate.head import draw_background, draw_orientations
from bids_eeg2fmri.simulate.sources import Source, draw_distractors, draw_sources
from bids_eeg2fmri.simulate.streams import Stream, make_rng

N_BACKGROUND = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One person's brain.

    Attributes
    ----------
    sources : tuple of Source
    orientations : array, shape (n_sources, 3)
        Of the sources' dipoles, unit vectors.
    background : array, shape (n_dipoles, 3)
        Places of the dipoles of 1/f activity, MNI mm.
    background_orientations : array, shape (n_dipoles, 3)
    responses : tuple of Response, one per region
    mixtures : array, shape (n_regions, n_rhythms)
        How much each region follows each rhythm.
    """

    sources: tuple[Source, ...]
    orientations: Floats
    background: Floats
    background_orientations: Floats
    responses: tuple[Response, ...]
    mixtures: Floats


def draw_person(
    participant: int, *, brain: Brain, seed: int, coupling: str = "power", n_distractors: int = 0
) -> Person:
    """Draw participant number ``participant`` of a seed.

    The coupling only spreads the responses; distractors come last and change nothing else of the person.
    """
    rng = make_rng(seed, participant=participant, session=0, run=0, stream=Stream.PERSON)
    sources = draw_sources(rng)
    background = draw_background(N_BACKGROUND, rng)
    orientations = draw_orientations([source.place for source in sources], rng)
    background_orientations = draw_orientations(background, rng)
    responses = draw_responses(len(brain.region_names), rng, spread=spread_of_peaks(coupling))
    mixtures = draw_mixtures(brain.region_names, sources, rng)

    rng = make_rng(seed, participant=participant, session=0, run=0, stream=Stream.DISTRACTORS)
    places = draw_background(n_distractors, rng)
    distractors = draw_distractors(places, rng)
    return Person(
        sources=(*sources, *distractors),
        orientations=np.concatenate([orientations, draw_orientations(places, rng)]),
        background=background,
        background_orientations=background_orientations,
        responses=responses,
        mixtures=np.pad(mixtures, ((0, 0), (0, n_distractors))),
    )
