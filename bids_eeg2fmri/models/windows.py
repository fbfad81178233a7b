"""Windows of EEG that end at the volumes, and the sums over them that batch normalisation needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import signal

from bids_eeg2fmri.records import Floats

Single = NDArray[np.float32]

#: The low-pass before a reduction of the sampling frequency, as a part of the new one.
CUTOFF = 0.4


def resample_causally(
    eeg: Single, sfreq: float, *, new_sfreq: float, samples: NDArray[np.int64]
) -> tuple[Single, NDArray[np.int64]]:
    """Bring EEG to another sampling frequency without looking ahead.

    A Butterworth low-pass of order 6 runs forwards only (when the frequency is reduced), then samples are
    interpolated linearly.

    Parameters
    ----------
    eeg : array, shape (n_channels, n_times)
    sfreq, new_sfreq : float
        Hz.
    samples : array of int64, shape (n_samples,)
        Moments of interest, counted at the old frequency. May lie outside the EEG.

    Returns
    -------
    resampled : array, shape (n_channels, n_new_times)
    new_samples : array of int64, shape (n_samples,)
        For each the last new sample that uses nothing after the old one.
    """
    if new_sfreq == sfreq:
        return eeg, samples
    if new_sfreq < sfreq:
        sos = signal.butter(6, CUTOFF * new_sfreq, fs=sfreq, output="sos")
        eeg = signal.sosfilt(sos, eeg, axis=1)
    ratio = sfreq / new_sfreq
    places = np.arange(int((eeg.shape[1] - 1) // ratio) + 1) * ratio
    before = np.floor(places + 1e-6).astype(np.int64)
    after = np.minimum(np.ceil(places - 1e-6).astype(np.int64), eeg.shape[1] - 1)
    part = np.clip(places - before, 0.0, 1.0)
    resampled = eeg[:, before] * (1.0 - part) + eeg[:, after] * part
    return resampled.astype(np.float32), np.searchsorted(after, samples, side="right") - 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WindowSet:
    """Windows of scaled EEG, one per volume, cut from the runs only when a batch asks for them.

    Attributes
    ----------
    padded : tensor, shape (n_padded, n_channels)
        The EEG of all runs one after the other, with zeros before each. What is read of it at once, all
        channels at one time, lies together.
    starts : tensor of int64, shape (n_windows,)
        Where each window begins in ``padded``.
    n_times : int
        Length of the windows.
    """

    padded: torch.Tensor
    starts: torch.Tensor
    n_times: int

    def __len__(self) -> int:
        """Return the number of windows."""
        return len(self.starts)

    def take(self, chosen: torch.Tensor) -> torch.Tensor:
        """Return the chosen windows, (n_channels, n_chosen, n_times)."""
        times = self.starts[chosen][:, None] + torch.arange(self.n_times, device=self.starts.device)
        rows = self.padded.index_select(0, times.flatten())
        return rows.T.view(-1, len(chosen), self.n_times)


def cut_windows(
    runs: Sequence[tuple[Single, NDArray[np.int64]]], *, n_times: int, device: str = "cpu"
) -> WindowSet:
    """Prepare one window per volume that ends with the volume's sample.

    Where a window begins before the recording its start is 0; where its end lies outside the recording it
    ends with the nearest sample that is not later than the volume's (all zeros before the recording).

    Parameters
    ----------
    runs : sequence of (eeg, samples)
        Scaled EEG (n_channels, n_times) and the sample of every volume (n_volumes,).
    n_times : int
        Length of the windows.
    device : str
    """
    parts, starts, offset = [], [], 0
    for eeg, samples in runs:
        parts.append(np.pad(eeg, ((0, 0), (n_times, 0))))
        ends = np.clip(samples, -1, eeg.shape[1] - 1)
        starts.append(offset + ends + 1)
        offset += parts[-1].shape[1]
    return WindowSet(
        padded=torch.from_numpy(np.ascontiguousarray(np.concatenate(parts, axis=1).T)).to(device),
        starts=torch.from_numpy(np.concatenate(starts)).to(device),
        n_times=n_times,
    )


def places_between(
    samples: NDArray[np.int64], values: Floats, usable: NDArray[np.bool_], *, n: int
) -> tuple[NDArray[np.int64], Floats]:
    """Return moments between neighbouring volumes, and the values interpolated there.

    Parameters
    ----------
    samples : array of int64, shape (n_volumes,)
        The EEG sample of each volume.
    values : array, shape (n_volumes, n_regions)
    usable : array of bool, shape (n_volumes,)
    n : int
        Moments per volume.

    Returns
    -------
    places : array of int64, shape (n_volumes, n)
        The volume's own sample first, then back towards the volume before. Where either of the two is not
        usable, the volume's own throughout.
    interpolated : array, shape (n_volumes, n, n_regions)
    """
    before = np.maximum(np.arange(len(samples)) - 1, 0)
    part = np.arange(n) / n * (usable & usable[before])[:, None]
    places = samples[:, None] - part * (samples - samples[before])[:, None]
    interpolated = values[:, None] - part[:, :, None] * (values - values[before])[:, None]
    return np.rint(places).astype(np.int64), interpolated


def patch_moments(windows: WindowSet, n_taps: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return first and second moments of all patches of every window.

    A patch is what a temporal filter of ``n_taps`` taps sees at one time of one channel when the window is
    padded with zeros to ``same`` length. The mean and the variance of the filter's output over channels and
    times, which batch normalisation needs, follow from these moments without computing the output:
    ``k @ mean`` and ``k @ second @ k - (k @ mean)²``.

    Parameters
    ----------
    windows : WindowSet
        Windows of n_times samples, at least ``n_taps``.
    n_taps : int

    Returns
    -------
    mean : tensor, shape (n_windows, n_taps)
        Over channels and times.
    second : tensor, shape (n_windows, n_taps, n_taps)
    """
    x = np.ascontiguousarray(windows.padded.cpu().numpy().T)
    starts, n_times = windows.starts.cpu().numpy(), windows.n_times
    n_left = (n_taps - 1) // 2
    n_channels = len(x)

    def window_sums(series: Floats, lengths: NDArray[np.int64], first: NDArray[np.int64]) -> Floats:
        """Return the sum of a series (n_padded,) over stretches of every window, (n_windows, n_lengths)."""
        total = np.concatenate([[0.0], np.cumsum(series, dtype=np.float64)])
        return np.asarray(total[starts[:, None] + first + lengths] - total[starts[:, None] + first])

    taps = np.arange(n_taps)
    # Tap i of the patch at time t meets sample t + i - n_left of the window, where that exists.
    lost_end, lost_start = np.maximum(n_left - taps, 0), np.maximum(taps - n_left, 0)
    mean = window_sums(x.sum(axis=0, dtype=np.float64), n_times - lost_end - lost_start, lost_start)

    # First row: products of tap 0 with tap j. The sums run over the samples that tap 0 meets.
    second = np.empty((len(starts), n_taps, n_taps))
    for lag in range(n_taps):
        product = np.zeros(x.shape[1])
        product[: x.shape[1] - lag] = np.einsum("ct,ct->t", x[:, : x.shape[1] - lag], x[:, lag:])
        length = np.array([n_times - max(n_left, lag)])
        second[:, 0, lag] = window_sums(product, length, np.array([0]))[:, 0]
    # Down each diagonal, the earliest product leaves the sum and a later one enters.
    edges = starts[:, None] + taps
    leaving = _edge_products(x, edges - n_left, taps >= n_left)
    entering = _edge_products(x, edges + n_times - n_left, taps < n_left)
    for i in range(n_taps - 1):
        second[:, i + 1, 1:] = second[:, i, :-1] - leaving[:, i, :-1] + entering[:, i, :-1]
        second[:, i + 1, 0] = second[:, 0, i + 1]
    n = n_channels * n_times
    device = windows.padded.device
    return (
        torch.from_numpy((mean / n).astype(np.float32)).to(device),
        torch.from_numpy((second / n).astype(np.float32)).to(device),
    )


def _edge_products(x: Single, places: NDArray[np.int64], inside: NDArray[np.bool_]) -> Floats:
    """Return products of samples summed over channels, (n_windows, n_taps, n_taps); 0 outside the window."""
    samples = np.where(inside, x[:, np.clip(places, 0, x.shape[1] - 1)], 0.0).transpose(1, 2, 0)
    return np.asarray(samples @ samples.transpose(0, 2, 1), dtype=np.float64)
