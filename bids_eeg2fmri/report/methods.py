"""What was done, in words for a paper, with the sources of the methods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from bids_eeg2fmri import __version__
from bids_eeg2fmri.records import ClassificationResults, SimultaneousRun, Split
from bids_eeg2fmri.registry import Predictor
from bids_eeg2fmri.settings import Settings
from bids_eeg2fmri.training.classifiers import Described

_UNIT = {
    "task": "the models learned from all runs of one task and were tested on all runs of another",
    "session": "each session in turn was held out",
    "run": "each run in turn was held out",
    "block": "within the only run, contiguous blocks in turn were held out, with a gap around each",
}


def describe_folds(splits: Sequence[Split]) -> str:
    """Return in one sentence how the models were tested."""
    unit = splits[0].unit
    note = " (within-run: the weakest scheme, for want of a second run)" if unit == "block" else ""
    folds = "One fold" if len(splits) == 1 else f"{len(splits)} folds"
    return f"{folds}: {_UNIT[unit]}{note}."


def describe_methods(
    settings: Settings,
    predictors: Sequence[Predictor],
    splits: Sequence[Split],
    *,
    regions: str,
    run: SimultaneousRun,
) -> str:
    """Return the methods of one participant, paragraphs apart by an empty line.

    ``regions`` says in words what they are; ``run`` is any of the participant's.
    """
    return _render(
        "methods.txt.j2",
        version=__version__,
        eeg=settings.eeg,
        bold=settings.bold,
        run=run,
        regions=regions,
        evaluation=settings.evaluation,
        predictors=predictors,
        folds=describe_folds(splits),
    )


def describe_classification(
    settings: Settings, models: Sequence[Described], results: ClassificationResults
) -> str:
    """Return the methods of one participant where the question is a class."""
    return _render(
        "methods_classification.txt.j2",
        version=__version__,
        eeg=settings.eeg,
        bold=settings.bold,
        regions="; ".join(results.runs[0].regions.steps),
        objective=results.objective,
        notes=results.notes,
        evaluation=settings.evaluation,
        models=models,
        is_refitted=any(s.null == "trials, refitted" for s in results.scores),
        folds=describe_folds(results.splits),
    )


def _render(name: str, **values: Any) -> str:
    """Return a template filled in."""
    loader = PackageLoader("bids_eeg2fmri.report")
    environment = Environment(loader=loader, undefined=StrictUndefined, autoescape=False)  # noqa: S701  (plain text)
    return environment.get_template(name).render(**values)


def write_citations(predictors: Sequence[Described | type[Predictor]]) -> str:
    """Return what to cite, as Markdown."""
    lines = ["# Please cite", "", f"- bids_eeg2fmri {__version__}", "- PyBIDS: 10.21105/joss.01294"]
    lines += ["- MNE-BIDS: 10.21105/joss.01896", "- MNE-Python: 10.3389/fnins.2013.00267"]
    lines += ["- nilearn: 10.3389/fninf.2014.00014"]
    lines += [f"- {p.name}: {p.reference}" for p in predictors]
    return "\n".join(lines) + "\n"
