import gzip

import nibabel as nib
import numpy as np
import pandas as pd

from bids_eeg2fmri.simulate.files import MNI, write_nifti, write_table


def test_nifti_is_read_back_and_carries_no_name_nor_time(tmp_path, rng):
    data = rng.normal(500, 50, (4, 5, 6, 3)).astype(np.float32)
    affine = np.diag([6.0, 6, 6, 1])
    for name in ("a.nii.gz", "b.nii.gz"):
        write_nifti(tmp_path / name, data, affine, space=MNI, slope=0.1, tr=2.5)
    image = nib.load(tmp_path / "a.nii.gz")
    assert np.allclose(image.get_fdata(), data, atol=0.051)
    assert image.get_data_dtype() == np.int16
    assert image.header.get_zooms()[3] == 2.5
    assert int(image.header["sform_code"]) == 4
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()
    assert len(gzip.decompress((tmp_path / "a.nii.gz").read_bytes())) == 352 + data.size * 2


def test_missing_values_are_n_a(tmp_path):
    write_table(tmp_path / "t.tsv", pd.DataFrame({"a": [np.nan, 0.5], "b": ["x", None]}))
    assert (tmp_path / "t.tsv").read_bytes() == b"a\tb\nn/a\tx\n0.5\tn/a\n"
