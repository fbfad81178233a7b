"""The report of trained models that were applied to a participant's EEG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bids_eeg2fmri.records import AppliedModel, Entities, SavedModel
from bids_eeg2fmri.report.applied_curves import SETTLING, choose_applied_regions, draw_applied
from bids_eeg2fmri.report.page import PageFigure, write_page
from bids_eeg2fmri.report.style import report_style, save_svg, short_run_labels


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ApplicationReport:
    """All that the report shows.

    Attributes
    ----------
    participant : str
        Label without ``sub-``.
    version : str
        Of this app.
    applied : tuple of AppliedModel
        Every model on every recording, those of one recording together.
    models : tuple of SavedModel
        What was applied; ``model_paths`` their files, as the report names them.
    recordings : tuple of str
        The EEG files in the order of ``applied``, as the report names them.
    notes : tuple of str
        What the reader should know first (a model that is of somebody else).
    """

    participant: str
    version: str
    applied: tuple[AppliedModel, ...]
    models: tuple[SavedModel, ...]
    model_paths: tuple[str, ...]
    recordings: tuple[str, ...]
    notes: tuple[str, ...] = ()
    #: The models' own settings are in their files.
    settings_text: str = ""

    @property
    def methods_text(self) -> str:
        """What was done, for a paper."""
        names = ", ".join(dict.fromkeys(model.model for model in self.models))
        return (
            f"BOLD was predicted from EEG with trained models ({names}; bids_eeg2fmri {self.version}). "
            "The EEG was cleaned as in the training of each model, and missing channels were interpolated by "
            "spherical splines (Perrin 1989, doi:10.1016/0013-4694(89)90180-6). BOLD was not used."
        )


def write_application_report(
    report: ApplicationReport, *, html_path: Path, figures_dir: Path
) -> tuple[Path, ...]:
    """Write the page and its figures; return their paths, the page's first.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    by_run: dict[Entities, list[AppliedModel]] = {}
    for item in report.applied:
        by_run.setdefault(item.entities, []).append(item)
    labels = short_run_labels(list(by_run))
    figures = []
    with report_style():
        for label, (entities, applied) in zip(labels, by_run.items(), strict=True):
            regions = choose_applied_regions(applied)
            path = figures_dir / f"{entities}_desc-applied_timeseries.svg"
            save_svg(draw_applied(applied, regions), path)
            figures.append(
                PageFigure(
                    path=path,
                    alt=f"Predicted BOLD over time in {label}, one panel per region.",
                    caption=_say_curves(label, applied[0], n_shown=len(regions)),
                )
            )
    content = {
        "report": report,
        "figures": figures,
        "runs": list(zip(labels, report.recordings, by_run.values(), strict=True)),
        "models": list(zip(report.models, report.model_paths, strict=True)),
        "digests": {item.model: item.digest for item in report.applied},
        "trust": _tabulate_trust(report.models),
        "n_moments": sum(len(items[0].times) for items in by_run.values()),
    }
    write_page(html_path, "application.html.j2", content)
    return (html_path, *(figure.path for figure in figures))


def _tabulate_trust(models: Sequence[SavedModel]) -> list[tuple[str, list[tuple[float, float]]]]:
    """Return for each region the held-out r and error of every model, NaN where they are not known."""
    unknown = (math.nan, math.nan)
    known = [
        dict(zip(m.region_names, zip(m.held_out_r, m.held_out_error, strict=True), strict=bool(m.held_out_r)))
        for m in models
    ]
    names = dict.fromkeys(name for m in models for name in m.region_names)
    return [(name, [of_model.get(name, unknown) for of_model in known]) for name in names]


def _say_curves(label: str, applied: AppliedModel, *, n_shown: int) -> str:
    """Return the caption of a recording's curves."""
    text = (
        f"{label}: predicted from the EEG, nothing was measured. Grey: fewer than {SETTLING:g} s of EEG lie "
        "before, so that the haemodynamic response is only in part what this EEG says."
    )
    if n_shown < len(applied.region_names):
        text += f" The {n_shown} of {len(applied.region_names)} regions that vary most are shown."
    return text
