"""What figures show, looked up in their artists."""

from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from bids_eeg2fmri.records import Entities
from bids_eeg2fmri.report.curves import Curve, arrange_regions, choose_regions, draw_curves
from bids_eeg2fmri.report.heartbeats import draw_locked
from bids_eeg2fmri.report.map_choice import choose_maps
from bids_eeg2fmri.report.recording import draw_clocks, draw_spectra
from bids_eeg2fmri.report.score_dots import DotRow, draw_score_dots
from bids_eeg2fmri.report.style import model_colours, report_style, save_svg, short_run_labels
from bids_eeg2fmri.report.topographies import _draw_spectra, find_positions
from bids_eeg2fmri.report.wording import format_number, format_p, format_r, state_p

MOTOR = [f"{base}_{side}" for base in ("M1", "S1", "SMA", "preSMA", "PMd", "PMv") for side in "LR"]


def test_left_and_right_stand_side_by_side():
    assert arrange_regions(MOTOR)[0] == ["M1_L", "M1_R"]
    assert len(arrange_regions(MOTOR)) == 6
    assert arrange_regions(["a", "b"]) == [["a"], ["b"]]
    assert arrange_regions([*MOTOR[:-1]])[-1] == ["PMv_L"]


def test_the_best_regions_are_drawn_when_all_are_too_many(small_report):
    run = small_report.runs[0].aligned
    assert choose_regions(run, ("M1_R", "M1_L"), n_curves=3) == ("M1_L", "M1_R")
    many = tuple(f"region{k}" for k in range(100))
    wide = replace(run, region_names=many, bold=np.zeros((run.n_volumes, 100)))
    assert choose_regions(wide, many[::-1], n_curves=3) == many[-12:]
    assert len(choose_regions(wide, many, n_curves=199)) == 4


def test_the_measured_curve_has_gaps_and_predictions_are_drawn_as_they_are(small_report):
    run = small_report.runs[0].aligned
    values = small_report.predictions[1].values[0]
    with report_style():
        figure = draw_curves(run, [Curve(model="ridge", values=values, r={"M1_L": 0.25})], run.region_names)
    ax = figure.axes[0]
    _, measured, predicted = (np.asarray(line.get_ydata()) for line in ax.lines)
    assert np.isnan(measured[run.weights == 0]).all()
    np.testing.assert_array_equal(measured[run.weights > 0], run.bold[run.weights > 0, 0])
    np.testing.assert_array_equal(predicted, values[:, 0])
    (block,) = ax.patches
    # The event begins 21 s into the EEG, the first volume 1 s.
    assert block.get_x() == pytest.approx(20.0)
    assert block.get_width() == pytest.approx(20.0)


def test_dots_are_hollow_where_nothing_was_shown():
    row = DotRow(
        model="ridge",
        centre=np.array([0.1, 0.4]),
        dots=np.array([[0.0, 0.3], [0.2, 0.5]]),
        is_significant=np.array([False, True]),
    )
    with report_style():
        figure = draw_score_dots(["a", "b"], {"r": [row]}, dot_name="one run", significance="p < .05")
    circles = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    by_face = {line.get_markerfacecolor(): list(line.get_xdata()) for line in circles}
    assert by_face == {model_colours(["ridge"])["ridge"]: [0.4], "white": [0.1]}
    strokes = [list(line.get_xdata()) for line in figure.axes[0].lines if line.get_marker() == "|"]
    assert strokes == [[0.0, 0.3], [0.2, 0.5]]


def test_residuals_are_in_milliseconds_and_spectra_in_decibels(small_report):
    clock = small_report.runs[0].clock
    late = clock.onsets.copy()
    late[10] += 0.05
    with report_style():
        figure = draw_clocks([replace(clock, onsets=late)], ["run-1"])
        run = small_report.runs[0].aligned
        spectra = draw_spectra([run], ["run-1"])
    residual = np.asarray(figure.axes[0].lines[1].get_ydata())
    assert residual.argmax() == 10
    assert residual[10] == pytest.approx(50, abs=4)
    # White noise of 1 µV² up to 25 Hz: 1 / 25 µV²/Hz is -14 dB.
    assert np.median(spectra.axes[0].lines[0].get_ydata()) == pytest.approx(-14, abs=0.7)


def test_power_before_the_cleaning_is_drawn_dotted_in_decibels(small_report):
    spectrum = np.array([[1.0, 2, 3, 60], [10, 100, 1, 1], [1, 1, 1, 1]])
    with report_style():
        ax = draw_spectra([small_report.runs[0].aligned], ["a"], [spectrum]).axes[0]
    dotted = [line for line in ax.lines if line.get_linestyle() == ":"]
    assert [list(line.get_ydata()) for line in dotted] == [[10, 20, 0]]


