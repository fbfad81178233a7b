"""MNE's average artefact subtraction, for comparison."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mne
import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.eeg.decimation import Decimator, decimate
from bids_eeg2fmri.eeg.gradient_correction import (
    Correction,
    compare_combs,
    mark_partial,
    residual_series,
)
from bids_eeg2fmri.eeg.saturation import Saturation
from bids_eeg2fmri.eeg.volume_search import FoundVolumes
from bids_eeg2fmri.errors import BadDataError
from bids_eeg2fmri.formats.eeg_samples import EegSamples
from bids_eeg2fmri.settings import EegSettings

#: Channels in memory at once: MNE works on float64 at the full rate.
_BLOCK = 8


def correct_with_mne(
    raw: Any,
    samples: EegSamples,
    decimator: Decimator,
    found: FoundVolumes,
    *,
    breaks: Sequence[int],
    settings: EegSettings,
    saturation: Saturation,
) -> Correction:
    """Return a recording corrected by MNE, at the lower rate.

    MNE leaves the first and the last volumes of a window uncorrected; they are marked. It knows neither head
    movements (``breaks``) nor clocks that are not locked.

    Raises
    ------
    BadDataError
        If the volumes do not follow each other, or are fewer than a window.
    """
    grid = found.grid
    onsets = np.round(grid.onsets * samples.sfreq).astype(np.int64)
    window = settings.gradient_window // 2 * 2
    n_out = decimator.n_out(samples.n_times)
    data = np.empty((n_out, len(raw.ch_names)), np.float32)
    before = np.empty_like(data)
    for first in range(0, len(raw.ch_names), _BLOCK):
        picks = list(range(first, min(first + _BLOCK, len(raw.ch_names))))
        part = raw.copy().pick(picks, verbose="error").load_data(verbose="error")
        before[:, picks] = _lowered(part, decimator, None)
        try:
            part = mne.preprocessing.remove_fmri_gradient_artifact(
                part, onsets, window=window, tr_tol=1, picks="all", copy=False, verbose="error"
            )
        except ValueError as error:
            raise BadDataError(
                f"MNE cannot correct this recording ({error}). Leave eeg.gradient at 'aas'."
            ) from None
        data[:, picks] = _lowered(part, decimator, None)
    decimate(samples.read, samples.n_times, decimator, saturation.watch)
    is_eeg = [i for i, kind in enumerate(raw.get_channel_types()) if kind == "eeg"]
    after = grid.cut(data[:, is_eeg])
    quality = compare_combs(grid.cut(before[:, is_eeg]), after, grid)
    uncorrected = mark_partial(found, n_out)
    for onset in np.concatenate([grid.onsets[: window // 2], grid.onsets[-(window // 2) :]]):
        begin, end = (round(t * grid.sfreq) for t in (onset, onset + grid.period))
        uncorrected[max(begin - 12, 0) : end + 12] = True
    return Correction(
        data=data,
        uncorrected=uncorrected,
        residual=residual_series(after, grid, n_out, n_slices=round(quality.get("slices_per_volume", 0))),
        steps=(
            f"gradient artefact subtracted by MNE {mne.__version__}, window of {window} volumes; the first "
            f"and last {window // 2} volumes, which it leaves, marked; {len(breaks)} head movements not "
            "heeded; what is locked to the TR is gone from the EEG too",
        ),
        quality=quality,
    )


def _lowered(part: Any, decimator: Decimator, watch: None) -> NDArray[np.float32]:
    """Return a loaded recording at the lower rate, (n_times, n_channels), microvolts."""
    volts = part.get_data()

    def read(start: int, stop: int) -> NDArray[np.float32]:
        return np.ascontiguousarray((volts[:, start:stop] * 1e6).T, dtype=np.float32)

    return decimate(read, volts.shape[1], decimator, watch)
