"""The cortical parcellation of Schaefer et al. 2018, from nilearn's cache or the net."""

from __future__ import annotations

import logging
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

from nilearn.datasets import get_data_dirs

from bids_eeg2fmri.bold.atlas_image import AtlasImage
from bids_eeg2fmri.errors import BadDataError, MissingInputError, OutputError
from bids_eeg2fmri.formats.atomic import whole_file

_logger = logging.getLogger(__name__)

#: The release that nilearn takes; earlier ones have wrong names.
_SOURCE = (
    "https://raw.githubusercontent.com/ThomasYeoLab/CBIG/v0.14.3-Update_Yeo2011_Schaefer2018_labelname/"
    "stable_projects/brain_parcellation/Schaefer2018_LocalGlobal/Parcellations/MNI/"
)
#: Folder below nilearn's data folders.
_FOLDER = "schaefer_2018"
#: Seconds without an answer after which the net is given up.
_TIMEOUT = 10.0
#: Bytes; the finest of the images has less than one megabyte.
_LARGEST = 64 * 2**20


def schaefer(n_regions: int) -> AtlasImage:
    """Return the parcellation into ``n_regions`` (100 to 1000 in steps of 100), named by the 7 networks.

    Schaefer et al. 2018 (10.1093/cercor/bhx179), in the space MNI152NLin6Asym.
    The files are looked for where nilearn keeps them (``NILEARN_DATA``, ``~/nilearn_data``) and downloaded
    there if they are not; a download appears whole or not at all, so that jobs side by side do no harm.

    Raises
    ------
    MissingInputError
        If they are neither there nor can be downloaded.
    """
    table = f"Schaefer2018_{n_regions}Parcels_7Networks_order.txt"
    images = [
        f"Schaefer2018_{n_regions}Parcels_7Networks_order_FSLMNI152_{resolution}mm.nii.gz"
        for resolution in (2, 1)
    ]
    folders = [Path(folder) / _FOLDER for folder in get_data_dirs()]
    for folder in folders:
        for image in images:
            if (folder / image).is_file() and (folder / table).is_file():
                return _describe(folder / image, folder / table)
    try:
        for name in (table, images[0]):
            _download(_SOURCE + name, folders[0] / name)
    except (OSError, HTTPException) as error:
        reason = (
            str(error) if isinstance(error, OutputError) else f"the download from GitHub failed ({error})"
        )
        raise MissingInputError(
            f"The atlas schaefer:{n_regions} is not in {' or '.join(map(str, folders))}, and {reason}. "
            "Either give the atlas as a file (--regions FILE.nii.gz), or set NILEARN_DATA to a folder that "
            f"holds {_FOLDER}/{images[0]} and {table}."
        ) from None
    return _describe(folders[0] / images[0], folders[0] / table)


def _download(url: str, path: Path) -> None:
    """Download a file, whole or not at all."""
    if path.is_file():
        return
    _logger.info("downloading %s", url)
    with urlopen(url, timeout=_TIMEOUT) as answer:  # noqa: S310  (the scheme is https, above)
        content = answer.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise OSError(f"more than {_LARGEST} bytes came")
    with whole_file(path) as part:
        part.write_bytes(content)


def _describe(image: Path, table: Path) -> AtlasImage:
    """Return the atlas with the names of its table: label, name and colour, without a header."""
    names = {}
    for line in table.read_text(encoding="utf-8").splitlines():
        label, _, rest = line.partition("\t")
        if not label.strip().isdigit() or not rest:
            raise BadDataError(f"{table} is not the table of the atlas. Remove it and its folder.")
        names[int(label)] = rest.partition("\t")[0].removeprefix("7Networks_")
    return AtlasImage(path=image, n_dimensions=3, names=names)
