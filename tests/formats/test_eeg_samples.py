from __future__ import annotations

import mne
import numpy as np
import pytest
from pybv import write_brainvision

from bids_eeg2fmri.formats.eeg_samples import open_samples


@pytest.fixture
def volts():
    return np.random.default_rng(0).normal(0, 1e-4, (4, 2000))


def opened(folder, volts, **options):
    write_brainvision(
        data=volts, sfreq=1000, ch_names=list("abcd"), fname_base="x", folder_out=str(folder), **options
    )
    return mne.io.read_raw_brainvision(folder / "x.vhdr", verbose="error")


@pytest.mark.parametrize("fmt", ["binary_int16", "binary_float32"])
@pytest.mark.parametrize("picks", [[0, 1, 2, 3], [3, 1]])
def test_samples_are_those_of_mne_in_microvolts(tmp_path, volts, fmt, picks):
    raw = opened(tmp_path, volts, fmt=fmt, resolution=0.1)
    samples = open_samples(raw, picks)
    assert samples.n_times == 2000
    read = samples.read(500, 700)
    assert read.dtype == np.float32
    np.testing.assert_allclose(read, 1e6 * raw.get_data(picks=picks)[:, 500:700].T, atol=1e-3)


def test_sixteen_bits_have_a_limit_and_floats_none(tmp_path, volts):
    raw = opened(tmp_path, volts, fmt="binary_int16", resolution=0.1)
    np.testing.assert_allclose(open_samples(raw, [0]).limits, 3276.7, rtol=1e-4)
    loaded = mne.io.RawArray(volts, raw.info, verbose="error")
    assert np.isinf(open_samples(loaded, [0]).limits).all()


def test_a_file_that_mne_reads_otherwise_is_left_to_mne(tmp_path, volts):
    raw = opened(tmp_path, volts, fmt="binary_int16", resolution=0.1)
    cropped = raw.copy().crop(0.5, None, verbose="error")
    read = open_samples(cropped, [0, 1]).read(0, 100)
    np.testing.assert_allclose(read, 1e6 * raw.get_data(picks=[0, 1])[:, 500:600].T, atol=1e-3)
