from __future__ import annotations

import numpy as np
import pytest
from pulse_eeg import draw_beats, make_ecg

from bids_eeg2fmri.eeg.r_peaks import SWING, find_heartbeats, running_heart_rate

SFREQ = 250.0


def draw_ecg(rate: float, seed: int = 0, duration: float = 120.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    beats = draw_beats(duration, rate, rng)
    return beats, make_ecg(beats, int(duration * SFREQ), SFREQ, rng)


def hits(found: np.ndarray, true: np.ndarray) -> tuple[float, float]:
    """Share of true beats found within 30 ms, and of found ones that are true."""
    distance = np.abs(found[:, None] - true)
    return float((distance.min(axis=0) < 0.03).mean()), float((distance.min(axis=1) < 0.03).mean())


@pytest.mark.parametrize("rate", [40, 65, 95, 150])
@pytest.mark.parametrize("fault", ["none", "inverted", "gradient residue", "volume spikes", "noise", "small"])
def test_every_beat_is_found(rate: float, fault: str) -> None:
    beats, ecg = draw_ecg(rate)
    rng = np.random.default_rng(1)
    times = np.arange(len(ecg)) / SFREQ
    spoilt = {
        "none": ecg,
        "inverted": -ecg,
        "gradient residue": ecg + 400 * np.sin(2 * np.pi * 17.5 * times),
        "volume spikes": ecg + 2000 * (times % 2 < 0.008),
        "noise": ecg + rng.normal(0, 150, len(ecg)),
        "small": 1e-3 * ecg,
    }[fault]
    found = find_heartbeats(spoilt, SFREQ)
    assert found.complaint == ""
    sensitivity, precision = hits(found.times, beats)
    assert min(sensitivity, precision) > 0.985
    assert found.rate == pytest.approx(60 / np.median(np.diff(beats)), rel=0.02)


def test_a_missed_beat_is_searched_again() -> None:
    beats, ecg = draw_ecg(70)
    weak = int(beats[40] * SFREQ)
    ecg[weak - 30 : weak + 30] *= 0.4
    found = find_heartbeats(ecg, SFREQ)
    assert np.abs(found.times - beats[40]).min() < 0.03


@pytest.mark.parametrize(
    ("signal", "words"),
    [
        ("flat", "flat"),
        ("nan", "not finite"),
        ("noise", "irregular|unlike|no beats|another kind"),
        ("half", "no beats in"),
        ("short", "shorter than 20 s"),
        ("tone", "irregular|unlike|no beats|another kind|only"),
    ],
)
def test_what_is_no_ecg_is_refused_with_the_reason(signal: str, words: str) -> None:
    _, ecg = draw_ecg(65)
    rng = np.random.default_rng(2)
    broken = ecg.copy()
    broken[100] = np.nan
    half = ecg.copy()
    half[len(ecg) // 2 :] = rng.normal(0, 5, len(ecg) - len(ecg) // 2)
    tone = np.sin(2 * np.pi * 5 * np.arange(len(ecg)) / SFREQ) * 100 + rng.normal(0, 5, len(ecg))
    signals = {
        "flat": np.zeros(10_000),
        "nan": broken,
        "noise": rng.normal(0, 50, len(ecg)),
        "half": half,
        "short": ecg[:2000],
        "tone": tone,
    }
    for kind in (SWING,) if signal == "tone" else (None,):
        found = (
            find_heartbeats(signals[signal], SFREQ)
            if kind is None
            else find_heartbeats(signals[signal], SFREQ, kind)
        )
        assert any(word in found.complaint for word in words.split("|")), found.complaint


def test_the_running_rate_follows_the_beats() -> None:
    beats = np.concatenate([np.arange(0, 60, 1.0), np.arange(60, 120, 0.5)])
    rate = running_heart_rate(beats, np.array([30.0, 90.0]))
    np.testing.assert_allclose(rate, [60, 120])
