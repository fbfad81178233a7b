"""A small participant's report: 2 runs of 30 volumes, 8 electrodes, 2 regions."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bids_eeg2fmri.records import (
    AlignedRun,
    Entities,
    Explanation,
    FoundRun,
    Predictions,
    Score,
    SpatialFilters,
    TaskEvent,
    VolumeClock,
)
from bids_eeg2fmri.report.participant import ParticipantReport, RunContent

NAN = float("nan")
REGIONS = ("M1_L", "M1_R")
SFREQ, TR, N_VOLUMES, N_CHANNELS = 50.0, 2.0, 30, 8


def make_score(model, region="mean", run="all", **figures):
    defaults = {"r": 0.3, "r2": 0.05, "r_given_task": NAN, "p": NAN, "p_given_task": NAN}
    figures = defaults | figures
    z = figures.pop("fisher_z", float(np.arctanh(figures["r"])))
    return Score(model=model, region=region, run=run, n_volumes=N_VOLUMES, fisher_z=z, **figures)


def make_positions():
    """Eight places on a sphere of 9 cm."""
    angles = np.linspace(0, 2 * np.pi, N_CHANNELS, endpoint=False)
    heights = np.where(np.arange(N_CHANNELS) % 2 == 0, 0.03, 0.07)
    rings = np.sqrt(0.09**2 - heights**2)
    return np.column_stack([rings * np.cos(angles), rings * np.sin(angles), heights])


def make_aligned(rng, run):
    times = np.arange(N_VOLUMES) * TR
    task = np.sin(2 * np.pi * times / 40)
    weights = np.ones(N_VOLUMES)
    weights[3] = 0
    return AlignedRun(
        entities=Entities(subject="01", task="imagery", run=run),
        eeg=rng.normal(size=(N_CHANNELS, int(N_VOLUMES * TR * SFREQ) + 100)).astype(np.float32),
        sfreq=SFREQ,
        channel_names=tuple(f"E{k}" for k in range(N_CHANNELS)),
        positions=make_positions(),
        volume_samples=np.round((1.0 + times) * SFREQ).astype(np.int64),
        tr=TR,
        bold=task[:, np.newaxis] + rng.normal(size=(N_VOLUMES, 2)),
        region_names=REGIONS,
        weights=weights,
        design=task[:, np.newaxis],
        design_names=("imagery",),
        nuisance=np.zeros((N_VOLUMES, 0)),
        nuisance_names=(),
        events=(TaskEvent(onset=21.0, duration=20.0, condition="imagery"),),
    )


def make_content(aligned, rng):
    onsets = 1.0 + np.arange(N_VOLUMES) * TR + rng.normal(size=N_VOLUMES) * 1e-4
    return RunContent(
        aligned=aligned,
        clock=VolumeClock(onsets=onsets, source="30 markers R128", jitter=1e-4, drift=2.0),
        eeg_steps=("Band-pass 1 to 20 Hz",),
        eeg_quality={"clipped (%)": 0.5},
        region_steps=("Two spheres", f"run {aligned.entities.run} only"),
        evidence=("30 markers fit 30 volumes",),
    )


def make_predictions(rng, runs):
    return tuple(
        Predictions(
            model=model,
            values=tuple(0.3 * run.bold + rng.normal(size=run.bold.shape) for run in runs),
            training_means=tuple(np.zeros(run.bold.shape) for run in runs),
            folds=tuple(np.full(N_VOLUMES, k) for k in range(len(runs))),
        )
        for model in ("task", "ridge", "eegnet")
    )


def make_scores():
    scores = []
    for model, r, given, p_given in (
        ("task", 0.26, NAN, NAN),
        ("ridge", 0.42, 0.31, 0.001),
        ("eegnet", 0.36, 0.02, 0.4),
    ):
        for region in (*REGIONS, "mean"):
            single = {"r": r - 0.05, "r_given_task": given}
            scores += [make_score(model, region, f"task-imagery_run-{k}", **single) for k in (1, 2)]
            overall = {"r": r, "r_given_task": given, "p": 0.002, "p_given_task": p_given}
            scores.append(make_score(model, region, **overall))
    return tuple(scores)


def make_explanation(rng, model, *, by_region):
    if by_region:
        names = tuple(f"{region} {band}" for region in REGIONS for band in ("alpha", "beta"))
        bands, kernels = np.array([(8, 12), (12, 20)] * 2, dtype=float), None
    else:
        names = tuple(f"temporal {i} spatial {j}" for i in (1, 2) for j in (1, 2))
        bands = np.repeat([(8.0, 12.0), (12.0, 20.0)], 2, axis=0)
        kernels = np.repeat(rng.normal(size=(2, 10)), 2, axis=0)
    filters = SpatialFilters(
        names=names,
        weights=rng.normal(size=(4, N_CHANNELS)),
        domain="power" if by_region else "amplitude",
        bands=bands,
        kernels=kernels,
        kernel_sfreq=SFREQ,
    )
    return Explanation(
        model=model,
        filters=filters,
        patterns=rng.uniform(-1, 1, size=(4, N_CHANNELS)),
        channel_names=tuple(f"E{k}" for k in range(N_CHANNELS)),
        positions=make_positions(),
        sfreq=SFREQ,
    )


def make_found(run):
    entities = Entities(subject="01", task="imagery", run=run)
    eeg, bold = Path(f"sub-01/eeg/{entities}_eeg.vhdr"), Path(f"sub-01/func/{entities}_bold.nii.gz")
    paired = FoundRun(
        modality="eeg", path=eeg, entities=entities, status="paired", partner=bold, evidence=("markers",)
    )
    return (paired, replace(paired, modality="bold", path=bold, partner=eeg))


@pytest.fixture(scope="session")
def small_report():
    rng = np.random.default_rng(0)
    runs = [make_aligned(rng, run) for run in (1, 2)]
    alone = FoundRun(
        modality="eeg",
        path=Path("sub-01/eeg/sub-01_task-rest_eeg.vhdr"),
        entities=Entities(subject="01", task="rest"),
        status="unpaired",
        reason="no BOLD run of this task",
    )
    return ParticipantReport(
        participant="01",
        version="1.2.3",
        found_runs=(*make_found(1), *make_found(2), alone),
        runs=tuple(make_content(run, rng) for run in runs),
        predictions=make_predictions(rng, runs),
        scores=make_scores(),
        explanations=(
            make_explanation(rng, "ridge", by_region=True),
            make_explanation(rng, "eegnet", by_region=False),
        ),
        cv_unit="run",
        cv_text="2 folds.",
        settings_text="random_seed = 0",
        methods_text="First paragraph.\n\nHaufe 2014, doi:10.1016/j.neuroimage.2013.10.067.",
    )
