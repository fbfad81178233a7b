"""From the options of the command to a job; everything that can be refused early is refused here."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bids_eeg2fmri.bids.dataset import read_description
from bids_eeg2fmri.bids.derivatives import check_derivatives, find_derivatives
from bids_eeg2fmri.bids.json_object import load_json
from bids_eeg2fmri.bids.model_files import check_models_path, list_model_names
from bids_eeg2fmri.bids.names import strip_prefix
from bids_eeg2fmri.bids.selection import parse_filters
from bids_eeg2fmri.errors import AnalysisLevelError, MissingInputError, UsageError, did_you_mean
from bids_eeg2fmri.registry import check_region_set
from bids_eeg2fmri.resources.limits import parse_memory
from bids_eeg2fmri.settings import Application, Job, Running, Selection, load_settings

LEVELS = ("participant", "group")


def build_job(options: dict[str, Any]) -> tuple[Job, str]:
    """Return the job and its level from the parsed options; everything that can be refused early is.

    Raises
    ------
    Eeg2FmriError
        For any input that cannot be used, with the documented exit status.
    """
    level = options["analysis_level"]
    if level not in LEVELS:
        raise AnalysisLevelError(f"There is no analysis level '{level}'; allowed are participant and group.")
    bids_dir, output_dir = options["bids_dir"].absolute(), options["output_dir"].absolute()
    read_description(bids_dir)
    derivatives = _derivatives(bids_dir, options["derivatives"])
    _check_output(output_dir, bids_dir, derivatives.values())
    settings = load_settings(
        config_file=options["config_file"],
        assignments=options["assignments"],
        flags={
            "model": options["model"] or None,
            "objective": options["objective"],
            "condition.conditions": options["conditions"] or None,
            "bold.regions": options["regions"],
            "bold.localizer": options["localizer"],
            "evaluation.cv": options["cv"],
            "evaluation.n_nulls": options["n_nulls"],
            "evaluation.refit_nulls": options["refit_nulls"],
            "evaluation.controls": options["controls"] or None,
            "evaluation.train_task": _task(options["train_task"]),
            "evaluation.test_task": _task(options["test_task"]),
            "sync.events": options["events"],
            "sync.eeg_offset": options["eeg_offset"],
            "eeg.state": options["eeg_state"],
            "sync.pair_task": options["pair_task"] or None,
            "random_seed": options["random_seed"],
        },
    )
    check_region_set(settings.bold.regions)
    application = _application(options, level)
    _check_against_models(output_dir, application)
    job = Job(
        bids_dir=bids_dir,
        output_dir=output_dir,
        derivatives=derivatives,
        selection=_selection(options),
        running=_running(options, bids_dir),
        settings=settings,
        application=application,
    )
    return job, level


def _running(options: Mapping[str, Any], bids_dir: Path) -> Running:
    """Return how the work is to be done."""
    if options["clean_workdir"] and options["work_dir"] is None:
        raise UsageError("--clean-workdir needs the folder that is to be cleaned: give --work-dir too.")
    if options["dask_scheduler"]:
        for name in ("nprocs", "mem"):
            if options[name] is not None:
                raise UsageError(
                    f"--{name} is of processes on this machine; with --dask-scheduler the cluster's workers "
                    "decide how many participants are worked on at a time. Leave one of them out."
                )
        _check_dask(options["dask_scheduler"])
    return Running(
        nprocs=options["nprocs"] or 1,
        omp_nthreads=options["omp_nthreads"],
        memory=parse_memory(options["mem"]) if options["mem"] is not None else None,
        dask_scheduler=options["dask_scheduler"] or "",
        device=options["device"],
        dry_run=options["dry_run"],
        reports_only=options["reports_only"],
        stop_on_first_crash=options["stop_on_first_crash"],
        work_dir=options["work_dir"].absolute() if options["work_dir"] else None,
        clean_work_dir=options["clean_workdir"],
        bids_database_dir=_database_dir(bids_dir, options["bids_database_dir"]),
        verbose=options["verbose"],
    )


def _check_dask(address: str) -> None:
    """Refuse what cannot be the address of a Dask scheduler, and where its client is not installed."""
    if re.fullmatch(r"([a-z]+://)?[^:/\s]+:\d+|([a-z]+://)?\[[0-9a-fA-F:]+\]:\d+", address) is None:
        raise UsageError(
            f"--dask-scheduler: '{address}' is no address; expected what 'dask scheduler' prints, for "
            "example tcp://10.0.0.5:8786."
        )
    if find_spec("distributed") is None:
        raise UsageError(
            "--dask-scheduler needs the package distributed. Install it with: "
            "pip install 'bids_eeg2fmri[dask]'"
        )


def _application(options: Mapping[str, Any], level: str) -> Application | None:
    """Return which trained models to apply, None to train; what a model brings itself cannot be asked for."""
    if options["models_path"] is None:
        return None
    if level != "participant":
        raise UsageError("--apply is of the participant level: without BOLD there are no scores to group.")
    for name in ("regions", "cv", "events", "pair_task"):
        if options[name]:
            flag = f"--{name.replace('_', '-')}"
            raise UsageError(f"{flag} is of training and says nothing with --apply. Leave one of them out.")
    path = options["models_path"].absolute()
    check_models_path(path)
    known = list_model_names(path)
    for name in options["model"]:
        if name not in known:
            raise UsageError(
                f"There is no model '{name}' in {path}; there are {', '.join(known)}."
                f"{did_you_mean(name, known)}"
            )
    return Application(path=path, models=tuple(dict.fromkeys(options["model"])))


def _check_against_models(output_dir: Path, application: Application | None) -> None:
    """Refuse to apply models into a folder of trained ones: what belongs to them would be replaced."""
    if application is not None and any(output_dir.glob("sub-*/*_model.safetensors")):
        raise UsageError(
            f"OUTPUT_DIR ({output_dir}) holds trained models. With --apply, give a folder of its own for the "
            "predictions."
        )


def _database_dir(bids_dir: Path, path: Path | None) -> Path | None:
    """Return the folder of the index in full; inside the dataset it would be taken for a part of it."""
    if path is None:
        return None
    if path.resolve().is_relative_to(bids_dir.resolve()):
        raise UsageError(
            f"--bids-database-dir {path} lies inside the dataset {bids_dir}. Give a folder outside it."
        )
    return path.absolute()


def _check_output(output_dir: Path, bids_dir: Path, derivatives: Iterable[Path]) -> None:
    """Refuse to write into a dataset that is not this app's own: its description would be lost."""
    advice = f"Give another folder, for example {bids_dir / 'derivatives' / 'bids_eeg2fmri'}."
    if output_dir.resolve() in [path.resolve() for path in (bids_dir, *derivatives)]:
        raise UsageError(f"OUTPUT_DIR is an input dataset itself ({output_dir}). {advice}")
    if (output_dir / "dataset_description.json").exists():
        makers = read_description(output_dir).get("GeneratedBy") or [{}]
        if not (isinstance(makers, list) and makers[0].get("Name") == "bids_eeg2fmri"):
            raise UsageError(f"OUTPUT_DIR ({output_dir}) holds another dataset. {advice}")


