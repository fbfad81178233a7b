import numpy as np
import pytest

from bids_eeg2fmri.errors import BadDataError, MissingInputError, UsageError
from bids_eeg2fmri.records import Marker
from bids_eeg2fmri.sync.clock import find_volume_clock

TR, N, FIRST, DURATION = 2.0, 150, 11.152, 340.0
TRUTH = FIRST + TR * np.arange(N)


def named(onsets, description="R128"):
    return [Marker(onset=float(t), description=description) for t in onsets]


def sampled(onsets, sfreq):
    return np.round(np.asarray(onsets) * sfreq) / sfreq


def clock_of(markers, **changes):
    options = {"n_volumes": N, "tr": TR, "duration": DURATION, **changes}
    return find_volume_clock(markers, **options)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("sfreq", [5000.0, 250.0])
def test_onsets_are_right_within_a_sample_whatever_happened_to_the_markers(sfreq, seed):
    rng = np.random.default_rng(seed)
    interval = TR * (1 - 20e-6)  # the scanner's clock is 20 ppm faster than the EEG's
    all_onsets = FIRST + interval * np.arange(N + 4)
    # The number tells nothing about a marker lost at either end: those two stay.
    missing = rng.choice(np.arange(1, N + 3), round(0.1 * (N + 4)), replace=False)
    spurious = rng.uniform(FIRST, FIRST + 300, 3)
    markers = named(sampled([*np.delete(all_onsets, missing), *spurious], sfreq))

    clock = clock_of(markers)

    assert np.abs(clock.onsets - all_onsets[4:]).max() < 1 / sfreq
    assert clock.drift == pytest.approx(20, abs=5)
    assert (clock.n_dummies, clock.n_filled) == (4, int((missing >= 4).sum()))
    assert clock.n_dropped == 3
    assert clock.jitter < 1 / sfreq
    assert clock.uncertainty < 1 / sfreq
    for words in ("'R128'", "first 4 taken for dummy", "missing filled", "3 spurious dropped"):
        assert words in clock.source


STIMULI = named(FIRST + np.arange(15) * 20.013 + 5, "Stimulus/S  1")
SYNC = named(np.arange(0.3, DURATION, 2.0), "SyncStatus/Sync On")
HEARTBEATS = named(np.cumsum(np.random.default_rng(9).uniform(0.7, 1.0, 390)), "R")
SLICES_OF = {n: (TRUTH[:, None] + TR / n * np.arange(n)).ravel() for n in (2, 8, 32)}
SECOND = TRUTH + 400.0
LONG = {"duration": 800.0}

