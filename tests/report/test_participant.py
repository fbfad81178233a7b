"""The participant's page: whole, escaped, the same bytes every time, and plain about what was not found."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest

from bids_eeg2fmri.records import FoundRun
from bids_eeg2fmri.report.participant import write_participant_report

HOSTILE = "<script>alert('x')</script>&\"$x$"


class Page(HTMLParser):
    """Collects tags, attributes and text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(text)
        self.text = re.sub(r"\s+", " ", "".join(self.words))

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def write(report, root):
    html_path = root / "sub-01.html"
    paths = write_participant_report(report, html_path=html_path, figures_dir=root / "sub-01" / "figures")
    assert paths[0] == html_path
    return Page(html_path.read_text(encoding="utf-8")), paths


@pytest.fixture(scope="module")
def written(small_report, tmp_path_factory):
    return write(small_report, tmp_path_factory.mktemp("report"))


def test_every_figure_exists_is_shown_and_described(written):
    page, paths = written
    shown = {Path(paths[0].parent, unquote(image["src"])) for image in page.all("img")}
    assert shown == set(paths[1:])
    assert all(path.stat().st_size < 500_000 for path in shown)
    assert all(image["alt"] for image in page.all("img"))
    names = sorted(path.name for path in shown)
    assert names == [
        "sub-01_desc-clean_spectrum.svg",
        "sub-01_desc-clock_timeseries.svg",
        "sub-01_desc-eegnet_topomap.svg",
        "sub-01_desc-ridge_topomap.svg",
        "sub-01_desc-scores_metrics.svg",
        "sub-01_task-imagery_run-1_desc-predicted_timeseries.svg",
        "sub-01_task-imagery_run-2_desc-predicted_timeseries.svg",
    ]


def test_the_page_needs_no_script_and_no_network(written):
    page, _ = written
    assert not page.all("script")
    assert not page.all("link")
    assert page.all("html") == [{"lang": "en"}]
    assert all(not image["src"].startswith(("http", "/")) for image in page.all("img"))
    headers = page.all("th")
    assert headers
    assert all(header.get("scope") in {"col", "row", "colgroup"} for header in headers)


def test_two_writes_give_the_same_bytes(small_report, written, tmp_path):
    _, first = written
    _, second = write(small_report, tmp_path)
    assert [path.name for path in first] == [path.name for path in second]
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


def test_the_page_says_what_was_found_and_how(written):
    page, _ = written
    for expected in (
        "EEG (ridge) predicts the BOLD of the regions beyond the task (mean r given task .31, p = .001",
        "What eegnet predicts of the BOLD of the regions is explained by the task",
        "eegnet is not better than the linear model (ridge) (mean r .36 against .42)",
        "no BOLD run of this task",
        "1 of 5 recordings were not used",
        "30 markers fit 30 volumes",
        "Band-pass 1 to 20 Hz",
        "run 2 only",
        "1 of 30 volumes carry no weight",
        "random_seed = 0",
        "bids_eeg2fmri 1.2.3",
    ):
        assert expected in page.text
    assert {"href": "https://doi.org/10.1016/j.neuroimage.2013.10.067"}.items() <= page.all("a")[-1].items()
    assert "Within-run" not in page.text


def test_scores_within_a_run_are_marked_at_every_table(small_report, tmp_path):
    page, _ = write(replace(small_report, cv_unit="block"), tmp_path)
    # The warning on top, both tables, the curves and the figure of scores.
    assert page.text.count("Within-run scores.") == 5


def test_texts_of_the_dataset_cannot_become_markup(small_report, tmp_path):
    first = small_report.runs[0]
    aligned = replace(
        first.aligned,
        channel_names=(HOSTILE, *first.aligned.channel_names[1:]),
        events=(replace(first.aligned.events[0], condition=HOSTILE),),
    )
    hostile_run = replace(
        first, aligned=aligned, eeg_steps=(HOSTILE,), evidence=(HOSTILE,), eeg_quality={HOSTILE: 1.0}
    )
    found = FoundRun(
        modality="bold", path=Path(HOSTILE), entities=aligned.entities, status="unusable", reason=HOSTILE
    )
    report = replace(
        small_report,
        runs=(hostile_run, small_report.runs[1]),
        found_runs=(found,),
        scores=tuple(replace(s, region=HOSTILE) if s.region == "M1_L" else s for s in small_report.scores),
        notes=(HOSTILE,),
        cv_text=HOSTILE,
        settings_text=HOSTILE,
        methods_text=HOSTILE,
        duration_text=HOSTILE,
        model_descriptions={"ridge": HOSTILE},
    )
    page, paths = write(report, tmp_path)
    assert not page.all("script")
    assert page.text.count(HOSTILE) >= 12
    assert all("<script" not in path.read_text(encoding="utf-8") for path in paths)


def test_maps_without_positions_are_left_out_with_the_reason(small_report, tmp_path):
    ridge, eegnet = small_report.explanations
    three, six = (np.where(np.arange(8)[:, np.newaxis] < n, ridge.positions, np.nan) for n in (3, 6))
    report = replace(
        small_report, explanations=(replace(ridge, positions=three), replace(eegnet, positions=six))
    )
    page, paths = write(report, tmp_path)
    assert "patterns of ridge cannot be drawn: positions are known for 3 of 8 electrodes" in page.text
    assert "2 electrodes without a position are left out" in page.text
    maps = [path.name for path in paths if "topomap" in path.name]
    assert maps == ["sub-01_desc-eegnet_topomap.svg"]


def test_without_a_task_the_page_does_not_speak_of_one(small_report, tmp_path):
    nan = float("nan")
    report = replace(
        small_report,
        scores=tuple(
            replace(s, r_given_task=nan, p_given_task=nan) for s in small_report.scores if s.model != "task"
        ),
        predictions=tuple(p for p in small_report.predictions if p.model != "task"),
    )
    page, _ = write(report, tmp_path)
    assert "there is no task to compare with" in page.text
    assert "beyond the task" not in page.text
    assert "No task design: p is that of r. One-sided" in page.text


def test_predictions_that_do_not_fit_the_runs_are_refused(small_report):
    short = replace(small_report.predictions[0], values=(np.zeros((3, 2)), np.zeros((30, 2))))
    with pytest.raises(ValueError, match="do not fit"):
        replace(small_report, predictions=(short,))
    with pytest.raises(ValueError, match="at least one run"):
        replace(small_report, runs=())


def test_the_cleaning_has_its_figure_and_its_words(small_report, tmp_path):
    locked = np.array([[-0.1, 0, 0.1], [1, 5, 2], [0.5, 0.4, 0.3]])
    first, second = small_report.runs
    quality = {"pulse_locked_before_uv": 5.0, "clipped_percent": 0.25, "line_db": 12.0, "heartbeats": 70.0}
    first = replace(first, eeg_locked=locked, eeg_quality=quality)
    report = replace(small_report, runs=(first, second))
    paths = write_participant_report(report, html_path=tmp_path / "a.html", figures_dir=tmp_path / "figures")
    assert any(path.name == "sub-01_desc-pulse_timeseries.svg" for path in paths)
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    for words in ("pulse locked before (µV)", "clipped (%)", "line (dB)", "heartbeats"):
        assert f'<th scope="row">{words}</th>' in page
    without = write_participant_report(
        small_report, html_path=tmp_path / "b.html", figures_dir=tmp_path / "figures"
    )
    assert not any("pulse" in path.name for path in without)
