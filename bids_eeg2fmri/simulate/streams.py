"""Independent random numbers for each part of each run, whatever else is simulated."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """What a stream of random numbers is for; numbers, not names, enter the seed and must never change."""

    PERSON = 1
    CAP = 2
    SOURCES = 3
    SHADOW = 4
    ARTEFACTS = 5
    MOTION = 6
    BOLD_NOISE = 7
    TIMING = 8
    PULSE = 9
    GRADIENT = 10
    AMPLIFIER = 11
    HEAD = 12
    NATIVE_BOLD = 13
    DISTRACTORS = 14
    SHARED_MOTION = 20


def make_rng(seed: int, *, participant: int, session: int, run: int, stream: Stream) -> np.random.Generator:
    """Return the generator of one stream; 0 stands for what holds over all sessions or runs."""
    return np.random.default_rng([seed, participant, session, run, int(stream)])
