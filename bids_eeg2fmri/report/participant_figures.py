"""The figures of a participant's report: which there are, their files, and their words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from bids_eeg2fmri.evaluation.significance import MEAN_REGION
from bids_eeg2fmri.records import AlignedRun, Evaluation, Explanation, Floats, Predictions, Score, VolumeClock
from bids_eeg2fmri.report.curves import Curve, choose_regions, draw_curves
from bids_eeg2fmri.report.heartbeats import draw_locked
from bids_eeg2fmri.report.lag_curves import draw_lags
from bids_eeg2fmri.report.map_choice import choose_maps
from bids_eeg2fmri.report.page import PageFigure
from bids_eeg2fmri.report.recording import draw_clocks, draw_spectra
from bids_eeg2fmri.report.score_figure import draw_scores, say_scores
from bids_eeg2fmri.report.specificity import draw_specificity
from bids_eeg2fmri.report.style import TASK_MODEL, report_style, save_svg, short_run_labels
from bids_eeg2fmri.report.topographies import draw_topographies, find_positions


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recording:
    """The clock of a run, and ``spectrum`` and ``locked`` of its ``CleanEeg``.

    ``final_spectrum`` is that of the EEG which models see, where it was measured before.
    """

    clock: VolumeClock
    spectrum: Floats | None = None
    locked: Floats | None = None
    final_spectrum: Floats | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipantFigures:
    """The figures by section; ``no_maps`` says why a model's patterns are not drawn."""

    curves: tuple[PageFigure, ...]
    scores: PageFigure
    lags: PageFigure | None
    specificity: PageFigure | None
    maps: tuple[PageFigure, ...]
    no_maps: tuple[str, ...]
    clocks: PageFigure
    spectra: PageFigure
    locked: PageFigure | None = None

    def paths(self) -> tuple[Path, ...]:
        """Return the paths of all figures."""
        figures = (
            *self.curves,
            self.scores,
            self.lags,
            self.specificity,
            *self.maps,
            self.clocks,
            self.spectra,
            self.locked,
        )
        return tuple(figure.path for figure in figures if figure is not None)


