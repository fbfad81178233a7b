"""NIfTI images: headers checked before any voxel is read, volumes read block by block."""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.formats.atomic import whole_file
from bids_eeg2fmri.formats.content import check_content
from bids_eeg2fmri.formats.nifti_limits import check_nifti

#: Volumes read at once: 16 volumes at 2 mm are 58 MB in float32; of finer images fewer.
_BLOCK, _BLOCK_VOXELS = 16, 2**27
#: mm^3; anything smaller is no volume.
_SMALLEST_VOXEL = 1e-9
#: What nibabel raises for damaged files.
_UNREADABLE = (
    ImageFileError,
    HeaderDataError,
    OSError,
    EOFError,
    zlib.error,
    ValueError,
    TypeError,
    KeyError,
    OverflowError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageHeader:
    """Shape, voxel-to-mm affine (4, 4) and repetition time (s; 0 where the header has none) of an image."""

    shape: tuple[int, ...]
    affine: NDArray[np.float64]
    tr: float


def read_image_header(path: Path) -> ImageHeader:
    """Read the header of an image and check that the file is as long as it says.

    Raises
    ------
    MissingInputError
        If the content is not here.
    BadDataError
        If the file is no NIfTI image or is cut short.
    """
    check_content(path)
    check_nifti(path)
    try:
        image: Any = nib.load(path)
        zooms = image.header.get_zooms()
        shape = tuple(int(n) for n in image.shape)
        expected = (
            int(image.dataobj.offset) + int(np.prod(shape, dtype=object)) * image.get_data_dtype().itemsize
        )
        affine = np.asarray(image.affine, dtype=np.float64)
        time_unit = image.header.get_xyzt_units()[1]
    except _UNREADABLE as error:
        raise BadDataError(f"{path} cannot be read as NIfTI ({error}). Fetch or make it again.") from None
    if not np.all(np.isfinite(affine)) or not abs(np.linalg.det(affine[:3, :3])) > _SMALLEST_VOXEL:
        raise BadDataError(
            f"{path} does not say where its voxels are: its affine is {affine[:3].round(3).tolist()}. Make "
            "it again."
        )
    if _length(path, expected) < expected:
        raise BadDataError(
            f"{path} is cut short: its header announces {shape} voxels ({expected} bytes), fewer are there. "
            "Fetch or make it again."
        )
    scale = {"msec": 1e-3, "usec": 1e-6}.get(time_unit, 1.0)
    return ImageHeader(shape=shape, affine=affine, tr=float(zooms[3]) * scale if len(zooms) > 3 else 0.0)


def iterate_volumes(path: Path) -> Iterator[NDArray[np.float32]]:
    """Yield blocks (n_x, n_y, n_z, n_block) of a 4D image in order, each voxel read once.

    Its header has been read before, and refused if it cannot be right.

    Raises
    ------
    BadDataError
        If the file ends early or its compression is damaged.
    """
    try:
        # The file stays open, so that a compressed image is decompressed once and not once per block.
        image: Any = nib.load(path, keep_file_open=True)
        n_block = min(_BLOCK, max(1, _BLOCK_VOXELS // int(np.prod(image.shape[:3]))))
        for start in range(0, image.shape[3], n_block):
            yield np.asarray(image.dataobj[..., start : start + n_block], dtype=np.float32)
    except _UNREADABLE as error:
        raise BadDataError(f"{path} is damaged or cut short ({error}). Fetch or make it again.") from None


def read_volume(path: Path) -> NDArray[np.float32]:
    """Read a 3D image, (n_x, n_y, n_z).

    Raises
    ------
    BadDataError
        If it is damaged or not 3D.
    """
    header = read_image_header(path)
    if len(header.shape) != 3:
        raise BadDataError(f"{path} is {len(header.shape)}D; a 3D image is needed.")
    try:
        image: Any = nib.load(path)
        return np.asarray(image.dataobj, dtype=np.float32)
    except _UNREADABLE as error:
        raise BadDataError(f"{path} is damaged or cut short ({error}). Fetch or make it again.") from None


def write_volume(
    path: Path, data: NDArray[np.int32] | NDArray[np.float32], affine: NDArray[np.float64]
) -> None:
    """Write a 3D image as NIfTI in MNI coordinates; the same data give the same bytes."""
    image: Any = nib.Nifti1Image(data, affine)  # type: ignore[no-untyped-call]
    image.header.set_xyzt_units("mm")
    image.set_sform(affine, code="mni")
    # A qform has no shears: an image that an affine registration placed has none.
    is_sheared = not np.allclose(image.get_qform(coded=False), affine, atol=1e-3)
    image.set_qform(affine, code="unknown" if is_sheared else "mni")
    with whole_file(path) as part:
        # No time and no name in the gzip header.
        part.write_bytes(gzip.compress(image.to_bytes(), mtime=0))


def _length(path: Path, expected: int) -> int:
    """Return how many bytes an image holds, uncompressed.

    A gzip file ends with its uncompressed length modulo 2**32. Where that does not fit (the file was cut, or
    has several members), the file is read through to be sure.
    """
    if path.suffix != ".gz":
        return path.stat().st_size
    with path.open("rb") as file:
        file.seek(-4, 2)
        (tail,) = struct.unpack("<I", file.read(4))
    if tail == expected % 2**32:
        return expected
    n_bytes = 0
    try:
        with gzip.open(path) as stream:
            while n_bytes < expected and (block := stream.read(1 << 22)):
                n_bytes += len(block)
    except (OSError, EOFError, zlib.error):
        return n_bytes
    return n_bytes
