"""The group level: from the participants' derivatives alone to tests, maps and a report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from bids_eeg2fmri import __version__
from bids_eeg2fmri.bids.outputs import Outputs
from bids_eeg2fmri.errors import MissingInputError
from bids_eeg2fmri.formats.nifti import write_volume
from bids_eeg2fmri.formats.participant_scores import (
    ParticipantScores,
    collect_scores,
    read_region_labels,
)
from bids_eeg2fmri.formats.score_table import write_group_scores, write_group_tests
from bids_eeg2fmri.records import Floats, GroupTest, Score
from bids_eeg2fmri.report.group import GroupReport, ParticipantStatus, write_group_report
from bids_eeg2fmri.report.style import is_shown
from bids_eeg2fmri.settings import Job
from bids_eeg2fmri.stats.group import paint_regions, run_group_tests
from bids_eeg2fmri.stats.region_map import GroupRegions, combine_regions
from bids_eeg2fmri.stats.signflip import describe_smallest_p

#: Figures of the group's report lie beside it.
_FIGURES = "group_figures"
_NO_MAP = "No participant's regions are in a template space: no map of the group is made."


def run_group(job: Job, participants: Sequence[str]) -> Iterator[str]:
    """Aggregate the participants' results; yield lines that say how it went.

    Raises
    ------
    MissingInputError
        If no participant has results.
    """
    outputs = Outputs(root=job.output_dir)
    collected = [collect_scores(outputs, participant) for participant in participants]
    included = [entry for entry in collected if entry.scores]
    yield from _who(collected)
    if not included:
        raise MissingInputError(
            f"None of {len(collected)} participants has results in {job.output_dir}. "
            "Run the participant level first."
        )
    regions = combine_regions(
        {entry.participant: read_region_labels(outputs, entry.participant) for entry in included}
    )
    notes = (*_compare_settings(included), *(regions.notes if regions is not None else (_NO_MAP,)))
    yield from notes
    scores = [(entry.participant, score) for entry in included for score in entry.scores]
    tests = run_group_tests(scores, rng=np.random.default_rng([job.settings.random_seed, 2]))
    write_group_scores(outputs.group("_scores.tsv"), scores)
    write_group_tests(outputs.group("_tests.tsv"), tests)
    maps = _paint(tests, regions) if regions is not None else {}
    affine = regions.affine if regions is not None else np.eye(4)
    for stale in job.output_dir.glob("group_desc-*_statmap.nii.gz"):
        stale.unlink()
    for model, image in maps.items():
        write_volume(outputs.group(f"_desc-{model}_stat-r_statmap.nii.gz"), image, affine)
    report = outputs.group(".html")
    write_group_report(
        _report(job, collected, scores, tests, maps, affine, notes),
        html_path=report,
        figures_dir=job.output_dir / _FIGURES,
    )
    yield from _table(tests)
    yield describe_smallest_p(len(included))
    yield f"Report: {report}"


def _who(collected: Sequence[ParticipantScores]) -> Iterator[str]:
    """Yield who is in the group, and why the others are not."""
    yield f"{sum(bool(entry.scores) for entry in collected)} of {len(collected)} participants have results."
    for entry in collected:
        if entry.reason:
            yield f"  sub-{entry.participant}: {entry.reason}"


def _compare_settings(included: Sequence[ParticipantScores]) -> tuple[str, ...]:
    """Return a warning if participants were not all worked on with the same settings."""
    kinds: dict[str, list[str]] = {}
    for entry in included:
        kinds.setdefault(entry.settings, []).append(f"sub-{entry.participant}")
    if len(kinds) < 2:
        return ()
    groups = " | ".join(", ".join(labels) for labels in kinds.values())
    return (
        f"The participants were worked on with {len(kinds)} different settings ({groups}); regions and "
        "scores may not mean the same. Run the participant level for all of them with the same settings.",
    )


def _paint(tests: Sequence[GroupTest], regions: GroupRegions) -> dict[str, np.ndarray]:
    """Return for each model the image of its mean r in every region."""
    found = {(test.model, test.region): test.r for test in tests if test.measure == "r"}
    models = [m for m in dict.fromkeys(model for model, _ in found) if is_shown(m)]
    return {
        model: paint_regions(regions.labels, [found.get((model, name), np.nan) for name in regions.names])
        for model in models
    }


def _report(
    job: Job,
    collected: Sequence[ParticipantScores],
    scores: Sequence[tuple[str, Score]],
    tests: tuple[GroupTest, ...],
    maps: dict[str, np.ndarray],
    affine: Floats,
    notes: tuple[str, ...],
) -> GroupReport:
    """Return what the group's page shows."""
    included = [entry for entry in collected if entry.scores]
    return GroupReport(
        version=__version__,
        participants=tuple(
            ParticipantStatus(
                label=entry.participant,
                status="included" if entry.scores else "failed" if entry.has_failed else "missing",
                reason=entry.reason,
            )
            for entry in collected
        ),
        scores=tuple(scores),
        tests=tests,
        smallest_p_text=describe_smallest_p(len(included)),
        within_run=tuple(e.participant for e in included if any(s.held_out == "block" for s in e.scores)),
        maps=maps,
        affine=affine,
        settings_text=_settings_text(job.output_dir),
        notes=notes,
    )


def _settings_text(output_dir: Path) -> str:
    """Return the settings the participant level ran with."""
    path = output_dir / "logs" / "settings.toml"
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def _table(tests: Sequence[GroupTest]) -> Iterator[str]:
    """Yield a table of the mean r per region and model that fits a screen."""
    models = [model for model in dict.fromkeys(test.model for test in tests) if is_shown(model)]
    found = {(t.model, t.measure, t.region): t for t in tests}
    regions = list(dict.fromkeys(test.region for test in tests))
    width = max(len(name) for name in (*regions, "region"))
    yield "Mean r on held-out data (p corrected over regions; sign flips):"
    yield "  " + "region".ljust(width) + "".join(f"{model:>18}" for model in models)
    for region in regions:
        cells = []
        for model in models:
            test = found.get((model, "r", region))
            p = test.p if test is not None and np.isnan(test.p_max_t) else getattr(test, "p_max_t", np.nan)
            shown = "n/a" if test is None or np.isnan(test.r) else f"{test.r:.2f}"
            cells.append(f"{shown if np.isnan(p) else f'{shown} (p {p:.3f})':>18}")
        yield "  " + region.ljust(width) + "".join(cells)