REPAIRED = {
    "nothing wrong": (named(TRUTH), {}, 0, "one per volume"),
    "types before the names": (named(TRUTH, "Response/R128") + STIMULI, {}, 0, "R128"),
    "an unknown name": (named(TRUTH, "S 77") + STIMULI, {}, 0, "S 77"),
    "other markers of all kinds": (named(TRUTH) + STIMULI + SYNC + HEARTBEATS, {}, 0, "R128"),
    "markers quantised to 1 ms": (named(np.round(TRUTH + 3e-4, 3)), {}, 0, "straight line"),
    "twenty scattered markers missing": (named(np.delete(TRUTH, np.arange(5, 145, 7))), {}, 0, "20 missing"),
    "a cable out for half a minute": (named(np.delete(TRUTH, np.arange(50, 65))), {}, 0, "15 missing"),
    "a spurious marker before the scan": (named([2.3, *TRUTH]), {}, 0, "150 markers"),
    "every marker twice at the same time": (named(TRUTH) + named(TRUTH), {}, 0, "150 markers"),
    "some markers echoed": (named([*TRUTH, *(TRUTH[:20] + 0.03)]), {}, 0, "spurious dropped"),
    "four dummies": (named(FIRST + TR * np.arange(-4, N)), {}, 4, "first 4 taken for dummy"),
    "an aborted volume at the end": (
        named(FIRST + TR * np.arange(N + 1)),
        {"dummies": "end"},
        0,
        "the last 1 left out",
    ),
    "the last volume's marker lost": (named(TRUTH[:-1]), {}, 0, "last 1 volumes taken for lost"),
    "two last markers lost": (named(TRUTH[:-2]), {}, 0, "last 2 volumes taken for lost"),
    "an EEG that stopped during the scan": (named(TRUTH[:100]), {"duration": 211.0}, 0, "stopped"),
    "an EEG that started with volume 4": (named(TRUTH[3:] - 16.0), {}, -16.0, "started during the scan"),
    "a shorter scan before": (named([*(TRUTH[:40]), *SECOND]), LONG, 400.0, "150 markers"),
    "a longer scan after": (named([*TRUTH, *(400 + TR * np.arange(190))]), LONG, 0, "150 markers"),
    "a scan after a pause of whole TRs": (named([*TRUTH, *(TRUTH[:60] + TR * 160)]), LONG, 0, "150 markers"),
    "slices": (named(SLICES_OF[32], "s"), {"n_slices": 32}, 0, "32 slice excitations"),
    "slices of a multiband sequence": (named(SLICES_OF[8], "s"), {"n_slices": 32}, 0, "8 slice excitations"),
    "slices of unknown number": (named(SLICES_OF[32], "s"), {}, 0, "32 slice excitations"),
    "slices at 250 Hz": (named(sampled(SLICES_OF[32], 250), "s"), {"n_slices": 32}, 0, "32 slice"),
    "slices and volumes": (named(SLICES_OF[32], "s") + named(TRUTH), {"n_slices": 32}, 0, "one per volume"),
    "slices with the last volume aborted": (
        named([*SLICES_OF[32], *(TRUTH[-1] + TR + TR / 32 * np.arange(9))], "s"),
        {"n_slices": 32},
        0,
        "9 slice markers of an aborted",
    ),
    "two markers fit, one by name": (named(TRUTH) + named(TRUTH + 0.7, "X"), {}, 0, "'R128'"),
    "two markers fit, one named by the user": (
        named(TRUTH) + named(TRUTH + 0.7, "X"),
        {"volume_marker": "X"},
        0.7,
        "'X'",
    ),
    "a name against the number": (named(TRUTH[:-1]) + named(TRUTH, "X"), {}, 0, "'X'"),
    "two equal series and an offset": (
        named([*TRUTH, *SECOND]),
        {**LONG, "eeg_offset": float(SECOND[0])},
        400.0,
        "offset of the first volume as given",
    ),
    "no markers but an offset": ([], {"eeg_offset": FIRST}, 0, "no marker used"),
}


@pytest.mark.parametrize("fault", REPAIRED)
def test_what_can_be_repaired_is(fault):
    markers, options, shift, words = REPAIRED[fault]
    stored = TRUTH[0] + shift if fault != "four dummies" else TRUTH[0]

    clock = clock_of(markers, **options)

    np.testing.assert_allclose(clock.onsets, stored + TR * np.arange(N), atol=1e-3)
    assert words in clock.source