def test_what_is_locked_to_the_heartbeat_has_a_panel_per_run():
    locked = np.array([[-0.1, 0, 0.1], [1, 5, 2], [0.5, 0.4, 0.3]])
    with report_style():
        figure = draw_locked([locked, 2 * locked], ["run-1", "run-2"])
    assert [list(line.get_ydata()) for line in figure.axes[0].lines[1:]] == [[1, 5, 2], [0.5, 0.4, 0.3]]
    assert list(figure.axes[1].lines[1].get_ydata()) == [2, 10, 4]
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["run-1", "run-2"]


def test_maps_of_regions_are_ordered_by_band_and_by_how_well_they_are_predicted(small_report):
    ridge, eegnet = small_report.explanations
    grid = choose_maps(ridge, ("M1_L", "M1_R"), ("M1_R", "M1_L"))
    assert grid.row_names == ("mean of 2", "M1_R", "M1_L")
    assert grid.titles[0] == ("alpha\n8\N{EN DASH}12 Hz", "beta\n12\N{EN DASH}20 Hz")
    np.testing.assert_array_equal(grid.patterns[1], ridge.patterns[2:])
    np.testing.assert_allclose(grid.patterns[0], (ridge.patterns[:2] + ridge.patterns[2:]) / 2)
    by_kernel = choose_maps(eegnet, ("M1_L", "M1_R"), ())
    assert len(by_kernel.kernels) == 2
    np.testing.assert_array_equal(by_kernel.patterns[0], eegnet.patterns[[0, 2]])
    np.testing.assert_array_equal(by_kernel.patterns[1], eegnet.patterns[[1, 3]])
    plain = choose_maps(replace(ridge, filters=eegnet.filters), ("alpha",), ())
    assert sum(len(row) for row in plain.patterns) == 4


def test_electrodes_at_one_place_or_on_one_line_are_not_drawn(small_report):
    ridge = small_report.explanations[0]
    twice = ridge.positions.copy()
    twice[1] = twice[0]
    channels, reason = find_positions(replace(ridge, positions=twice))
    assert (channels.tolist(), reason) == ([0, 2, 3, 4, 5, 6, 7], "")
    line = np.zeros((8, 3))
    line[:, 0] = np.arange(8) * 0.01
    channels, reason = find_positions(replace(ridge, positions=line))
    assert len(channels) == 0
    assert "one line" in reason


def test_the_users_own_style_changes_nothing_and_is_left_as_it_was(small_report, tmp_path):
    run = small_report.runs[0].aligned
    with report_style():
        save_svg(draw_spectra([run], ["a"]), tmp_path / "first.svg")
    with mpl.rc_context({"font.size": 30, "lines.linewidth": 9, "axes.facecolor": "black"}):
        with report_style():
            save_svg(draw_spectra([run], ["a"]), tmp_path / "second.svg")
        assert mpl.rcParams["font.size"] == 30
    assert (tmp_path / "first.svg").read_bytes() == (tmp_path / "second.svg").read_bytes()


def test_a_models_colour_does_not_depend_on_the_others():
    together, alone = model_colours(["eegnet", "task", "ridge"]), model_colours(["eegnet"])
    assert together["eegnet"] == alone["eegnet"]
    assert len(set(together.values())) == 3


def test_runs_are_labelled_by_what_tells_them_apart():
    runs = [Entities(subject="01", session="1", task="imagery", run=k) for k in (1, 2)]
    assert short_run_labels(runs) == ("run-1", "run-2")
    assert short_run_labels(runs[:1]) == ("ses-1_task-imagery_run-1",)
    sessions = [Entities(subject="01", session=s, task="imagery") for s in ("a", "b")]
    assert short_run_labels(sessions) == ("ses-a", "ses-b")


def test_numbers_are_written_as_in_papers():
    minus = "\N{MINUS SIGN}"
    shown = [format_r(r) for r in (0.314, -0.052, 1.0, -0.001, float("nan"))]
    assert shown == [".31", f"{minus}.05", "1.00", ".00", "n/a"]
    assert [format_p(p) for p in (0.0123, 0.0001, 1.0, float("nan"))] == [".012", "< .001", "1", "n/a"]
    assert (state_p(0.0001), state_p(0.03)) == ("p < .001", "p = .030")
    assert [format_number(x) for x in (2.0, 0.12345, 1234.5678)] == ["2", "0.1235", "1235"]


def test_spectra_of_kernels_are_drawn_at_the_rate_of_the_kernels():
    figure = Figure()
    axes = figure.subplots(1, 2)
    times = np.arange(50) / 50.0
    _draw_spectra(axes, (np.cos(2 * np.pi * 12 * times),), 50.0)
    (filled,) = axes[0].collections
    (outline,) = filled.get_paths()
    assert outline.vertices[outline.vertices[:, 1].argmax(), 0] == pytest.approx(12, abs=0.5)
    assert axes[0].get_xlim() == (0, 25)
