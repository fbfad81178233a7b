"""Write what fMRIPrep would have made of a run, under the names it uses."""

from __future__ import annotations

from pathlib import Path

from bids_eeg2fmri.formats.json_file import write_json
from bids_eeg2fmri.records import Entities
from bids_eeg2fmri.simulate.brain import Brain
from bids_eeg2fmri.simulate.confounds import describe_confounds, tabulate_confounds
from bids_eeg2fmri.simulate.descriptions import SPACE, TASK
from bids_eeg2fmri.simulate.files import MNI, write_nifti, write_table
from bids_eeg2fmri.simulate.layout import folder_of
from bids_eeg2fmri.simulate.run import SimulatedRun

#: Units of the image per integer: about 0.01 percent of the mean.
RESOLUTION = 0.1


def write_preprocessed(out: Path, entities: Entities, run: SimulatedRun, brain: Brain) -> None:
    """Write the preprocessed image, its mask and the confounds, each with a sidecar."""
    folder, name, tr = folder_of(out, entities, "func"), str(entities), run.clock.tr
    source = folder_of(Path(), entities, "func") / f"{name}_bold.nii.gz"
    sources = {"Sources": [f"bids:raw:{source.as_posix()}"]}

    image = f"{name}_space-{SPACE}_desc-preproc_bold"
    write_nifti(
        folder / f"{image}.nii.gz", run.bold.preprocessed, brain.affine, space=MNI, slope=RESOLUTION, tr=tr
    )
    # fMRIPrep moves every slice to the middle of the volume: StartTime says so.
    timing = {"RepetitionTime": tr, "StartTime": tr / 2, "SliceTimingCorrected": True}
    write_json(folder / f"{image}.json", {"TaskName": TASK, "SkullStripped": True, **timing, **sources})

    mask = f"{name}_space-{SPACE}_desc-brain_mask"
    write_nifti(folder / f"{mask}.nii.gz", brain.mask, brain.affine, space=MNI)
    write_json(folder / f"{mask}.json", {"Type": "Brain", **sources})

    confounds = tabulate_confounds(run.bold, run.motion, brain=brain, tr=tr)
    stem = f"{name}_desc-confounds_timeseries"
    write_table(folder / f"{stem}.tsv", confounds)
    sidecar = {"SamplingFrequency": 1 / tr, "StartTime": tr / 2}
    write_json(folder / f"{stem}.json", sidecar | describe_confounds(list(confounds.columns)))