REFUSED = {
    "no markers": ([], {}, MissingInputError, "none at all.*volume_marker=NAME.*eeg_offset=SECONDS"),
    "only the clock box, every TR": (
        SYNC,
        {},
        MissingInputError,
        "'Sync On' 170 times, median interval 2.000",
    ),
    "only stimuli": (STIMULI, {}, MissingInputError, "'S  1' 15 times, median interval 20.013 s"),
    "only heartbeats": (HEARTBEATS, {}, MissingInputError, "'R' 390 times"),
    "a flicker at twice the rate": (named(SLICES_OF[2], "S  5"), {"n_slices": 32}, MissingInputError, "300"),
    "a few stimuli every TR": (named(TRUTH[:20], "S  1"), {}, MissingInputError, "'S  1' 20 times"),
    "the clock box named": (SYNC, {"volume_marker": "Sync On"}, UsageError, "never a volume"),
    "a name that is not there": (named(TRUTH), {"volume_marker": "R129"}, MissingInputError, "Did you mean"),
    "another TR": (named(FIRST + 2.5 * np.arange(N)), {}, BadDataError, r"2\.500 s but the TR.*2\.000 s"),
    "a TR 2 % off": (named(FIRST + 2.04 * np.arange(N)), {}, BadDataError, r"2\.040 s but the TR.*2\.000 s"),
    "every other volume": (named(TRUTH[::2]), {}, BadDataError, r"4\.000 s but the TR.*2\.000 s"),
    "90 markers": (named(TRUTH[:90]), {}, BadDataError, "90 volume markers 'R128'.*has 150 volumes"),
    "30 % missing": (
        named(np.delete(TRUTH, np.random.default_rng(4).choice(np.arange(1, 149), 45, replace=False))),
        {},
        BadDataError,
        "105 volume.*span 150.*20% missing",
    ),
    "a longer scan": (named(FIRST + TR * np.arange(163)), {}, BadDataError, "163 volume markers.*10 dummies"),
    "less than half within the EEG": (named(TRUTH[:70]), {"duration": 151.0}, BadDataError, "70 volume"),
    "either end beyond the EEG": (named(TRUTH[20:120] - 50), {"duration": 201.0}, BadDataError, "100 volume"),
    "late, or the last lost": (named(TRUTH[1:] - 12.0), {}, BadDataError, "149 volume markers"),
    "two equal scans": (
        named([*TRUTH, *SECOND]),
        LONG,
        BadDataError,
        r"Two series.*11\.152 s and from 411\.152 s.*eeg_offset",
    ),
    "two scans that need dummies": (
        named([*(FIRST + TR * np.arange(N + 2)), *(SECOND[0] + TR * np.arange(N + 3))]),
        LONG,
        BadDataError,
        "Two series",
    ),
    "two markers without a name": (
        named(TRUTH, "Y") + named(TRUTH + 0.7, "X"),
        {},
        BadDataError,
        r"'[XY]' and '[XY]' both fit.*0\.700 s.*volume_marker=NAME",
    ),
    "an offset behind the EEG": ([], {"eeg_offset": 300.0}, BadDataError, "20 of 150 volumes"),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_what_cannot_be_repaired_is_refused_with_the_reason(fault):
    markers, options, error, words = REFUSED[fault]

    with pytest.raises(error, match=words):
        clock_of(markers, **options)


def test_irregular_markers_are_kept_as_measured_and_missing_ones_filled():
    rng = np.random.default_rng(3)
    measured = TRUTH + 0.008 * rng.standard_normal(N)
    present = np.delete(np.arange(N), [40, 90])

    clock = clock_of(named(measured[present]))

    on_grid = present[np.isfinite(clock.residuals[present])]
    assert len(on_grid) >= 147
    np.testing.assert_allclose(clock.onsets[on_grid], measured[on_grid], atol=1e-9)
    np.testing.assert_allclose(clock.onsets, TRUTH, atol=0.04)
    assert clock.uncertainty == clock.jitter == pytest.approx(0.008, rel=0.2)
    assert "as measured" in clock.source


def test_residuals_tell_which_markers_were_missing():
    clock = clock_of(named(np.delete(TRUTH, [10, 11])))

    assert np.flatnonzero(np.isnan(clock.residuals)).tolist() == [10, 11]
    assert np.nanmax(np.abs(clock.residuals)) < 1e-9


def test_a_given_offset_says_nothing_about_its_own_precision():
    clock = clock_of([], eeg_offset=FIRST)

    assert np.isnan(clock.uncertainty)
    assert (clock.jitter, clock.drift, clock.marker) == (0.0, 0.0, "")
