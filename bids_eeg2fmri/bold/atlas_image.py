"""Regions from an image in template space: labels or a mask (3D), or one map of weights per region (4D)."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects, map_coordinates
from scipy.sparse import csr_array, vstack

from bids_eeg2fmri.bold.grid import Grid, GridRegions, weigh_labels
from bids_eeg2fmri.errors import BadDataError, printable
from bids_eeg2fmri.formats.model_limits import MOST_REGIONS
from bids_eeg2fmri.formats.nifti import iterate_volumes, read_image_header, read_volume
from bids_eeg2fmri.formats.table import numbers, read_table

_logger = logging.getLogger(__name__)

#: An image with more values than this shows intensities: the finest atlases have about 1,000 labels.
_MOST_LABELS = MOST_REGIONS
#: Weights are shares or percent.
_LARGEST_WEIGHT = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AtlasImage:
    """An image of regions, 3D or 4D, and the names of its labels (or maps, counted from 1) where known."""

    path: Path
    n_dimensions: int
    names: Mapping[int, str] = field(default_factory=dict)

    @property
    def stem(self) -> str:
        """The file's name without its endings."""
        return self.path.name.removesuffix(".gz").removesuffix(".nii")


def is_image(path: Path) -> bool:
    """Whether a file is a NIfTI image by its name."""
    return path.name.endswith((".nii", ".nii.gz"))


def names_table(path: Path) -> Path:
    """Return where the names of an image's regions are: the TSV of the same name beside it."""
    return path.with_name(path.name.removesuffix(".gz").removesuffix(".nii") + ".tsv")


def read_atlas_image(path: Path) -> AtlasImage:
    """Read the header of an atlas, and its names from a TSV of the same name beside it.

    The table has the columns ``index`` and ``name``, as BIDS has it for segmentations. For a 4D image it has
    one row per map, in order.

    Raises
    ------
    MissingInputError
        If the content of the image is not here.
    BadDataError
        If the image is neither 3D nor 4D, or the table does not name its regions.
    """
    shape = read_image_header(path).shape
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) == 4 and shape[3] > _MOST_LABELS:
        raise BadDataError(
            f"{path} has {shape[3]} maps; at most {_MOST_LABELS} regions are taken. Give fewer."
        )
    if len(shape) not in (3, 4):
        raise BadDataError(
            f"{path} is {len(shape)}D. Regions are a 3D image of labels or a 4D image with a map per region."
        )
    table = names_table(path)
    names = _read_names(table) if table.is_file() else {}
    if len(shape) == 4 and names:
        if len(names) != shape[3]:
            raise BadDataError(f"{table} names {len(names)} regions but {path.name} has {shape[3]} maps.")
        names = dict(enumerate(names.values(), start=1))
    return AtlasImage(path=path, n_dimensions=len(shape), names=names)


def _read_names(path: Path) -> dict[int, str]:
    """Read the table beside an atlas: label to name, in the order of the rows."""
    table = read_table(path)
    missing = [column for column in ("index", "name") if column not in table]
    if missing or table.empty:
        raise BadDataError(f"{path} does not name labels: it needs rows and the columns index and name.")
    indices = numbers(table, "index", path)
    if not np.all(np.isfinite(indices) & (indices == np.rint(indices))) or table["name"].isna().any():
        raise BadDataError(f"{path} lacks an index (a whole number) or a name. Give both in every row.")
    names = {int(i): printable(str(name)) for i, name in zip(indices, table["name"], strict=True)}
    if len(names) < len(indices) or len(set(names.values())) < len(names):
        raise BadDataError(f"{path} names a label or a region twice. Give every region a name of its own.")
    return names


def place_image(image: AtlasImage, grid: Grid) -> GridRegions:
    """Return the regions of an image on the grid of the data, inside its brain mask.

    Labels and masks are resampled to the nearest voxel, maps of weights linearly.

    Raises
    ------
    BadDataError
        If the image is in a space of its own, does not overlap the data, or holds what no regions are.
    """
    _check_space(image, grid)
    regions = _place_maps(image, grid) if image.n_dimensions == 4 else _place_labels(image, grid)
    if len(set(regions.names)) < len(regions.names):
        raise BadDataError(f"Two regions of {image.path} have one name. Give every region a name of its own.")
    return regions


def _check_space(image: AtlasImage, grid: Grid) -> None:
    """Refuse an atlas that says it is in a native space; warn if it is in another template than the data."""
    said = re.search(r"(?:^|_)(?:space|tpl)-([A-Za-z0-9]+)", image.stem)
    if said is None or not grid.space or said[1] == grid.space:
        return
    if not (said[1].startswith("MNI") and grid.space.startswith("MNI")):
        raise BadDataError(
            f"{image.path} is in the space {said[1]} but the BOLD is in {grid.space}. "
            f"Give the regions in {grid.space}."
        )
    _logger.warning(
        "%s is in %s, the BOLD in %s: both are MNI, but a few mm apart", image.path, said[1], grid.space
    )


