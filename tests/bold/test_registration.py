"""A shifted, turned and scaled head is found in the template."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bids_eeg2fmri.bold.affine_search import affine_matrix
from bids_eeg2fmri.bold.brain_mask import find_brain_mask
from bids_eeg2fmri.bold.image import Image
from bids_eeg2fmri.bold.mutual_information import ClassMaps, Sample, bin_intensities, measure_information
from bids_eeg2fmri.bold.registration import place_bold, place_bold_through_anatomy
from bids_eeg2fmri.bold.rigid import move
from bids_eeg2fmri.simulate.brain import read_regions
from bids_eeg2fmri.simulate.native_head import draw_head_place
from bids_eeg2fmri.simulate.native_scan import NativeHead, scan_anatomy, scan_native


def scan_once(head: NativeHead) -> tuple[Image, np.ndarray]:
    raw = scan_native(
        np.zeros((5, 12)),
        np.arange(5.0),
        np.zeros((1, 6)),
        head=head,
        tr=2.0,
        noise=0.0,
        rng=np.random.default_rng(0),
    )
    image = Image(volume=raw[..., 0].astype(np.float32), affine=head.bold_affine)
    return image, find_brain_mask(image, "it")


@pytest.fixture(scope="module")
def head(small_head: NativeHead) -> NativeHead:
    """The same in 40 x 46 x 32 voxels of 5 mm: registration needs the finer ones."""
    return replace(small_head, shape=(40, 46, 32), size=(5.0, 5.0, 5.0))


def distance(matrix: np.ndarray, head: NativeHead) -> np.ndarray:
    """Return how far the motor regions are from where they should be, mm."""
    centres = read_regions()[1].T
    return np.linalg.norm(move(matrix, move(np.linalg.inv(head.to_template), centres)) - centres, axis=0)


def test_the_motor_regions_are_found(head: NativeHead, tissues: ClassMaps) -> None:
    place = place_bold(*scan_once(head), tissues)
    assert distance(np.eye(4), head).max() > 8
    assert distance(place.matrix, head).max() < 2
    assert place.overlap > 0.9


def test_they_are_found_through_the_anatomy(head: NativeHead, tissues: ClassMaps) -> None:
    head = replace(head, to_template=draw_head_place(np.random.default_rng(8)))
    volume, affine = scan_anatomy(head, np.random.default_rng(0))
    anatomy = Image(volume=volume.astype(np.float32), affine=affine)
    place = place_bold_through_anatomy(*scan_once(head), anatomy, tissues)
    assert distance(place.matrix, head).max() < 2
    assert "T1w" in place.words


def test_the_gradient_of_the_information_is_right(tissues: ClassMaps) -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform(-50, 50, (3, 500))
    sample = Sample(points=points, bins=bin_intensities(rng.normal(size=500).astype(np.float32)))
    classes = tissues.smooth(8.0)
    matrix = affine_matrix(np.array([3.0, 5, -4, 0.1, 0, 0.05, 0.1, 0.1, 0, 0.02, 0, 0]), np.zeros(3))
    _, gradient = measure_information(sample, classes, matrix)
    for row, column in ((0, 3), (1, 0), (2, 2)):
        step = np.zeros((4, 4))
        step[row, column] = 1e-4 if column == 3 else 1e-6
        change = measure_information(sample, classes, matrix + step)[0]
        change -= measure_information(sample, classes, matrix - step)[0]
        assert change / (2 * step[row, column]) == pytest.approx(gradient[row, column], rel=0.02, abs=1e-6)
