import numpy as np
import pandas as pd
from nilearn.interfaces.fmriprep import load_confounds

IMAGE = (
    "derivatives/fmriprep/sub-01/func/"
    "sub-01_task-imagery_run-1_space-MNI152NLin2009cAsym_desc-preproc_bold.nii.gz"
)
TABLE = "derivatives/fmriprep/sub-01/func/sub-01_task-imagery_run-1_desc-confounds_timeseries.tsv"


def test_nilearn_finds_and_reads_them(tiny):
    confounds, _ = load_confounds(
        str(tiny / IMAGE),
        strategy=("motion", "high_pass", "wm_csf", "global_signal"),
        motion="full",
        wm_csf="full",
        global_signal="full",
    )
    assert confounds.shape == (40, 24 + 8 + 4 + 1)
    assert np.isfinite(confounds.to_numpy()).all()


def test_what_has_no_first_value_is_n_a(tiny):
    table = pd.read_csv(tiny / TABLE, sep="\t")
    undefined = table.columns[table.isna().any()]
    assert set(undefined) == {
        name
        for name in table
        if "derivative1" in name or name in {"dvars", "std_dvars", "framewise_displacement"}
    }
    assert table.isna().sum().max() == 1
    assert np.allclose(table["trans_x_power2"], table["trans_x"] ** 2, atol=1e-6)