def _place_labels(image: AtlasImage, grid: Grid) -> GridRegions:
    """Return the regions of a 3D image."""
    labels = next(_read_maps(image))
    if np.any(labels != np.rint(labels)):
        raise BadDataError(
            f"{image.path} is 3D but holds values that are not whole numbers. A 3D image holds labels, or 0 "
            "and 1; weights are a 4D image with one map per region."
        )
    values = np.unique(labels).astype(np.int64)
    if values[0] < 0 or len(values) > _MOST_LABELS:
        raise BadDataError(
            f"{image.path} holds {len(values)} values from {values[0]} to {values[-1]}, which are no labels. "
            "Labels are whole numbers above 0, and 0 outside the regions."
        )
    values = values[values > 0]
    if not len(values):
        raise BadDataError(f"{image.path} has no labels: all of it is 0.")
    resampled = _sample(labels, _locate_brain(image, grid), order=0)
    if not np.any(resampled):
        raise _no_overlap(image)
    on_grid = np.zeros(grid.shape, dtype=np.int32)
    on_grid[grid.mask] = np.where(resampled > 0, np.searchsorted(values, resampled) + 1, 0)
    is_mask = values.tolist() == [1]
    unnamed = [v for v in values.tolist() if v not in image.names]
    if image.names and unnamed:
        shown = ", ".join(map(str, unnamed[:5])) + (" ..." if len(unnamed) > 5 else "")
        _logger.warning(
            "%s does not name the labels %s: they are called label_N", names_table(image.path), shown
        )
    names = tuple(image.names.get(v, image.stem if is_mask else f"label_{v}") for v in values.tolist())
    return GridRegions(
        names=names,
        places=tuple(f"{name} (label {value})" for name, value in zip(names, values, strict=True)),
        weights=weigh_labels(on_grid, len(values)),
        description=f"{'the mask' if is_mask else 'labels of'} {image.path.name}, cut by the brain mask",
    )


def _place_maps(image: AtlasImage, grid: Grid) -> GridRegions:
    """Return the regions of a 4D image; one map is in memory at a time."""
    rows = []
    brain = np.flatnonzero(grid.mask)
    places = _locate_brain(image, grid)
    for one_map in _read_maps(image):
        if one_map.min() < 0 or one_map.max() > _LARGEST_WEIGHT:
            raise BadDataError(
                f"{image.path} is 4D but holds values from {one_map.min():g} to {one_map.max():g}. A 4D "
                "image holds one map of weights (0 to 1, or percent) per region; labels are a 3D image."
            )
        weights = _sample(one_map, places, order=1).astype(np.float64)
        some = np.flatnonzero(weights)
        rows.append(csr_array((weights[some], brain[some], [0, len(some)]), shape=(1, grid.mask.size)))
    if not any(row.nnz for row in rows):
        raise _no_overlap(image)
    names = tuple(image.names.get(k, f"map_{k}") for k in range(1, len(rows) + 1))
    return GridRegions(
        names=names,
        places=tuple(f"{name} (map {k})" for k, name in enumerate(names, start=1)),
        weights=csr_array(vstack(rows, format="csr")),
        description=f"the maps of {image.path.name} as weights, cut by the brain mask",
    )


def _read_maps(image: AtlasImage) -> Iterator[NDArray[np.float32]]:
    """Yield the only volume of a 3D image, or each of a 4D one."""
    is_plain = len(read_image_header(image.path).shape) == 3
    blocks = [read_volume(image.path)[..., None]] if is_plain else iterate_volumes(image.path)
    for block in blocks:
        if not np.all(np.isfinite(block)):
            raise BadDataError(f"{image.path} holds values that are not finite (NaN). Put 0 outside regions.")
        volumes = block.reshape(*block.shape[:3], -1)
        for k in range(volumes.shape[3]):
            yield volumes[..., k]


def _locate_brain(image: AtlasImage, grid: Grid) -> NDArray[np.float64]:
    """Return where the voxels of the brain mask lie in an image, (3, n_voxels), in voxels of the image."""
    to_image = np.linalg.inv(read_image_header(image.path).affine) @ grid.affine
    return np.asarray(to_image[:3, :3] @ np.stack(np.nonzero(grid.mask)) + to_image[:3, 3:], dtype=np.float64)


def _sample(volume: NDArray[np.float32], places: NDArray[np.float64], *, order: int) -> NDArray[np.float32]:
    """Return the values (n_places,) of a volume, 0 outside; order 0 is the nearest voxel, 1 linear.

    Only places around the box of what is not 0 are looked at: a map of one region is mostly empty.
    """
    values = np.zeros(places.shape[1], dtype=np.float32)
    (box,) = find_objects((volume != 0).astype(np.int8), max_label=1)
    if box is None:
        return values
    near = np.ones(len(values), dtype=bool)
    for axis, part in enumerate(box):
        near &= (places[axis] > part.start - 1) & (places[axis] < part.stop)
    values[near] = map_coordinates(
        np.ascontiguousarray(volume), places[:, near], order=order, mode="grid-constant", cval=0.0
    )
    return values


def _no_overlap(image: AtlasImage) -> BadDataError:
    """Return the error of an atlas that lies elsewhere."""
    return BadDataError(
        f"{image.path} does not overlap the BOLD: none of its regions lies in the brain mask of the data. "
        "Check the space of the regions, and that the image's affine is that of its space."
    )
