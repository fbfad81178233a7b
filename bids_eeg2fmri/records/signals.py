"""What was read and cleaned: the clock of the volumes, EEG, and the BOLD of regions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.records.shapes import Floats, check_shape


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeClock:
    """The onset of every stored BOLD volume on the EEG's clock.

    Attributes
    ----------
    onsets : array, shape (n_volumes,)
        Seconds after the first EEG sample.
    source : str
        Where the onsets come from, in words.
    jitter : float
        Root mean square distance of the markers from a regular grid, s.
    drift : float
        How much faster the BOLD clock runs than the EEG's, parts per million.
    uncertainty : float
        How far the onsets may be from the truth, s; NaN where it is not known.
    marker : str
        The description of the markers, empty where none were used.
    n_dummies, n_filled, n_dropped : int
        Volumes before the first stored one, stored volumes whose marker was missing, spurious markers.
    residuals : array, shape (n_volumes,), or None
        Marker minus regular grid, s, NaN where the marker was missing; None where none were used.
    """

    onsets: Floats
    source: str
    jitter: float
    drift: float
    uncertainty: float = float("nan")
    marker: str = ""
    n_dummies: int = 0
    n_filled: int = 0
    n_dropped: int = 0
    residuals: Floats | None = None

    def __post_init__(self) -> None:
        """Check that the onsets ascend."""
        check_shape(self, "onsets", (None,))
        if self.residuals is not None:
            check_shape(self, "residuals", (len(self.onsets),))
        if np.any(np.diff(self.onsets) <= 0):
            raise ValueError("VolumeClock.onsets: expected ascending onsets.")


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanEeg:
    """EEG of one run after cleaning.

    Attributes
    ----------
    data : array, shape (n_channels, n_times)
        float32 microvolts.
    sfreq : float
        Samples per second, Hz.
    channel_names : tuple of str
    positions : array, shape (n_channels, 3)
        Head coordinates in metres, NaN where unknown.
    steps : tuple of str
        What was done, in order, in words.
    quality : mapping
        Figures of quality by name.
    lookahead : float
        How far beyond a sample the cleaning looked, s: what a causal reader must subtract from its time.
    weights : array of float32, shape (n_times,), or None
        0 where the EEG could not be corrected, below 1 where a burst was clipped, else 1; None: all 1.
    nuisance : array of float32, shape (n_times, n_nuisance), or None
        Heart rate and what artefacts are left, per sample.
    spectrum : array, shape (3, n_frequencies), or None
        Frequency (Hz), power before and after the cleaning (µV²/Hz, median over channels).
    locked : array, shape (3, n_lags), or None
        Lag after the heartbeat (s), amplitude locked to it before and after its correction (µV).
    """

    data: NDArray[np.float32]
    sfreq: float
    channel_names: tuple[str, ...]
    positions: Floats
    steps: tuple[str, ...]
    quality: Mapping[str, float] = field(default_factory=dict)
    lookahead: float = 0.0
    weights: NDArray[np.float32] | None = None
    nuisance: NDArray[np.float32] | None = None
    nuisance_names: tuple[str, ...] = ()
    spectrum: Floats | None = None
    locked: Floats | None = None

    def __post_init__(self) -> None:
        """Check shapes."""
        check_shape(self, "data", (len(self.channel_names), None))
        check_shape(self, "positions", (len(self.channel_names), 3))
        n_times = self.data.shape[1]
        if self.weights is not None:
            check_shape(self, "weights", (n_times,))
        if self.nuisance is not None:
            check_shape(self, "nuisance", (n_times, len(self.nuisance_names)))
        for name in ("spectrum", "locked"):
            if getattr(self, name) is not None:
                check_shape(self, name, (3, None))


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionSignals:
    """What the image of one run holds in the regions, before anything is fitted to it.

    A unit is the mean over a region, or a single voxel where the voxels themselves are needed.

    Attributes
    ----------
    data : array, shape (n_volumes, n_units)
        In the units of the image; 0 where the image lacks a volume.
    reference : array, shape (n_units,)
        What percent refer to, where the image has lost its mean; NaN where it is that of ``data`` itself.
    weights : array, shape (n_volumes,)
        0 where a volume is censored, else 1.
    regressors : array, shape (n_volumes, n_regressors)
        What is to be removed.
    nuisance : array, shape (n_volumes, n_nuisance)
        The motion parameters and framewise displacement of the run (zeros where the table has none).
    name : str
        The name of the image, for messages.
    """

    data: NDArray[np.float32]
    reference: Floats
    weights: Floats
    regressors: Floats
    regressor_names: tuple[str, ...]
    nuisance: Floats
    nuisance_names: tuple[str, ...]
    name: str
    steps: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check shapes."""
        n_volumes = len(self.data)
        check_shape(self, "data", (None, len(self.reference)))
        check_shape(self, "weights", (n_volumes,))
        check_shape(self, "regressors", (n_volumes, len(self.regressor_names)))
        check_shape(self, "nuisance", (n_volumes, len(self.nuisance_names)))


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionSeries:
    """BOLD of regions over one run.

    Attributes
    ----------
    data : array, shape (n_volumes, n_regions)
        Percent signal change, confounds removed.
    weights : array, shape (n_volumes,)
        0 where a volume is censored, else 1.
    labels : array, shape (n_x, n_y, n_z)
        The label image to paint results on: voxels of region k hold k + 1.
    affine : array, shape (4, 4)
        Voxel to millimetres of ``space``.
    nuisance : array, shape (n_volumes, n_nuisance)
        The motion parameters and framewise displacement of the run (zeros where the table has none).
    steps : tuple of str
        What was done, in order, in words.
    differences : tuple of str
        Names of the last columns, which are differences of regions and have no voxels of their own.
    """

    data: Floats
    region_names: tuple[str, ...]
    weights: Floats
    labels: NDArray[np.int32]
    affine: Floats
    space: str
    nuisance: Floats
    nuisance_names: tuple[str, ...]
    steps: tuple[str, ...]
    differences: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check shapes."""
        n_volumes = len(self.data)
        check_shape(self, "data", (None, len(self.region_names)))
        check_shape(self, "weights", (n_volumes,))
        check_shape(self, "labels", (None, None, None))
        check_shape(self, "affine", (4, 4))
        check_shape(self, "nuisance", (n_volumes, len(self.nuisance_names)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RealignedRun:
    """Where the head was in every volume of a raw BOLD run; the image stays as it is.

    Attributes
    ----------
    mean : array of float32, shape (n_x, n_y, n_z)
        Mean of some realigned volumes: what poses refer to.
    affine : array, shape (4, 4)
        Voxel to mm of the scanner.
    mask : array of bool, shape (n_x, n_y, n_z)
        The brain in ``mean``.
    poses : array, shape (n_volumes, 4, 4)
        mm of ``mean`` to mm of each volume.
    motion : array, shape (n_volumes, 6)
        The same as translations (mm) and rotations (rad) about the middle of the brain.
    similarity, gain : array, shape (n_volumes,)
        Correlation of each volume with ``mean``, and how bright it is beside it.
    """

    mean: NDArray[np.float32]
    affine: Floats
    mask: NDArray[np.bool_]
    poses: Floats
    motion: Floats
    similarity: Floats
    gain: Floats

    def __post_init__(self) -> None:
        """Check shapes."""
        n_volumes = len(self.poses)
        check_shape(self, "mask", np.shape(self.mean))
        check_shape(self, "affine", (4, 4))
        check_shape(self, "poses", (None, 4, 4))
        check_shape(self, "motion", (n_volumes, 6))
        check_shape(self, "similarity", (n_volumes,))
        check_shape(self, "gain", (n_volumes,))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TemplatePlace:
    """Where a BOLD image lies in the template.

    Attributes
    ----------
    matrix : array, shape (4, 4)
        mm of the scanner to mm of the template.
    overlap : float
        Dice coefficient of the brain in the image and that of the template.
    words : str
        How it was found.
    """

    matrix: Floats
    overlap: float
    words: str

    def __post_init__(self) -> None:
        """Check shapes."""
        check_shape(self, "matrix", (4, 4))
