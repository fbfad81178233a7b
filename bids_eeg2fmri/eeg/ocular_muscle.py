"""Blinks and muscle activity as independent components: found by MNE, taken out. Off unless asked for."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import mne
import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.records import Floats

#: Components beyond this share of the variance are noise that FastICA does not converge on.
_VARIANCE = 0.99
#: Electrodes near the eyes, by which blinks are known where no EOG was recorded.
_NEAR_EYES = ("Fp1", "Fp2", "Fpz", "AF7", "AF8")
#: Correlation of a blink's component with those electrodes. The usual z-score cannot reach its limit of 3
#: where there are fewer than a dozen components.
_LEAST_CORRELATION = 0.6
#: Of the components, no more than this share is taken for artefacts.
_MOST_REMOVED = 0.3


def remove_ocular_muscle(
    data: NDArray[np.float32],
    sfreq: float,
    *,
    names: Sequence[str],
    positions: Floats,
    seed: int,
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Take out components that look like blinks, glances or muscle.

    FastICA on the run itself (Hyvarinen 1999, 10.1109/72.761722); what is removed from a sample depends on
    that sample alone.

    Parameters
    ----------
    data : array, shape (n_channels, n_times)
        Average-referenced EEG, microvolts.
    positions : array, shape (n_channels, 3)
        Head coordinates, m; without all of them no muscle is looked for.
    seed : int
        Of FastICA's start.
    """
    info = mne.create_info(list(names), sfreq, "eeg")
    raw = mne.io.RawArray(data * 1e-6, info, verbose="error")
    located = bool(np.all(np.isfinite(positions)))
    if located:
        places = dict(zip(names, positions, strict=True))
        raw.set_montage(mne.channels.make_dig_montage(places, coord_frame="head"), verbose="error")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # FastICA says where it stopped short; what it found is judged below
        ica = mne.preprocessing.ICA(n_components=_VARIANCE, random_state=seed, max_iter=300, verbose="error")
        ica.fit(raw, decim=max(round(sfreq / 100), 1), verbose="error")
        scored: dict[int, float] = {}
        for name in [n for n in _NEAR_EYES if n in names][:2]:
            found, scores = ica.find_bads_eog(
                raw, ch_name=name, measure="correlation", threshold=_LEAST_CORRELATION, verbose="error"
            )
            scored |= {k: abs(float(scores[k])) for k in found}
        n_eyes = len(scored)
        if located:
            found, scores = ica.find_bads_muscle(raw, verbose="error")
            scored |= {k: abs(float(scores[k])) for k in found if k not in scored}
        removed = sorted(scored, key=lambda k: -scored[k])[: int(_MOST_REMOVED * ica.n_components_)]
        if not removed:
            return data, (f"no ocular or muscle component among {ica.n_components_} (ICA)",)
        cleaned = ica.apply(raw, exclude=removed, verbose="error").get_data() * 1e6
    step = (
        f"{len(removed)} of {ica.n_components_} independent components removed "
        f"({n_eyes} found ocular, {len(scored) - n_eyes} muscle)"
    )
    return cleaned.astype(np.float32), (step,)
