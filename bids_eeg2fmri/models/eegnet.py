"""EEGNet with a linear output: a small network on windows of raw EEG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from bids_eeg2fmri.errors import UsageError
from bids_eeg2fmri.models.band_power import DEFAULT_BANDS, last_frames
from bids_eeg2fmri.models.bold_scaling import bold_moments, standardise_bold
from bids_eeg2fmri.models.eegnet_input import INPUTS, InputScale, band_power_series, measure_scale
from bids_eeg2fmri.models.eegnet_network import Architecture, EegNetNetwork
from bids_eeg2fmri.models.eegnet_training import TrainingPlan, apply_network, train_network
from bids_eeg2fmri.models.inner_folds import inner_folds
from bids_eeg2fmri.models.setting_checks import check_bands
from bids_eeg2fmri.models.training_data import (
    check_channels,
    check_training_runs,
    decode_names,
    encode_names,
)
from bids_eeg2fmri.models.windows import (
    CUTOFF,
    Single,
    WindowSet,
    cut_windows,
    places_between,
    resample_causally,
)
from bids_eeg2fmri.records import AlignedRun, Floats, SpatialFilters

#: From theta to beta, Hz; less where the sampling frequency of the network leaves less.
START_RANGE = (4.0, 32.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class EegNet:
    """EEGNet (Lawhern et al. 2018) with one linear output per region.

    Attributes
    ----------
    window : float
        Seconds of EEG that end at the volume.
    sfreq : float
        Sampling frequency of the network's input, Hz.
    f1, d, f2 : int
        Temporal filters, spatial filters per temporal filter, pointwise filters.
    kernel_length, separable_kernel_length : int
        Taps of the temporal filters, and of those after the first pooling (at a quarter of ``sfreq``).
    dropout : float
    max_norm_spatial, max_norm_dense : float
        Largest Euclidean norm of a spatial filter and of the dense weights of an output.
    learning_rate, weight_decay : float
        Of AdamW.
    batch_size, max_epochs, patience : int
        ``patience``: epochs without a better inner validation error before training stops.
    steps_between : int
        Each epoch draws one of this many windows for every volume: those that end with the volume or between
        it and the volume before, with the BOLD interpolated. 1: only those that end with the volume.
    flip_sign : bool
        Whether windows in training are turned over (times -1) at random. The sign of an oscillation says
        nothing about its power; without this a network learns 150 windows by heart within a few epochs.
    oscillating_start : bool
        Whether the temporal filters begin as short oscillations of 4 to 32 Hz rather than as noise.
    input : str
        ``raw``, or ``band power``: the log power of every channel in every band, ``sfreq`` times a second,
        takes the place of the channels. It is never turned over, nor do filters begin as oscillations.
    bands : mapping of name to (low, high)
        Of the band power, Hz.
    kernel_lowpass : float
        The temporal filters are low-passed at this frequency (Hz) after every epoch ("forced filtering");
        0: they are not.
    """

    name: ClassVar[str] = "eegnet"
    description: ClassVar[str] = "EEGNet with a linear output on windows of raw EEG that end at the volume"
    reference: ClassVar[str] = "Lawhern et al. 2018, doi 10.1088/1741-2552/aace8c"

    window: float = 10.0
    sfreq: float = 50.0
    f1: int = 8
    d: int = 2
    f2: int = 16
    kernel_length: int = 25
    separable_kernel_length: int = 16
    dropout: float = 0.5
    max_norm_spatial: float = 1.0
    max_norm_dense: float = 0.25
    learning_rate: float = 3e-3
    weight_decay: float = 0.0
    batch_size: int = 32
    max_epochs: int = 60
    patience: int = 15
    steps_between: int = 4
    flip_sign: bool = True
    oscillating_start: bool = True
    input: str = "raw"
    bands: Mapping[str, tuple[float, float]] = field(default_factory=lambda: dict(DEFAULT_BANDS))
    kernel_lowpass: float = 0.0

    def __post_init__(self) -> None:
        """Check the settings."""
        for setting in fields(self):
            value = getattr(self, setting.name)
            if setting.type == "int" and (not isinstance(value, int) or value < 1):
                raise UsageError(f"eegnet: {setting.name} is {value}; expected a whole number of at least 1.")
        for name in ("window", "sfreq", "max_norm_spatial", "max_norm_dense", "learning_rate"):
            if not getattr(self, name) > 0:
                raise UsageError(f"eegnet: {name} is {getattr(self, name)}; expected a number above 0.")
        if not 0 <= self.dropout < 1:
            raise UsageError(f"eegnet: dropout is {self.dropout}; expected a number from 0 up to below 1.")
        if self.weight_decay < 0:
            raise UsageError(f"eegnet: weight_decay is {self.weight_decay}; expected 0 or a number above it.")
        if self.input not in INPUTS:
            raise UsageError(f"eegnet: input is '{self.input}'; expected one of {', '.join(INPUTS)}.")
        check_bands(self.name, self.bands)
        if not 0 <= self.kernel_lowpass < self.sfreq / 2:
            raise UsageError(
                f"eegnet: kernel_lowpass is {self.kernel_lowpass:g} Hz; expected 0 (none) or less than half "
                f"of sfreq, {self.sfreq / 2:g} Hz."
            )
        shortest = max(self.kernel_length, 4 * 8)
        if self.n_times < shortest:
            raise UsageError(
                f"eegnet: a window of {self.window:g} s at {self.sfreq:g} Hz is {self.n_times} samples; "
                f"kernel_length {self.kernel_length} and the pooling need at least {shortest}. "
                "Lengthen window or shorten kernel_length."
            )

    @property
    def n_times(self) -> int:
        """Samples per window."""
        return round(self.window * self.sfreq)

    def fit(
        self, runs: Sequence[AlignedRun], *, rng: np.random.Generator, device: str = "cpu"
    ) -> FittedEegNet:
        """Learn from whole runs; volumes of weight 0 are not looked at.

        One training run (drawn by ``rng``) decides when to stop; where there is only one run, its last part
        does, with a gap before it. The network is not fitted again afterwards.

        Parameters
        ----------
        runs : sequence of AlignedRun
        rng : Generator
            Draws the inner validation run, the first weights, the order of batches, and dropout.
        device : str
            As torch names it.

        Raises
        ------
        BadDataError
            If the runs differ in channels or regions, or leave too little to learn from.
        """
        check_training_runs(runs, self.name)
        folds = inner_folds(runs)
        one_run = sum(bool(np.any(run.weights > 0)) for run in runs) == 1
        train, held_out = folds[-1] if one_run else folds[int(rng.integers(len(folds)))]
        series = [self._series(run) for run in runs]
        scale = measure_scale(runs, train, series, has_mean=self.input == "band power")
        bold_mean, bold_scale = bold_moments(runs, train)
        # Volumes learned from and those that decide when to stop never lie next to each other: one kind per
        # run, or a gap between.
        usable = [t + v > 0 for t, v in zip(train, held_out, strict=True)]
        places = [
            places_between(
                run.volume_samples, standardise_bold(run.bold, u, bold_scale), u, n=self.steps_between
            )
            for run, u in zip(runs, usable, strict=True)
        ]
        windows = self._windows(
            runs, series, [samples.ravel() for samples, _ in places], scale, device=device
        )
        targets = np.concatenate([values.reshape(-1, len(bold_mean)) for _, values in places])
        index = np.arange(len(targets)).reshape(-1, self.steps_between)

        seed = int(rng.integers(2**62))
        with torch.random.fork_rng(devices=[device] if device.startswith("cuda") else []):
            torch.manual_seed(seed)
            network = self.network(n_channels=len(scale.deviation), n_outputs=len(bold_mean)).to(device)
            best_epoch = train_network(
                network,
                windows,
                torch.from_numpy(targets.astype(np.float32)).to(device),
                learned=index[np.concatenate(train) > 0],
                held_out=index[np.concatenate(held_out) > 0, 0],
                plan=self._plan(),
                rng=rng,
            )
        return FittedEegNet(
            options=self,
            network=network.cpu(),
            n_channels=len(runs[0].eeg),
            scale=scale,
            bold_mean=bold_mean,
            bold_scale=bold_scale,
            best_epoch=best_epoch,
            region_names=runs[0].region_names,
        )

    def restore(self, tensors: Mapping[str, NDArray[Any]]) -> FittedEegNet:
        """Return the trained model that :meth:`FittedEegNet.tensors` described."""
        scale = InputScale(
            mean=np.asarray(tensors["channel_mean"], dtype=np.float64),
            deviation=np.asarray(tensors["channel_scale"], dtype=np.float64),
        )
        bold_mean = np.asarray(tensors["bold_mean"], dtype=np.float64)
        with torch.random.fork_rng(devices=[]):  # the first weights are drawn, but do not matter
            network = self.network(n_channels=len(scale.deviation), n_outputs=len(bold_mean))
        state = {
            name: torch.from_numpy(np.array(tensors[f"network.{name}"])) for name in network.state_dict()
        }
        network.load_state_dict(state)
        return FittedEegNet(
            options=self,
            network=network.eval(),
            n_channels=len(scale.deviation) // self._n_series_per_channel,
            scale=scale,
            bold_mean=bold_mean,
            bold_scale=np.asarray(tensors["bold_scale"], dtype=np.float64),
            best_epoch=int(tensors["best_epoch"]),
            region_names=decode_names(tensors["region_names"]),
        )

    def network(self, *, n_channels: int, n_outputs: int) -> EegNetNetwork:
        """Return an untrained network with these settings; weights are drawn from torch's generator."""
        network = EegNetNetwork(
            n_channels=n_channels,
            n_times=self.n_times,
            n_outputs=n_outputs,
            architecture=Architecture(
                f1=self.f1,
                d=self.d,
                f2=self.f2,
                kernel_length=self.kernel_length,
                separable_kernel_length=self.separable_kernel_length,
                dropout=self.dropout,
            ),
        )
        if self.oscillating_start and self.input == "raw":
            low, high = START_RANGE
            network.start_as_oscillations(self.sfreq, low, min(high, CUTOFF * self.sfreq))
        return network

    @property
    def _n_series_per_channel(self) -> int:
        return len(self.bands) if self.input == "band power" else 1

    def _series(self, run: AlignedRun) -> tuple[Single, NDArray[np.int64]]:
        """Return the input (n_series, n_frames) and the last EEG sample of each frame (n_frames,)."""
        if self.input == "band power":
            return band_power_series(run, bands=self.bands, sfreq=self.sfreq)
        return run.eeg, np.arange(run.eeg.shape[1])

    def _windows(
        self,
        runs: Sequence[AlignedRun],
        series: Sequence[tuple[Single, NDArray[np.int64]]],
        samples: Sequence[NDArray[np.int64]],
        scale: InputScale,
        *,
        device: str = "cpu",
    ) -> WindowSet:
        """Return the windows that end with some samples of each run, the series scaled."""
        ready = []
        for run, (values, last_samples), ends in zip(runs, series, samples, strict=True):
            scaled = scale.apply(values)
            if self.input == "band power":
                ready.append((scaled, last_frames(last_samples, ends)))
            else:
                ready.append(resample_causally(scaled, run.sfreq, new_sfreq=self.sfreq, samples=ends))
        return cut_windows(ready, n_times=self.n_times, device=device)

    def _plan(self) -> TrainingPlan:
        return TrainingPlan(
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            batch_size=self.batch_size,
            max_epochs=self.max_epochs,
            patience=self.patience,
            max_norm_spatial=self.max_norm_spatial,
            max_norm_dense=self.max_norm_dense,
            flip_sign=self.flip_sign and self.input == "raw",
            kernel_lowpass=self.kernel_lowpass / self.sfreq,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedEegNet:
    """A trained :class:`EegNet`.

    Attributes
    ----------
    network : EegNetNetwork
    n_channels : int
    scale : InputScale
        Mean and standard deviation of each series of the input in training.
    bold_mean, bold_scale : array, shape (n_regions,)
        Mean and standard deviation of the BOLD in training, % signal change.
    best_epoch : int
        Epochs of training behind the weights.
    """

    options: EegNet
    network: EegNetNetwork
    n_channels: int
    scale: InputScale
    bold_mean: Floats
    bold_scale: Floats
    best_epoch: int
    region_names: tuple[str, ...]

    def predict(self, run: AlignedRun) -> Floats:
        """Return (n_volumes, n_regions) percent signal change, from the window up to each volume's sample."""
        check_channels(run, self.n_channels, self.options.name)
        series = [self.options._series(run)]
        windows = self.options._windows([run], series, [run.volume_samples], self.scale)
        outputs = apply_network(self.network, windows, np.arange(run.n_volumes))
        return np.asarray(outputs.numpy().astype(np.float64) * self.bold_scale + self.bold_mean)

    def spatial_filters(self) -> SpatialFilters:
        """Return the spatial filters, with the temporal filter each one follows.

        A filter's band is where the gain of its temporal filter exceeds half of its largest.
        """
        spatial = self.network.spatial.detach().numpy().astype(np.float64)
        kernels = self.network.temporal.detach().numpy().astype(np.float64)
        f1, d, _ = spatial.shape
        n_bands = self.options._n_series_per_channel
        weights = (spatial / self.scale.deviation).reshape(f1 * d, self.n_channels, n_bands).swapaxes(1, 2)
        is_power = self.options.input == "band power"
        if is_power:
            bands = np.tile(np.array(list(self.options.bands.values()), dtype=float), (f1 * d, 1))
        else:
            bands = np.repeat([_passband(kernel, self.options.sfreq) for kernel in kernels], d, axis=0)
        return SpatialFilters(
            names=tuple(
                f"temporal {i + 1} spatial {j + 1}{f' {band}' if is_power else ''}"
                for i in range(f1)
                for j in range(d)
                for band in list(self.options.bands)[:n_bands]
            ),
            weights=weights.reshape(-1, self.n_channels),
            domain="power" if is_power else "amplitude",
            bands=bands,
            kernels=np.repeat(kernels, d * n_bands, axis=0),
            kernel_sfreq=self.options.sfreq,
        )

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return all that :meth:`EegNet.restore` needs, by name."""
        state = {f"network.{name}": value.numpy().copy() for name, value in self.network.state_dict().items()}
        return {
            **state,
            "channel_mean": self.scale.mean.copy(),
            "channel_scale": self.scale.deviation.copy(),
            "bold_mean": self.bold_mean.copy(),
            "bold_scale": self.bold_scale.copy(),
            "best_epoch": np.array(self.best_epoch),
            "region_names": encode_names(self.region_names),
        }


def _passband(kernel: Floats, sfreq: float) -> tuple[float, float]:
    """Return the lowest and highest frequency (Hz) at which a filter passes half of its largest gain."""
    frequencies = np.fft.rfftfreq(1024, 1.0 / sfreq)
    gain = np.abs(np.fft.rfft(kernel, 1024))
    passed = frequencies[gain >= gain.max() / 2]
    return float(passed[0]), float(passed[-1])