def _derivatives(bids_dir: Path, texts: Sequence[str]) -> dict[str, Path]:
    """Return name and folder of each derivative dataset: those given, else those found in the dataset."""
    named: dict[str, Path] = {}
    for text in texts:
        name, equals, rest = text.partition("=")
        has_name = bool(equals) and os.sep not in name
        path = Path(rest if has_name else text).absolute()
        name = name if has_name else path.name
        if named.setdefault(name, path) != path:
            raise UsageError(
                f"Two derivatives are named '{name}': {named[name]} and {path}. Name them: -d NAME={path}"
            )
    check_derivatives(named.values())
    return named or {path.name: path for path in find_derivatives(bids_dir)}


def _task(label: str | None) -> str | None:
    """Return a task's label without its prefix."""
    return None if label is None else strip_prefix(label)


def _selection(options: dict[str, Any]) -> Selection:
    """Return the selection, labels without their prefixes."""

    def labels(name: str) -> tuple[str, ...]:
        return tuple(strip_prefix(label) for label in options[name])

    filters: dict[str, Any] = {}
    path = options["bids_filter_file"]
    if path is not None:
        try:
            filters = parse_filters(load_json(path))
        except FileNotFoundError:
            raise MissingInputError(f"There is no file {path}. Check --bids-filter-file.") from None
        except (OSError, ValueError, AttributeError) as error:
            raise UsageError(f"{path} is no filter file: {error}") from None
    return Selection(
        participants=labels("participant_label"),
        excluded=labels("exclude_participant_label"),
        sessions=labels("session_label"),
        tasks=labels("task_label"),
        runs=labels("run_label"),
        filters=filters,
    )
