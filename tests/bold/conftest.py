"""A head in the scanner, small enough for tests."""

from __future__ import annotations

import numpy as np
import pytest

from bids_eeg2fmri.bold.mutual_information import ClassMaps
from bids_eeg2fmri.bold.template import load_tissues
from bids_eeg2fmri.simulate.native_head import HeadModel, draw_head_place, load_head_model
from bids_eeg2fmri.simulate.native_scan import NativeHead


@pytest.fixture(scope="session")
def head_model() -> HeadModel:
    return load_head_model()


@pytest.fixture(scope="session")
def tissues() -> ClassMaps:
    return load_tissues()


@pytest.fixture(scope="session")
def small_head(head_model: HeadModel) -> NativeHead:
    """A head in 32 x 38 x 26 voxels of 6 mm."""
    place = draw_head_place(np.random.default_rng(5))
    return NativeHead(model=head_model, to_template=place, shape=(32, 38, 26), size=(6.0, 6.0, 6.0))