def write_figures(
    prefix: str,
    folder: Path,
    *,
    runs: Sequence[AlignedRun],
    predictions: Sequence[Predictions],
    scores: Sequence[Score],
    evaluations: Sequence[Evaluation],
    explanations: Sequence[Explanation],
    recordings: Sequence[Recording] = (),
) -> ParticipantFigures:
    """Draw and write all figures of one participant; ``prefix`` begins their names (``sub-01``).

    ``predictions`` are those whose curves are drawn, ``evaluations`` those of models of the EEG.
    ``recordings`` tell of the clock and the cleaning of each run.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    labels = short_run_labels([run.entities for run in runs])
    best = _rank_regions(scores, next((p.model for p in predictions if p.model != TASK_MODEL), TASK_MODEL))
    shown = [choose_regions(run, best, n_curves=len(predictions)) for run in runs]
    with report_style():
        maps, no_maps = _write_maps(prefix, folder, runs[0].region_names, scores, explanations)
        return ParticipantFigures(
            curves=tuple(
                _write(
                    _draw_run(run, k, predictions, scores, shown[k]),
                    folder / f"{run.entities}_desc-predicted_timeseries.svg",
                    alt=f"Measured and predicted BOLD over time in {label}, one panel per region.",
                    caption=_say_curves(run, label, n_shown=len(shown[k])),
                )
                for k, (run, label) in enumerate(zip(runs, labels, strict=True))
            ),
            scores=_write(
                draw_scores(scores, [run.entities.run_label for run in runs]),
                folder / f"{prefix}_desc-scores_metrics.svg",
                alt="r of each region and model, beside the baselines; the table has the same numbers.",
                caption=say_scores(scores, [run.entities.run_label for run in runs]),
            ),
            lags=_write_lags(prefix, folder, evaluations),
            specificity=_write_specificity(prefix, folder, evaluations),
            maps=maps,
            no_maps=no_maps,
            clocks=_write(
                draw_clocks([recording.clock for recording in recordings], labels),
                folder / f"{prefix}_desc-clock_timeseries.svg",
                alt="Distance of each volume's onset from a regular grid, one panel per run.",
                caption="How far the onset of each volume lies from a regular grid on the EEG's clock.",
            ),
            spectra=_write(
                draw_spectra(
                    runs,
                    labels,
                    [recording.spectrum for recording in recordings],
                    [recording.final_spectrum for recording in recordings],
                ),
                folder / f"{prefix}_desc-clean_spectrum.svg",
                alt="Power spectrum of the cleaned EEG of each run.",
                caption="Power of the cleaned EEG, median over channels; dotted: before pulse artefact, "
                "components and bursts were taken out. Sharp lines at a fixed distance would be what the "
                "scanner left.",
            ),
            locked=_write_locked(prefix, folder, [recording.locked for recording in recordings], labels),
        )


def _write_locked(
    prefix: str, folder: Path, locked: Sequence[Floats | None], labels: Sequence[str]
) -> PageFigure | None:
    """Draw and write what is locked to the heartbeat in the runs where beats are known."""
    known = [(curve, label) for curve, label in zip(locked, labels, strict=False) if curve is not None]
    if not known:
        return None
    return _write(
        draw_locked([curve for curve, _ in known], [label for _, label in known]),
        folder / f"{prefix}_desc-pulse_timeseries.svg",
        alt="Amplitude locked to the heartbeat before and after its correction, one panel per run.",
        caption="What of the EEG is locked to the heartbeat, before and after the pulse artefact was "
        "taken out.",
    )


def _write_lags(prefix: str, folder: Path, evaluations: Sequence[Evaluation]) -> PageFigure | None:
    """Draw and write r over delays; None where no run is long enough."""
    known = [e for e in evaluations if np.isfinite(e.lags.r).any()]
    if not known:
        return None
    return _write(
        draw_lags(known),
        folder / f"{prefix}_desc-lags_metrics.svg",
        alt="r of prediction and measured BOLD over delays, one panel per model.",
        caption="A prediction that is on time peaks at 0 s. On the shaded side the measured BOLD is earlier "
        "than the predicted: there r is high only by autocorrelation, which falls off evenly to both sides. "
        "A peak there, or a curve without one, speaks of slow drifts or artefacts. Within the grey lie 95 % "
        "of circularly shifted predictions, for the mean over regions.",
    )


def _write_specificity(prefix: str, folder: Path, evaluations: Sequence[Evaluation]) -> PageFigure | None:
    """Draw and write the matrix of predicted and measured regions; None where there is only one region."""
    if not evaluations or len(evaluations[0].region_names) < 2:
        return None
    return _write(
        draw_specificity(evaluations),
        folder / f"{prefix}_desc-specificity_metrics.svg",
        alt="Matrix of r: prediction for each region against the measured BOLD of each region.",
        caption="A prediction that is about its own region is highest on the diagonal. Where all rows are "
        "alike, the model predicts one signal for all regions.",
    )


def _write_maps(
    prefix: str,
    folder: Path,
    region_names: Sequence[str],
    scores: Sequence[Score],
    explanations: Sequence[Explanation],
) -> tuple[tuple[PageFigure, ...], tuple[str, ...]]:
    """Draw and write the patterns of each model; return the figures, and why others could not be drawn."""
    maps, no_maps = [], []
    for explanation in explanations:
        channels, reason = find_positions(explanation)
        if reason:
            no_maps.append(reason)
            continue
        grid = choose_maps(explanation, region_names, _rank_regions(scores, explanation.model))
        maps.append(
            _write(
                draw_topographies(explanation, grid, channels),
                folder / f"{prefix}_desc-{explanation.model}_topomap.svg",
                alt=f"Maps of the scalp seen from above: the spatial patterns of {explanation.model}.",
                caption=_say_maps(explanation, grid.note, n_drawn=len(channels)),
            )
        )
    return tuple(maps), tuple(no_maps)


def _write(figure: Figure, path: Path, *, alt: str, caption: str) -> PageFigure:
    """Write one figure under a name that is safe: letters, digits, ``-``, ``_`` and the extension."""
    safe = path.with_name(re.sub(r"[^A-Za-z0-9_-]", "", path.stem) + path.suffix)
    save_svg(figure, safe)
    return PageFigure(path=safe, alt=alt, caption=caption)


def _draw_run(
    run: AlignedRun,
    k: int,
    predictions: Sequence[Predictions],
    scores: Sequence[Score],
    regions: Sequence[str],
) -> Figure:
    """Draw the curves of run ``k``, the task baseline behind the models."""
    label = run.entities.run_label
    curves = [
        Curve(
            model=p.model,
            values=p.values[k],
            r={s.region: s.r for s in scores if s.model == p.model and s.run == label},
        )
        for p in sorted(predictions, key=lambda p: p.model == TASK_MODEL)
    ]
    return draw_curves(run, curves, regions)


def _rank_regions(scores: Sequence[Score], model: str) -> tuple[str, ...]:
    """Return the regions that a model predicts, best first: by its headline as far as there is one."""
    own = [s for s in scores if s.model == model and s.run == "all" and s.region != MEAN_REGION]
    names = ("r_given_task_nuisance", "r_given_task", "r")
    figure = next((n for n in names if own and all(np.isfinite(getattr(s, n)) for s in own)), "r")
    return tuple(s.region for s in sorted(own, key=lambda s: -np.nan_to_num(getattr(s, figure), nan=-2.0)))


def _say_curves(run: AlignedRun, label: str, *, n_shown: int) -> str:
    """Return the caption of a run's curves."""
    text = f"{label}: every predicted value is of a volume that the model had not seen."
    if n_shown < len(run.region_names):
        text += f" The {n_shown} best predicted of {len(run.region_names)} regions are shown."
    n_censored = int(np.sum(run.weights == 0))
    if n_censored:
        text += f" {n_censored} volumes without weight are left out of the measured curve."
    return text


def _say_maps(explanation: Explanation, note: str, *, n_drawn: int) -> str:
    """Return the caption of a model's maps."""
    if explanation.filters.domain == "power":
        meaning = "red where more power in the band goes with a prediction of more BOLD, blue of less"
    else:
        meaning = "where the activity that each filter picks up appears on the scalp, its polarity arbitrary"
    text = f"{explanation.model}: spatial patterns, {meaning}; each scaled to 1. {note}".strip()
    n_all = len(explanation.channel_names)
    return (
        text if n_drawn == n_all else f"{text} {n_all - n_drawn} electrodes without a position are left out."
    )
