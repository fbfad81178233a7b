"""A network made for BOLD: spatial filters, power, a haemodynamic response per component, all regions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from bids_eeg2fmri.errors import UsageError
from bids_eeg2fmri.models.band_power import last_frames
from bids_eeg2fmri.models.bold_scaling import bold_moments
from bids_eeg2fmri.models.hrf import convolve_at
from bids_eeg2fmri.models.hrfnet_lessons import Lesson, make_lesson
from bids_eeg2fmri.models.hrfnet_network import HrfNetwork, RunTensors
from bids_eeg2fmri.models.hrfnet_start import components_most_alike, start_readout
from bids_eeg2fmri.models.hrfnet_training import train_networks
from bids_eeg2fmri.models.inner_folds import inner_folds
from bids_eeg2fmri.models.packed_covariance import pack_covariances
from bids_eeg2fmri.models.power_model import PRIOR_SECONDS
from bids_eeg2fmri.models.setting_checks import check_bands, check_peaks, check_positive
from bids_eeg2fmri.models.source_power import (
    BandSignals,
    highpassed_response,
    measure_band_signals,
    separate_sources,
)
from bids_eeg2fmri.models.stack import source_bands
from bids_eeg2fmri.models.training_data import (
    check_channels,
    check_training_runs,
    decode_names,
    encode_names,
)
from bids_eeg2fmri.records import AlignedRun, Floats, SpatialFilters

FORMS = ("covariance", "signal")
#: How far seeds begin from each other, in the units of the filters (one source has weight 1).
START_NOISE = 0.1
#: Length of the temporal kernels of the signal form, s.
KERNEL_DURATION = 0.5
#: Of the ridge regression that the readout begins with, in units of the mean eigenvalue.
START_PENALTY = 1.0
#: How much the band a component begins with outweighs the others, before the softmax.
START_BAND = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HrfNet:
    """A network on whole runs: spatial filters, power, its logarithm, a learned haemodynamic response each.

    The EEG is first separated into sources, without the BOLD; the components begin as the sources and bands
    that follow the BOLD most. Several seeds are trained side by side, each once on all training runs and once
    without each of them, which decides how many steps are best and brings the amplitude to scale.

    Attributes
    ----------
    form : str
        ``covariance``: temporal filters are fixed bands, and the network works on covariances over windows.
        ``signal``: temporal kernels of half a second are learned too; about ten times slower.
    bands : mapping of name to (low, high)
        Hz; where the temporal kernels begin in the signal form.
    n_sources, n_components : int
    window : float
        Seconds over which power is taken.
    peaks : tuple of float
        When the haemodynamic basis functions are highest, s; each component learns its own mixture.
    highpass : float
        Time constant of their high-pass filter, s (``inf``: none).
    n_seeds, n_steps : int
        Networks that are averaged, and most steps of training.
    learning_rate, weight_decay : float
        Of AdamW.
    """

    name: ClassVar[str] = "hrfnet"
    description: ClassVar[str] = (
        "Network of spatial filters, log power and a learned haemodynamic response per component, whole runs"
    )
    reference: ClassVar[str] = (
        "after Lawhern et al. 2018, doi 10.1088/1741-2552/aace8c; "
        "Loshchilov & Hutter 2019 (AdamW), doi 10.48550/arXiv.1711.05101"
    )

    form: str = "covariance"
    bands: Mapping[str, tuple[float, float]] = field(default_factory=source_bands)
    n_sources: int = 20
    n_components: int = 40
    window: float = 1.0
    peaks: tuple[float, ...] = (4.0, 5.5)
    highpass: float = 25.0
    n_seeds: int = 2
    n_steps: int = 40
    learning_rate: float = 0.005
    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        """Check the settings."""
        if self.form not in FORMS:
            raise UsageError(f"hrfnet: form is '{self.form}'; expected one of {', '.join(FORMS)}.")
        check_bands(self.name, self.bands)
        check_positive(
            self.name, window=self.window, learning_rate=self.learning_rate, highpass=self.highpass
        )
        check_peaks(self.name, self.peaks)
        for name in ("n_sources", "n_components", "n_seeds", "n_steps"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise UsageError(f"hrfnet: {name} is {value}; expected a whole number of at least 1.")
        if self.weight_decay < 0:
            raise UsageError(f"hrfnet: weight_decay is {self.weight_decay}; expected 0 or a number above it.")

    def prepare(self, run: AlignedRun) -> BandSignals:
        """Return what is computed once per run, whatever is learned from it."""
        return measure_band_signals(run, bands=self.bands, window=self.window)

    def fit(
        self,
        runs: Sequence[AlignedRun],
        *,
        rng: np.random.Generator,
        device: str = "cpu",
        prepared: Sequence[BandSignals] | None = None,
    ) -> FittedHrfNet:
        """Learn from whole runs; volumes of weight 0 are not looked at.

        Parameters
        ----------
        runs : sequence of AlignedRun
        rng : Generator
            Draws where each seed begins.
        device : str
            As torch names it.
        prepared : sequence of BandSignals, optional
            What :meth:`prepare` returned for each run; computed if missing.

        Raises
        ------
        BadDataError
            If the runs differ in channels or regions, or leave too little to learn from.
        """
        check_training_runs(runs, self.name)
        # The last "fold" holds nothing out: those networks are the model.
        whole = (
            tuple((r.weights > 0).astype(float) for r in runs),
            tuple(np.zeros(r.n_volumes) for r in runs),
        )
        folds = [*inner_folds(runs), whole]
        signals = [self.prepare(run) for run in runs] if prepared is None else list(prepared)
        filters = separate_sources(runs, signals, n_components=self.n_sources)
        mean, scale = bold_moments(runs, whole[0])
        tensors = [self.tensors_of(run, s, filters, device) for run, s in zip(runs, signals, strict=True)]
        lessons = [
            make_lesson(run, s, tensor, folds, k, scale, n_seeds=self.n_seeds)
            for k, (run, s, tensor) in enumerate(zip(runs, signals, tensors, strict=True))
        ]
        network = self._start(lessons, runs, filters, n_folds=len(folds), rng=rng).to(device)
        start_readout(network, lessons, penalty=START_PENALTY)
        tested = torch.arange(len(folds) * self.n_seeds, device=device) < (len(folds) - 1) * self.n_seeds
        trained = train_networks(
            network,
            lessons,
            tested=tested,
            n_steps=self.n_steps,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
        )
        state = {name: value[~tested].cpu().numpy() for name, value in network.state_dict().items()}
        slopes = trained.slopes.cpu().numpy().astype(np.float64)
        return FittedHrfNet(
            options=self,
            filters=filters,
            network=self._restored(state),
            bold_mean=mean,
            bold_scale=scale * slopes,
            best_step=trained.best_step,
            region_names=runs[0].region_names,
        )

    def restore(self, tensors: Mapping[str, NDArray[Any]]) -> FittedHrfNet:
        """Return the trained model that :meth:`FittedHrfNet.tensors` described."""
        prefix = "network."
        state = {k.removeprefix(prefix): np.asarray(v) for k, v in tensors.items() if k.startswith(prefix)}
        return FittedHrfNet(
            options=self,
            network=self._restored(state),
            best_step=int(tensors["best_step"]),
            region_names=decode_names(tensors["region_names"]),
            **{k: np.asarray(tensors[k], dtype=np.float64) for k in ("filters", "bold_mean", "bold_scale")},
        )

    def tensors_of(self, run: AlignedRun, s: BandSignals, filters: Floats, device: str) -> RunTensors:
        """Return a run as the network sees it, behind filters (n_sources, n_channels)."""
        n_windows, step = len(s.last_samples), s.length / run.sfreq
        # The convolution with its beginning is linear: applied to an identity it gives its matrix.
        response = convolve_at(
            np.eye(n_windows),
            last_frames(s.last_samples, run.volume_samples),
            self.responses(step),
            prior_frames=round(PRIOR_SECONDS / step),
        )
        if self.form == "signal":
            whole = run.eeg[:, : s.last_samples[-1] + 1] if n_windows else run.eeg[:, :0]
            signal = (filters.astype(np.float32) @ whole)[:, whole.shape[1] - n_windows * s.length :]
        else:
            components = filters.astype(np.float32) @ s.values  # (n_bands, n_sources, n_times)
            cut = components.reshape(len(s.values), len(filters), n_windows, s.length).transpose(2, 0, 1, 3)
            signal = pack_covariances(cut @ cut.swapaxes(2, 3) / s.length)
        return RunTensors(
            signal=torch.from_numpy(np.ascontiguousarray(signal, dtype=np.float32)).to(device),
            response=torch.from_numpy(response.astype(np.float32)).to(device),
            window=s.length,
        )

    def _start(
        self,
        lessons: Sequence[Lesson],
        runs: Sequence[AlignedRun],
        filters: Floats,
        *,
        n_folds: int,
        rng: np.random.Generator,
    ) -> HrfNetwork:
        """Return networks whose components begin as the sources and bands that follow the BOLD most."""
        n_sources, n_bands = len(filters), len(self.bands)
        n_components = min(self.n_components, n_sources * n_bands)
        device = lessons[0].target.device
        every = torch.eye(n_sources, device=device).repeat_interleave(n_bands, dim=0)
        # One network per fold of which each component is one source in one band (almost: 1 to e to the -9).
        probe = HrfNetwork(
            every[None],
            9.0 * torch.eye(n_bands, device=device).repeat(n_sources, 1)[None],
            n_basis=len(self.peaks),
            n_regions=1,
            kernels=self._kernels(runs[0].sfreq),
        ).to(device)
        chosen = components_most_alike(
            probe, lessons, n_networks=n_folds * self.n_seeds, n_chosen=n_components
        ).cpu()
        source, band = torch.div(chosen, n_bands, rounding_mode="floor"), chosen % n_bands
        noise = torch.from_numpy(rng.normal(0, START_NOISE, (*chosen.shape, n_sources)).astype(np.float32))
        return HrfNetwork(
            torch.nn.functional.one_hot(source, n_sources).float() + noise,
            START_BAND * torch.nn.functional.one_hot(band, n_bands).float(),
            n_basis=len(self.peaks),
            n_regions=lessons[0].target.shape[1],
            kernels=self._kernels(runs[0].sfreq),
        )

    def responses(self, step: float) -> Floats:
        """Return the haemodynamic basis (n_basis, n_taps) for windows ``step`` seconds apart."""
        return np.concatenate(
            [highpassed_response(step, peak=peak, time_constant=self.highpass) for peak in self.peaks]
        )

    def _kernels(self, sfreq: float) -> torch.Tensor | None:
        """Return the temporal kernels to begin with, (n_bands, n_taps): oscillations amid each band."""
        if self.form != "signal":
            return None
        n_taps = max(2, round(KERNEL_DURATION * sfreq))
        times = (torch.arange(n_taps) - (n_taps - 1) / 2) / sfreq
        middle = torch.tensor([(low + high) / 2 for low, high in self.bands.values()])
        waves = torch.cos(2 * math.pi * middle[:, None] * times) * torch.hann_window(n_taps, periodic=False)
        kernels: torch.Tensor = waves / waves.norm(dim=1, keepdim=True)
        return kernels

    def _restored(self, state: Mapping[str, NDArray[Any]]) -> HrfNetwork:
        """Return the network of a state."""
        tensors = {name: torch.from_numpy(np.array(value)) for name, value in state.items()}
        network = HrfNetwork(
            tensors["spatial"],
            tensors["bands"],
            n_basis=len(self.peaks),
            n_regions=tensors["readout"].shape[2],
            kernels=tensors["kernels"][0] if "kernels" in tensors else None,
        )
        network.load_state_dict(tensors)
        return network


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedHrfNet:
    """A trained :class:`HrfNet`.

    Attributes
    ----------
    filters : array, shape (n_sources, n_channels)
        Of the separation, per µV.
    network : HrfNetwork
        One network per seed.
    bold_mean, bold_scale : array, shape (n_regions,)
        What outputs are multiplied with and added to, % signal change.
    best_step : int
        Steps of training behind the weights.
    """

    options: HrfNet
    filters: Floats
    network: HrfNetwork
    bold_mean: Floats
    bold_scale: Floats
    best_step: int
    region_names: tuple[str, ...]

    def predict(self, run: AlignedRun, *, prepared: BandSignals | None = None) -> Floats:
        """Return (n_volumes, n_regions) percent signal change, from the EEG up to each volume's sample."""
        check_channels(run, self.filters.shape[1], self.options.name)
        signals = self.options.prepare(run) if prepared is None else prepared
        with torch.no_grad():
            outputs = self.network(self.options.tensors_of(run, signals, self.filters, "cpu")).mean(dim=0)
        return np.asarray(outputs.numpy().astype(np.float64) * self.bold_scale + self.bold_mean)

    def spatial_filters(self) -> SpatialFilters:
        """Return the filters of all seeds, those that matter most first, with the band of each."""
        spatial = self.network.spatial.detach().numpy().astype(np.float64)
        size = np.linalg.norm(spatial, axis=2)
        importance = np.linalg.norm(self.network.readout.detach().numpy(), axis=2)
        order = np.argsort(-importance.ravel(), kind="stable")
        weights = (spatial / size[:, :, None]).reshape(-1, spatial.shape[2]) @ self.filters
        best = self.network.bands.detach().numpy().argmax(axis=2).ravel()[order]
        names, limits = list(self.options.bands), np.array(list(self.options.bands.values()), dtype=float)
        return SpatialFilters(
            names=tuple(f"component {k + 1} {names[band]}" for k, band in enumerate(best)),
            weights=weights[order],
            domain="amplitude",
            bands=limits[best],
        )

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return all that :meth:`HrfNet.restore` needs, by name."""
        state = {f"network.{name}": value.numpy().copy() for name, value in self.network.state_dict().items()}
        return {
            **state,
            "filters": self.filters.copy(),
            "bold_mean": self.bold_mean.copy(),
            "bold_scale": self.bold_scale.copy(),
            "best_step": np.array(self.best_step),
            "region_names": encode_names(self.region_names),
        }
