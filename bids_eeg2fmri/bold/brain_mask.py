"""The brain in a mean BOLD image."""

from __future__ import annotations

import warnings

import nibabel as nib
import numpy as np
from nilearn.masking import compute_epi_mask
from numpy.typing import NDArray

from bids_eeg2fmri.bold.image import Image
from bids_eeg2fmri.errors import BadDataError

#: Litres of brain in the field of view; less or more is no brain. Slabs over the motor cortex hold a fifth.
_LEAST, _MOST = 0.15, 2.5


def find_brain_mask(image: Image, name: str) -> NDArray[np.bool_]:
    """Return the mask (n_x, n_y, n_z) of the brain; ``name`` is the image's in messages.

    Nilearn's: the threshold in the valley between the intensities of air and of brain.

    Raises
    ------
    BadDataError
        If nothing of the size of a brain is found.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it warns of is an error here
        found = compute_epi_mask(nib.Nifti1Image(image.volume, image.affine))  # type: ignore[no-untyped-call]
    mask = np.asarray(found.dataobj) > 0
    litres = float(mask.sum() * np.prod(image.sizes)) / 1e6
    if not _LEAST <= litres <= _MOST:
        raise BadDataError(
            f"No brain was found in {name}: what stands out is {litres:.2f} l large. Check the image; "
            "minimal preprocessing needs raw BOLD of most of the brain. fMRIPrep may do better."
        )
    return mask
