"""Writing the dataset's files so that the same content gives the same bytes."""

from __future__ import annotations

import gzip
import warnings
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pybv import write_brainvision

from bids_eeg2fmri.formats.atomic import whole_file, write_text
from bids_eeg2fmri.records import Floats
from bids_eeg2fmri.simulate.design import SFREQ

#: Nothing was recorded on this day; it is the same in every dataset.
RECORDING_DATE = datetime(2000, 1, 1)
#: Microvolts per bit of the EEG: the range of 16 bits is then 3.3 mV, more than any drift.
EEG_RESOLUTION = 0.1
SCANNER, MNI = 1, 4  # NIfTI codes of the space an image is in


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a tab-separated table; what is missing is ``n/a``."""
    text = table.to_csv(sep="\t", index=False, na_rep="n/a", float_format="%.7g", lineterminator="\n")
    write_text(path, text)


def write_nifti(
    path: Path, data: NDArray[Any], affine: Floats, *, space: int, slope: float = 1.0, tr: float | None = None
) -> None:
    """Write a compressed NIfTI image of integers (``data`` over ``slope``, rounded).

    Parameters
    ----------
    data : array, shape (n_x, n_y, n_z) or (n_x, n_y, n_z, n_volumes)
    affine : array, shape (4, 4)
        Voxels to mm.
    space : int
        NIfTI code of the space.
    tr : float or None
        Seconds between volumes.
    """
    stored = np.round(data / slope) if slope != 1 else data
    dtype = np.dtype(np.uint8 if data.dtype == bool else "<i2")
    header: Any = nib.Nifti1Header(endianness="<")  # type: ignore[no-untyped-call]
    header.set_data_dtype(dtype)
    header.set_data_shape(data.shape)
    header.set_qform(affine, code=space)
    header.set_sform(affine, code=space)
    header.set_xyzt_units("mm", "sec")
    if tr is not None:
        header["pixdim"][4] = tr
    header["scl_slope"], header["scl_inter"], header["vox_offset"] = slope, 0, 352
    # Neither a name nor a time in the gzip header, or the bytes would differ from run to run. Noise hardly
    # compresses better at higher levels, which take longer.
    with (
        whole_file(path) as part,
        part.open("wb") as file,
        gzip.GzipFile("", "wb", compresslevel=1, fileobj=file, mtime=0) as packed,
    ):
        packed.write(header.binaryblock + bytes(4))  # no extensions
        packed.write(stored.astype(dtype).tobytes("F"))


def write_eeg(
    folder: Path,
    stem: str,
    data: Floats,
    *,
    names: Sequence[str],
    markers: Sequence[tuple[int, str, int]],
    sfreq: float = SFREQ,
) -> None:
    """Write a BrainVision recording.

    Parameters
    ----------
    data : array, shape (n_channels, n_times)
        Microvolts.
    markers : sequence of (sample, type, number)
        ``(0, "Response", 128)`` is written as ``R128``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    events = [
        {"onset": sample, "duration": 1, "type": kind, "description": number, "channels": "all"}
        for sample, kind, number in sorted(markers)
    ]
    with warnings.catch_warnings():
        # pybv says that microvolts may be spelt two ways.
        warnings.filterwarnings("ignore", module="pybv")
        write_brainvision(
            data=data * 1e-6,
            sfreq=sfreq,
            ch_names=list(names),
            fname_base=stem,
            folder_out=str(folder),
            events=events,
            resolution=EEG_RESOLUTION,
            unit="µV",
            fmt="binary_int16",
            meas_date=RECORDING_DATE,
        )
