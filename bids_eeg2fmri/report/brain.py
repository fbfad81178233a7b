"""Figure: r of each region painted on a glass brain."""

from __future__ import annotations

from collections.abc import Mapping

import nibabel as nib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from nilearn.plotting import plot_glass_brain
from numpy.typing import NDArray

from bids_eeg2fmri.records import Floats

#: A scale finer than this (r) would make noise look like something.
_SMALLEST_SCALE = 0.1


def draw_brains(maps: Mapping[str, NDArray[np.float32]], affine: Floats) -> Figure:
    """Draw one glass brain per model, all with one scale: left, back and top view.

    Parameters
    ----------
    maps : mapping of model to array, shape (n_x, n_y, n_z)
        r in the voxels of regions, 0 elsewhere.
    affine : array, shape (4, 4)
        Voxel to millimetres of MNI space.
    """
    figure = Figure(figsize=(11, 3.0 * len(maps)))
    limit = max(_SMALLEST_SCALE, *(float(np.abs(image).max()) for image in maps.values()))
    height = 1 / len(maps)
    for k, (model, image) in enumerate(maps.items()):
        bottom = 1 - (k + 1) * height
        ax = figure.add_axes((0.0, bottom + 0.02 * height, 1.0, 0.84 * height))
        plot_glass_brain(
            nib.Nifti1Image(np.asarray(image, dtype=np.float32), affine),  # type: ignore[no-untyped-call]
            figure=figure,
            axes=ax,
            display_mode="ortho",
            colorbar=True,
            cmap="RdBu_r",
            vmin=-limit,
            vmax=limit,
            plot_abs=False,
            # What was not measured is no colour at all.
            threshold=np.finfo(np.float32).tiny,
        )
        figure.text(0.01, bottom + 0.9 * height, model, fontsize=11, fontweight="bold")
    for panel in figure.axes:
        _join_outlines(panel)
    return figure


def _join_outlines(ax: Axes) -> None:
    """Make one patch of all that look the same: a brain has hundreds, which makes a large file."""
    outlines = [patch for patch in ax.patches if isinstance(patch, PathPatch)]
    by_look: dict[tuple[object, float], list[PathPatch]] = {}
    for patch in outlines:
        by_look.setdefault((patch.get_edgecolor(), patch.get_linewidth()), []).append(patch)
    for patches in by_look.values():
        paths = [(patch.get_transform() - ax.transData).transform_path(patch.get_path()) for patch in patches]
        joined = PathPatch(Path.make_compound_path(*paths))
        joined.update_from(patches[0])
        joined.set_transform(ax.transData)
        for patch in patches:
            patch.remove()
        ax.add_patch(joined)
