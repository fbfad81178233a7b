"""Trained models: what they have learned, how they are saved and applied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from numpy.typing import NDArray

from bids_eeg2fmri.records.recordings import Entities
from bids_eeg2fmri.records.shapes import Floats, check_shape
from bids_eeg2fmri.records.signals import VolumeClock


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpatialFilters:
    """Weights over channels that a model has learned.

    Attributes
    ----------
    names : tuple of str, one per filter
    weights : array, shape (n_filters, n_channels)
    domain : "amplitude" or "power"
        Whether the weights apply to the EEG itself (µV) or to the logarithm of its power.
    bands : array, shape (n_filters, 2)
        The band each filter works in, Hz.
    kernels : array, shape (n_filters, n_taps), or None
        Temporal filters that go with the spatial ones, oldest sample first, where the model has them.
    kernel_sfreq : float
        Sampling rate of the kernels, Hz; NaN where there are none.
    """

    names: tuple[str, ...]
    weights: Floats
    domain: Literal["amplitude", "power"]
    bands: Floats
    kernels: Floats | None = None
    kernel_sfreq: float = float("nan")

    def __post_init__(self) -> None:
        """Check shapes."""
        check_shape(self, "weights", (len(self.names), None))
        check_shape(self, "bands", (len(self.names), 2))
        if self.kernels is not None:
            check_shape(self, "kernels", (len(self.names), None))
            if not self.kernel_sfreq > 0:
                raise ValueError(f"SpatialFilters.kernel_sfreq: expected a rate, got {self.kernel_sfreq}.")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Explanation:
    """What a predictor used: patterns over the scalp that can be read as sources (Haufe 2014).

    Attributes
    ----------
    patterns : array, shape (n_filters, n_channels)
        Each scaled to a largest absolute value of 1.
    positions : array, shape (n_channels, 3)
        Head coordinates in metres, NaN where unknown.
    """

    model: str
    filters: SpatialFilters
    patterns: Floats
    channel_names: tuple[str, ...]
    positions: Floats
    sfreq: float

    def __post_init__(self) -> None:
        """Check shapes."""
        check_shape(self, "patterns", (len(self.filters.names), len(self.channel_names)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SavedModel:
    """A trained model and all that is needed to apply it to another recording.

    Attributes
    ----------
    model : str
        Name in the registry.
    version : str
        Of the app that trained it.
    options : mapping
        The model's own settings.
    tensors : mapping of name to array
        What :meth:`bids_eeg2fmri.registry.Predictor.restore` makes the trained model of.
    channel_names : tuple of str
        The EEG channels it expects, in this order.
    positions : array, shape (n_channels, 3)
        Head coordinates in metres, NaN where unknown.
    sfreq : float
        Sampling rate of the EEG it expects, Hz.
    tr : float
        Seconds from volume to volume in training.
    start_time : float
        From the onset of a volume to the moment its values refer to, s.
    lookahead : float
        How far the cleaning of the training EEG looked ahead, s.
    trained_on : tuple of str
        The runs, by their entities.
    preprocessing : mapping
        The settings of the EEG stage in training.
    objective : str
        What it was trained for: "bold", or classes ("levels", "condition").
    bold : str
        How the BOLD it was trained on was preprocessed: "derivatives" or "minimal".
    held_out_r, held_out_error : tuple of float, one per region
        Correlation with the BOLD and root mean square error (% signal change) of such models on what they had
        not seen, over all folds; NaN where it is not defined, empty where it is not known.
    """

    model: str
    version: str
    options: Mapping[str, Any]
    tensors: Mapping[str, NDArray[Any]]
    channel_names: tuple[str, ...]
    positions: Floats
    sfreq: float
    tr: float
    start_time: float
    lookahead: float
    region_names: tuple[str, ...]
    trained_on: tuple[str, ...]
    preprocessing: Mapping[str, Any]
    objective: str = "bold"
    bold: str = "derivatives"
    held_out_r: tuple[float, ...] = ()
    held_out_error: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Check shapes."""
        check_shape(self, "positions", (len(self.channel_names), 3))
        n_known = {len(self.held_out_r), len(self.held_out_error)}
        if n_known not in ({0}, {len(self.region_names)}):
            raise ValueError(
                f"SavedModel.held_out_r and held_out_error: expected none or {len(self.region_names)}, one "
                f"per region, got {len(self.held_out_r)} and {len(self.held_out_error)}."
            )

    @property
    def subject(self) -> str:
        """The participant it was trained on, without ``sub-``."""
        return self.trained_on[0].partition("_")[0].removeprefix("sub-") if self.trained_on else ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AppliedModel:
    """What a trained model predicts of one EEG recording.

    Attributes
    ----------
    recording, model_path : Path
        What it was applied to, and its file; ``digest`` is the SHA-256 of the latter.
    trained_on : tuple of str
        The runs the model was trained on.
    values : array, shape (n_volumes, n_regions)
        Percent signal change.
    times : array, shape (n_volumes,)
        The moments, s after the first EEG sample.
    weights : array, shape (n_volumes,)
        0 where the moment lies outside the EEG, else 1.
    clock : VolumeClock
        Where the moments come from.
    tr : float
        Seconds from volume to volume in training.
    eeg_steps, eeg_quality
        As in CleanEeg.
    channels : str
        In words what had to be done for the channels of the recording to be the model's; empty: nothing.
    held_out_r, held_out_error : tuple of float
        As in SavedModel.
    """

    entities: Entities
    recording: Path
    model: str
    model_path: Path
    digest: str
    trained_on: tuple[str, ...]
    values: Floats
    region_names: tuple[str, ...]
    times: Floats
    weights: Floats
    clock: VolumeClock
    tr: float
    eeg_steps: tuple[str, ...]
    eeg_quality: Mapping[str, float]
    channels: str
    held_out_r: tuple[float, ...] = ()
    held_out_error: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Check shapes."""
        check_shape(self, "times", (None,))
        check_shape(self, "values", (len(self.times), len(self.region_names)))
        check_shape(self, "weights", (len(self.times),))
